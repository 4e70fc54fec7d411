"""Makes the models and rows that `cargo xtask bench score` scores, and scores them with the libraries that made them.

100 trees of 15 leaves over 23 features, whose values are drawn like those of card accounts: limits, ages, arrears, bills
and payments, some missing. Seed 7; single-threaded; each figure is the least of several rounds.
"""

import json
import sys
import time
from pathlib import Path

import lightgbm
import numpy
import xgboost

ROWS, BATCH, ROUNDS, SEED = 20_000, 10_000, 7, 7


def rows(random):
    columns = [random.integers(1, 80, ROWS) * 10_000.0, random.integers(1, 3, ROWS), random.integers(0, 7, ROWS)]
    columns += [random.integers(0, 4, ROWS), random.integers(21, 75, ROWS)]
    columns += [random.integers(-2, 9, ROWS) for _ in range(6)]
    columns += [random.normal(50_000, 60_000, ROWS).round() for _ in range(6)]
    columns += [random.exponential(5_000, ROWS).round() for _ in range(6)]
    values = numpy.column_stack(columns).astype(numpy.float64)
    risk = 0.35 * values[:, 5] + 0.2 * values[:, 6] - values[:, 0] / 400_000 - values[:, 17] / 9_000
    bad = random.random(ROWS) < 1 / (1 + numpy.exp(1.2 - risk))
    values[random.random(values.shape) < 0.05] = numpy.nan
    return values, bad.astype(int)


def nanoseconds(work, repeats, of):
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter_ns()
        for _ in range(repeats):
            work()
        best = min(best, (time.perf_counter_ns() - started) / repeats / of)
    return best


def compiled(folder, values, figures):
    """tl2cgen compiles the trees to C; where it or a compiler is not to be had it is left out."""
    try:
        import tl2cgen
        import treelite

        model = treelite.frontend.load_lightgbm_model(str(folder / "lightgbm.txt"))
        library = str(folder / "trees.so")
        tl2cgen.export_lib(model, toolchain="gcc", libpath=library, params={"parallel_comp": 2})
        predictor = tl2cgen.Predictor(library, nthread=1)
        single, batch = tl2cgen.DMatrix(values[:1]), tl2cgen.DMatrix(values[:BATCH])
        figures["tl2cgen row"] = nanoseconds(lambda: predictor.predict(single, pred_margin=True), 500, 1)
        figures["tl2cgen batch"] = nanoseconds(lambda: predictor.predict(batch, pred_margin=True), 1, BATCH)
    except Exception as error:  # noqa: BLE001
        print(f"  left out: tl2cgen: {str(error).splitlines()[0] if str(error) else type(error).__name__}")


def main():
    folder = Path(sys.argv[1])
    values, bad = rows(numpy.random.default_rng(SEED))
    trained = lightgbm.train(
        {"objective": "binary", "num_leaves": 15, "learning_rate": 0.1, "num_threads": 1, "verbose": -1, "seed": SEED},
        lightgbm.Dataset(values, bad), num_boost_round=100,
    )
    trained.save_model(folder / "lightgbm.txt")
    values.tofile(folder / "rows.f64")
    trained.predict(values, raw_score=True).astype(numpy.float64).tofile(folder / "margins.f64")
    figures = {}
    one, many = values[:1], values[:BATCH]
    raw = {"raw_score": True, "num_threads": 1}
    figures["LightGBM row"] = nanoseconds(lambda: trained.predict(one, **raw), 300, 1)
    figures["LightGBM batch"] = nanoseconds(lambda: trained.predict(many, **raw), 1, BATCH)
    parameters = {"objective": "binary:logistic", "max_leaves": 15, "max_depth": 0, "grow_policy": "lossguide"}
    other = xgboost.train(
        parameters | {"tree_method": "hist", "nthread": 1, "seed": SEED}, xgboost.DMatrix(values, bad), 100
    )
    figures["XGBoost row"] = nanoseconds(lambda: other.inplace_predict(one, predict_type="margin"), 300, 1)
    figures["XGBoost batch"] = nanoseconds(lambda: other.inplace_predict(many, predict_type="margin"), 1, BATCH)
    compiled(folder, values, figures)
    (folder / "peers.json").write_text(json.dumps(figures), encoding="utf-8")


main()
