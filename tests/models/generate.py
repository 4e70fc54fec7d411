#!/usr/bin/env python3
"""Makes models of every kind that we read, with the libraries themselves, and writes down what these predict.

    python -m venv VENV && VENV/bin/pip install -r tests/models/requirements.txt
    VENV/bin/python tests/models/generate.py OUT [--small]

For each case: the library's own file, `NAME.input.csv` (an empty cell is missing) and `NAME.expected.json` with
`margin_bits`, `probability` and `leaf` for each row. Data is generated from a fixed seed; the versions are those of
requirements.txt, and others are refused, because a library may change its own bits. `--small` writes only the cases
and rows that are kept in tests/vectors/score.
"""
import argparse, csv, json, os, re, struct, tempfile

import catboost as cat
import lightgbm as lgb
import numpy as np
import onnx
import onnxruntime
import xgboost as xgb

VERSIONS = {"xgboost": "3.2.0", "lightgbm": "4.7.0", "catboost": "1.2.10", "onnx": "1.23.2",
            "onnxruntime": "1.32.0"}
SEED = 20261123
NUMBERS = ["income", "age", "utilisation", "months_on_book", "ratio"]
CATEGORIES = ["region", "channel"]
NAMES = NUMBERS + CATEGORIES
KEPT = {"xgboost_dart", "xgboost_categories", "xgboost_binary_ubjson", "lightgbm_categories", "lightgbm_zero_as_missing",
        "lightgbm_forest", "lightgbm_linear", "catboost_classes", "onnx_regressor"}
F32_TINY = 1.401298464324817e-45


def data(rows, missing, seed=SEED):
    """Numbers with ties, zeros and missing values; two categories, one of them with many codes."""
    rng = np.random.default_rng(seed)
    x = np.empty((rows, len(NAMES)))
    x[:, 0] = np.round(rng.lognormal(8, 1, rows), 2)
    x[:, 1] = rng.integers(18, 80, rows)
    x[:, 2] = np.where(rng.random(rows) < 0.4, 0.0, rng.random(rows))
    x[:, 3] = rng.integers(0, 120, rows)
    x[:, 4] = rng.normal(0, 1, rows) * 10.0 ** rng.integers(-3, 4, rows)
    x[:, 5] = rng.integers(0, 9, rows)
    x[:, 6] = rng.integers(0, 70, rows)
    effect = np.random.default_rng(seed + 1).normal(0, 1, 70)
    z = 0.8 * np.log(x[:, 0]) - 7 + x[:, 2] * 2 - 0.02 * x[:, 1] + effect[x[:, 6].astype(int)] + (x[:, 5] % 3 == 1)
    y = (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(int)
    if missing:
        x[rng.random(x.shape) < 0.08] = np.nan
    return x, y


def thresholds(kind, model):
    """Every threshold that the model's file names, by feature."""
    found = [set() for _ in NAMES]
    if kind == "xgboost":
        learner = json.loads(bytes(model.save_raw("json")))["learner"]
        booster = learner["gradient_booster"]
        for tree in booster.get("gbtree", booster)["model"]["trees"]:
            for f, t, left, c in zip(tree["split_indices"], tree["split_conditions"], tree["left_children"], tree["split_type"]):
                if left != -1 and not c:
                    found[f].add(float(t))
        return found
    if kind == "catboost":
        for feature in catboost_file(model)["features_info"]["float_features"]:
            found[feature["flat_feature_index"]].update(feature["borders"])
        return found
    features = None
    for line in model.model_to_string().splitlines():
        if line.startswith("split_feature="):
            features = [int(f) for f in line.split("=")[1].split()]
        if line.startswith("threshold=") and features:
            for f, t in zip(features, line.split("=")[1].split()):
                found[f].add(float(t))
    return found


def catboost_file(model):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.json")
        model.save_model(path, format="json")
        with open(path) as file:
            return json.load(file)


def adversarial(kind, model, rng, count):
    """Values at a threshold and one unit beside it (of either width), zeros, denormals, extremes, codes never seen."""
    cuts = [sorted(t) or [0.0] for t in thresholds(kind, model)]
    odd = [0.0, -0.0, 1e-35, -1e-35, 1.0000000180025095e-35, 1.000000018002510e-35, 2e-35, F32_TINY, -F32_TINY, 5e-324,
           3e38, -3e38, np.nan]
    codes = [0, 1, 8, 9, 31, 32, 63, 64, 69, 70, 1000, -1, -0.5, 2.7, 16777215, 2.0 ** 24, 2.0 ** 31, 3e9, np.nan]
    out = np.empty((count, len(NAMES)))
    for row in out:
        for f in range(len(NAMES)):
            if NAMES[f] in CATEGORIES:
                row[f] = codes[rng.integers(len(codes))]
                continue
            t = cuts[f][rng.integers(len(cuts[f]))]
            near = [t, np.nextafter(t, np.inf), np.nextafter(t, -np.inf),
                    float(np.nextafter(np.float32(t), np.float32(np.inf))),
                    float(np.nextafter(np.float32(t), np.float32(-np.inf)))] + [odd[rng.integers(len(odd))]]
            row[f] = near[rng.integers(len(near))]
    out[0] = np.nan
    return out


def xgboost_cases(x, y):
    kinds = ["q"] * len(NUMBERS) + ["c"] * len(CATEGORIES)
    plain = xgb.DMatrix(x, y, feature_names=NAMES)
    with_kinds = xgb.DMatrix(x, y, feature_names=NAMES, feature_types=kinds, enable_categorical=True)
    base = {"objective": "binary:logistic", "seed": SEED, "nthread": 1, "max_depth": 4, "eta": 0.3, "tree_method": "hist"}
    def make(data, rounds=30, **extra):
        return xgb.train({**base, **extra}, data, num_boost_round=rounds)
    yield "binary_json", make(plain), kinds, "json"
    yield "binary_ubjson", make(plain, rounds=8), kinds, "ubj"
    yield "exact", make(plain, tree_method="exact"), kinds, "json"
    yield "dart", make(with_kinds, rounds=15, booster="dart", rate_drop=0.3, skip_drop=0.2), kinds, "json"
    yield "dart_ubjson", make(with_kinds, booster="dart", rate_drop=0.3, one_drop=1), kinds, "ubj"
    yield "categories", make(with_kinds, rounds=12, max_cat_to_onehot=1), kinds, "json"
    yield "one_hot", make(with_kinds, max_cat_to_onehot=1000), kinds, "json"
    yield "categories_ubjson", make(with_kinds, max_cat_to_onehot=5), kinds, "ubj"
    yield "monotone", make(plain, monotone_constraints="(1,-1,1,0,0,0,0)"), kinds, "json"
    yield "forest", make(plain, rounds=1, num_parallel_tree=25, subsample=0.6, colsample_bynode=0.5, eta=1.0), kinds, "json"
    yield "boosted_forest", make(plain, rounds=6, num_parallel_tree=4, subsample=0.6, colsample_bynode=0.5), kinds, "json"
    yield "deep", make(plain, rounds=5, max_depth=10, min_child_weight=0), kinds, "json"
    yield "lossguide", make(plain, grow_policy="lossguide", max_leaves=40, max_depth=0), kinds, "json"
    yield "pruned", make(plain, tree_method="exact", gamma=2.0, max_depth=7), kinds, "json"
    yield "base_score", make(plain, base_score=0.137), kinds, "json"
    yield "logitraw", make(plain, objective="binary:logitraw"), kinds, "json"
    yield "squared_error", make(plain, objective="reg:squarederror"), kinds, "json"
    yield "many_trees", make(plain, rounds=400, max_depth=6, eta=0.1), kinds, "ubj"


def lightgbm_cases(x, y):
    base = {"objective": "binary", "seed": SEED, "deterministic": True, "num_threads": 1, "verbosity": -1,
            "num_leaves": 15, "min_data_in_leaf": 5, "force_row_wise": True}
    def make(x=x, rounds=30, categories=(), **extra):
        sets = lgb.Dataset(x, y, feature_name=NAMES, categorical_feature=list(categories), params={**base, **extra},
                           free_raw_data=False)
        return lgb.train({**base, **extra}, sets, num_boost_round=rounds)
    full, _ = data(len(y), False)
    yield "missing_nan", make()
    yield "missing_none", make(x=full)
    yield "use_missing_off", make(use_missing=False)
    yield "zero_as_missing", make(rounds=12, zero_as_missing=True)
    yield "categories", make(rounds=12, categories=CATEGORIES, cat_smooth=1.0, min_data_per_group=5)
    yield "one_hot", make(categories=CATEGORIES, max_cat_to_onehot=100)
    yield "categories_zero", make(categories=CATEGORIES, zero_as_missing=True)
    yield "dart", make(boosting="dart", drop_rate=0.3)
    yield "goss", make(data_sample_strategy="goss")
    yield "forest", make(rounds=10, boosting="rf", bagging_freq=1, bagging_fraction=0.6, feature_fraction=0.7)
    yield "linear", make(rounds=10, linear_tree=True)
    yield "linear_categories", make(linear_tree=True, categories=CATEGORIES)
    yield "monotone", make(monotone_constraints=[1, -1, 1, 0, 0, 0, 0])
    yield "many_leaves", make(rounds=10, num_leaves=200, min_data_in_leaf=1)
    yield "many_trees", make(rounds=400, num_leaves=31)
    yield "stump", make(num_leaves=2)
    yield "no_split", make(rounds=3, min_gain_to_split=1e9)
    yield "sigmoid", make(sigmoid=0.7)
    yield "cross_entropy", make(objective="cross_entropy")
    yield "regression", make(objective="regression")


def catboost_cases(x, y):
    base = {"iterations": 30, "depth": 4, "learning_rate": 0.3, "random_seed": SEED, "thread_count": 1, "verbose": 0,
            "allow_writing_files": False}
    def make(kind=cat.CatBoostClassifier, data=x, **extra):
        return kind(**{**base, **extra}).fit(cat.Pool(data, y, feature_names=NAMES))
    yield "classes", make(iterations=10)
    yield "deep", make(depth=9, iterations=12)
    yield "missing_is_largest", make(nan_mode="Max")
    yield "no_missing", make(data=data(len(y), False)[0])
    yield "average_first", make(boost_from_average=True)
    yield "cross_entropy", make(loss_function="CrossEntropy")
    yield "regression", make(kind=cat.CatBoostRegressor)
    yield "monotone", make(monotone_constraints=[1, -1, 1, 0, 0, 0, 0])
    yield "many_trees", make(iterations=500, depth=6)


def onnx_trees(rng, trees, depth):
    """Random trees as the lists of the ONNX operators, with every mode that we read and missing on either side."""
    nodes = {k: [] for k in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids",
                             "missing_value_tracks_true")}
    leaves = {k: [] for k in ("ids", "treeids", "nodeids", "weights")}
    points = np.concatenate([rng.normal(0, 1, 40) * 10.0 ** rng.integers(-2, 5, 40), [0.0, 1.0, 3e38, F32_TINY]])
    for tree in range(trees):
        count = 1
        open_nodes = [(0, 0)]
        while open_nodes:
            node, level = open_nodes.pop()
            leaf = level == depth or (level > 1 and rng.random() < 0.3)
            children = (0, 0) if leaf else (count, count + 1)
            count += 0 if leaf else 2
            for key, value in (("treeids", tree), ("nodeids", node), ("featureids", 0 if leaf else int(rng.integers(len(NAMES)))),
                               ("modes", "LEAF" if leaf else f"BRANCH_{rng.choice(['LEQ', 'LT', 'GTE', 'GT'])}"),
                               ("values", 0.0 if leaf else float(np.float32(rng.choice(points)))),
                               ("truenodeids", children[0]), ("falsenodeids", children[1]),
                               ("missing_value_tracks_true", int(rng.random() < 0.5 and not leaf))):
                nodes[key].append(value)
            if leaf:
                for key, value in (("ids", 0), ("treeids", tree), ("nodeids", node), ("weights", float(np.float32(rng.normal(0, 0.3))))):
                    leaves[key].append(value)
            else:
                open_nodes += [(child, level + 1) for child in children]
    return nodes, leaves, points


def onnx_model(kind, nodes, leaves, **extra):
    votes = "class" if kind == "TreeEnsembleClassifier" else "target"
    attributes = {**{"nodes_" + k: v for k, v in nodes.items()}, **{f"{votes}_{k}": v for k, v in leaves.items()}, **extra}
    outputs = ["label", "score"] if votes == "class" else ["score"]
    node = onnx.helper.make_node(kind, ["X"], outputs, domain="ai.onnx.ml", **attributes)
    info = [onnx.helper.make_tensor_value_info(o, onnx.TensorProto.INT64 if o == "label" else onnx.TensorProto.FLOAT, None)
            for o in outputs]
    x = onnx.helper.make_tensor_value_info("X", onnx.TensorProto.FLOAT, [None, len(NAMES)])
    graph = onnx.helper.make_graph([node], "trees", [x], info)
    opsets = [onnx.helper.make_opsetid("", 15), onnx.helper.make_opsetid("ai.onnx.ml", 3)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def onnx_cases(fresh, hard):
    """Yields the file, the rows, the runtime's margins and probabilities."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    def run(model, rows):
        return onnxruntime.InferenceSession(model, options).run(["score"], {"X": rows.astype(np.float32)})[0]
    for name, trees, depth, base in (("regressor", 12, 4, []), ("regressor_base", 60, 5, [0.37]), ("classifier", 30, 4, []),
                                     ("deep", 20, 9, [])):
        rng = np.random.default_rng(SEED + trees)
        nodes, leaves, points = onnx_trees(rng, trees, depth)
        near = rng.choice(points, (hard, len(NAMES))).astype(np.float32)
        side = rng.integers(-1, 2, near.shape)
        near = np.where(side < 0, np.nextafter(near, np.float32(-1e30)), np.where(side > 0, np.nextafter(near, np.float32(1e30)), near))
        near[rng.random(near.shape) < 0.15] = np.nan
        rows = np.vstack([fresh, near.astype(float)])
        bases = {"base_values": base} if base else {}
        plain = onnx_model("TreeEnsembleRegressor", nodes, leaves, n_targets=1, **bases)
        margins = run(plain, rows).reshape(-1)
        if name == "classifier":
            model = onnx_model("TreeEnsembleClassifier", nodes, leaves, classlabels_int64s=[0, 1], post_transform="LOGISTIC")
            yield name, model, rows, margins, [float(str(p)) for p in run(model, rows)[:, 1]]
        else:
            yield name, plain, rows, margins, None


def write(folder, name, rows, margins, probabilities, leaves, names=NAMES):
    width = ">f" if margins.dtype == np.float32 else ">d"
    with open(os.path.join(folder, name + ".input.csv"), "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(names)
        out.writerows([["" if np.isnan(v) else repr(float(v)) for v in row] for row in rows])
    bits = [struct.pack(width, m).hex() for m in margins]
    with open(os.path.join(folder, name + ".expected.json"), "w") as file:
        json.dump({"margin_bits": bits, "probability": probabilities, "leaf": leaves}, file, separators=(",", ":"))
        file.write("\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--small", action="store_true")
    args = parser.parse_args()
    modules = {"xgboost": xgb, "lightgbm": lgb, "catboost": cat, "onnx": onnx, "onnxruntime": onnxruntime}
    for library, module in modules.items():
        if module.__version__ != VERSIONS[library]:
            raise SystemExit(f"{library} {VERSIONS[library]} is wanted, and {module.__version__} is installed")
    os.makedirs(args.out, exist_ok=True)
    x, y = data(4000, True)
    real, hard = (40, 100) if args.small else (300, 1200)
    fresh, _ = data(real, True, SEED + 7)
    made = 0
    for name, model, kinds, ending in xgboost_cases(x, y):
        name = "xgboost_" + name
        if args.small and name not in KEPT:
            continue
        rng = np.random.default_rng(SEED)
        rows = np.vstack([fresh, adversarial("xgboost", model, rng, hard)])
        types = kinds if any(model.feature_types or []) and "c" in model.feature_types else None
        d = xgb.DMatrix(rows, feature_names=NAMES, feature_types=types, enable_categorical=types is not None)
        probability = [float(str(p)) for p in model.predict(d)]
        no_link = ("logitraw" in name) or ("squared_error" in name)
        write(args.out, name, rows, model.predict(d, output_margin=True), None if no_link else probability,
              model.predict(d, pred_leaf=True).astype(int).reshape(len(rows), -1).tolist())
        model.save_model(os.path.join(args.out, f"{name}.{ending}"))
        made += 1
    for name, model in lightgbm_cases(x, y):
        name = "lightgbm_" + name
        if args.small and name not in KEPT:
            continue
        rng = np.random.default_rng(SEED)
        rows = np.vstack([fresh, adversarial("lightgbm", model, rng, hard)])
        write(args.out, name, rows, model.predict(rows, raw_score=True),
              None if "regression" in name else model.predict(rows).tolist(),
              model.predict(rows, pred_leaf=True).astype(int).reshape(len(rows), -1).tolist())
        model.save_model(os.path.join(args.out, f"{name}.txt"))
        made += 1
    for name, model in catboost_cases(x, y):
        name = "catboost_" + name
        if args.small and name not in KEPT:
            continue
        rng = np.random.default_rng(SEED)
        rows = np.vstack([fresh, adversarial("catboost", model, rng, hard)])
        margins = model.predict(rows, prediction_type="RawFormulaVal")
        write(args.out, name, rows, margins,
              None if "regression" in name else model.predict(rows, prediction_type="Probability")[:, 1].tolist(),
              model.calc_leaf_indexes(rows).astype(int).reshape(len(rows), -1).tolist())
        path = os.path.join(args.out, f"{name}.json")
        model.save_model(path, format="json")
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            # The two members that differ from run to run; no prediction reads them.
            file.write(re.sub(r'"(model_guid|train_finish_time)" ?: ?"[^"]*"', r'"\1":""', text))
        made += 1
    for name, model, rows, margins, probability in onnx_cases(fresh, hard):
        name = "onnx_" + name
        if args.small and name not in KEPT:
            continue
        write(args.out, name, rows, margins, probability, None, [f"f{n}" for n in range(len(NAMES))])
        with open(os.path.join(args.out, f"{name}.onnx"), "wb") as file:
            file.write(model)
        made += 1
    print(f"{made} models in {args.out}")


if __name__ == "__main__":
    main()
