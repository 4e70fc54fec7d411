"""What the generators of models share: applications, and how a case is written down.

A case is the library's own file, `NAME.input.csv` (an empty cell is missing) and `NAME.expected.json`: `kind` (what
`prequal import --from` is told), `options` for the reader, and for each row `margin` (the library's points or margin as
a decimal that gives its bits; null where it gives no score), `probability` and `reasons` where it has them, and
`tolerance`, 0 where bits must agree.
"""
import csv, json, os

import numpy as np

SEED = 20261123
NUMBERS = ["income", "age", "ratio"]
NAMES = NUMBERS + ["region", "job"]
REGIONS = ["north", "south", "east", "west coast", "o'brien"]
JOBS = ["a", "b", "c", "d"]


def applications(rows, missing=0.06, seed=SEED):
    """Columns by name, and whether each row went bad. Missing is None."""
    rng = np.random.default_rng(seed)
    columns = {"income": np.round(rng.lognormal(8, 1, rows), 2), "age": rng.integers(18, 80, rows).astype(float),
               "ratio": rng.normal(0, 1, rows), "region": rng.choice(REGIONS, rows), "job": rng.choice(JOBS, rows)}
    z = (-1 + 0.5 * (columns["age"] < 30) - 0.3 * np.log(columns["income"] / 3000) + 0.8 * (columns["region"] == "south")
         + 0.5 * (columns["job"] == "a") + 0.4 * columns["ratio"])
    bad = (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(int)
    out = {}
    for name, values in columns.items():
        gone = rng.random(rows) < missing
        out[name] = [None if g else (float(v) if name in NUMBERS else str(v)) for v, g in zip(values, gone)]
    return out, bad


def near(columns, cuts, rng, names=NAMES):
    """Puts values on a cut and one unit in the last place beside it; cuts by feature."""
    for name, list_of_cuts in cuts.items():
        if name not in names or not list_of_cuts:
            continue
        for row in range(0, len(columns[name]), 3):
            cut = float(list_of_cuts[rng.integers(len(list_of_cuts))])
            columns[name][row] = [cut, float(np.nextafter(cut, np.inf)), float(np.nextafter(cut, -np.inf))][rng.integers(3)]
    return columns


def write(folder, name, kind, columns, margins, probability=None, reasons=None, options=None, tolerance=0.0):
    os.makedirs(folder, exist_ok=True)
    names = list(columns)
    with open(os.path.join(folder, name + ".input.csv"), "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(names)
        for row in zip(*columns.values()):
            out.writerow(["" if v is None else repr(v) if isinstance(v, float) else v for v in row])
    number = lambda value: None if value is None else repr(float(value))
    expected = {"kind": kind, "options": options or {}, "tolerance": tolerance, "margin": [number(m) for m in margins]}
    if probability is not None:
        expected["probability"] = [number(p) for p in probability]
    if reasons is not None:
        expected["reasons"] = reasons
    with open(os.path.join(folder, name + ".expected.json"), "w") as file:
        json.dump(expected, file, separators=(",", ":"))
        file.write("\n")


def wanted(versions):
    """Refuses other versions than those that the expected values are of."""
    from importlib.metadata import version
    for package, want in versions.items():
        if version(package) != want:
            raise SystemExit(f"{package} {want} is wanted, and {version(package)} is installed")
