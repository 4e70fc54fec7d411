#!/usr/bin/env python3
"""Scorecards as tables, PMML and explainable boosting machines, and what their own libraries say of rows.

    python -m venv VENV && VENV/bin/pip install -r tests/models/requirements-cards.txt
    VENV/bin/python tests/models/generate_cards.py OUT [--small]

PMML is written by sklearn2pmml and Nyoka, and by this script where those do not reach (every strategy for missing
values, compound predicates, reason codes); what it means is said by JPMML-Evaluator, which needs Java. The libraries'
versions are those of requirements-cards.txt, and others are refused. See shared.py for the form of a case.
"""
import argparse, os, re, shutil, tempfile, warnings

warnings.filterwarnings("ignore")
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

import shared
from shared import JOBS, NAMES, NUMBERS, REGIONS, SEED

VERSIONS = {"optbinning": "1.0.0", "toad": "0.1.7", "interpret-core": "0.7.8", "sklearn2pmml": "0.133.1",
            "nyoka": "5.5.0", "jpmml_evaluator": "0.16.0", "scikit-learn": "1.9.0", "lightgbm": "4.7.0",
            "xgboost": "3.2.0", "pandas": "3.1.1"}
KEPT = {"optbinning_detailed", "toad_missing_bin", "toad_no_missing_bin", "ebm_interactions", "pmml_sklearn_forest",
        "pmml_lightgbm", "pmml_nyoka_xgboost", "pmml_card_example", "pmml_card_shared_codes", "pmml_card_points_above",
        "pmml_tree_none_3", "pmml_tree_defaultChild_1", "pmml_tree_lastPrediction_2"}


def optbinning_cases(columns, bad, rows):
    from optbinning import BinningProcess, Scorecard
    columns = {name: list(values) for name, values in columns.items()}
    for row in range(0, len(bad), 40):
        columns["income"][row] = -9.0
    frame = pd.DataFrame(columns)
    rows["income"][1] = -9.0
    rows["region"][:3] = ["mars"] * 3
    rng = np.random.default_rng(SEED)
    for name, extra, digits in (("detailed", {}, 8), ("rounded", {"rounding": True}, 8),
                                ("intercept", {"intercept_based": True}, 8)):
        process = BinningProcess(NAMES, categorical_variables=["region", "job"], special_codes=[-9])
        card = Scorecard(binning_process=process, estimator=LogisticRegression(), scaling_method="pdo_odds",
                         scaling_method_params={"pdo": 20, "odds": 50, "scorecard_points": 600}, **extra)
        card.fit(frame, bad, show_digits=digits)
        table = card.table("summary" if name == "rounded" else "detailed")
        table["Bin"] = [str(b) for b in table["Bin"]]
        here = {name: list(values) for name, values in rows.items()}
        # The cuts that are printed whole, and beside them: of others the table tells only the first eight digits.
        splits = {n: [s for s in card.binning_process_.get_binned_variable(n).splits if float(f"{s:.8f}") == s] for n in NUMBERS}
        here = shared.near(here, splits, rng)
        points = card.score(pd.DataFrame(here))
        options = {"special_codes": ["-9"], "base_points": float(card.intercept_)}
        # An intercept is added first here and last there.
        tolerance = 1e-9 if name == "intercept" else 0.0
        yield f"optbinning_{name}", "optbinning", here, points, options, tolerance, lambda path, table=table: table.to_csv(path), "csv"
        if name == "rounded":
            records = table.reset_index(drop=True)
            yield (f"optbinning_{name}_json", "optbinning", here, points, options, tolerance,
                   lambda path, records=records: records.to_json(path, orient="records"), "json")


def toad_cases(columns, bad, rows):
    import toad
    frame = pd.DataFrame(columns)
    frame["bad"] = bad
    rng = np.random.default_rng(SEED)
    for name, separate in (("missing_bin", True), ("no_missing_bin", False)):
        training = frame if separate else frame.dropna()
        combiner = toad.transform.Combiner()
        combiner.fit(training, y="bad", method="chi", min_samples=0.05, empty_separate=separate)
        transformer = toad.transform.WOETransformer()
        woe = transformer.fit_transform(combiner.transform(training), training["bad"], exclude=["bad"])
        card = toad.ScoreCard(combiner=combiner, transer=transformer, pdo=20, rate=2, base_odds=20, base_score=600)
        card.fit(woe.drop(columns=["bad"]), training["bad"])
        here = {n: list(values) for n, values in rows.items()}
        cuts = {n: [c for c in combiner[n] if c == c] for n in NUMBERS}
        here = shared.near(here, cuts, rng)
        here["region"][:3] = ["mars"] * 3
        # What toad itself makes of its export, whose points are rounded.
        exported = card.export()
        table = pd.DataFrame(here)
        points = toad.ScoreCard().load(exported).predict(table.where(table.notna(), np.nan))
        options = {"scaling": ["20", "600", "20"]}
        yield f"toad_{name}", "toad", here, points, options, 0.0, lambda path, card=card: card.export(to_json=path), "json"
        yield f"toad_{name}_csv", "toad", here, points, options, 0.0, lambda path, card=card: card.export(to_csv=path), "csv"


def ebm_cases(columns, bad, rows, small):
    from interpret.glassbox import ExplainableBoostingClassifier, ExplainableBoostingRegressor
    frame = pd.DataFrame(columns)
    rng = np.random.default_rng(SEED)
    for name, kind, extra, detail in (
            ("interactions", ExplainableBoostingClassifier, {"interactions": 2, "max_interaction_bins": 4}, "minimal"),
            ("plain", ExplainableBoostingClassifier, {"interactions": 0}, "all"),
            ("three_way", ExplainableBoostingClassifier, {"interactions": [("age", "ratio", "job")], "max_interaction_bins": 5}, "interpretable"),
            ("regression", ExplainableBoostingRegressor, {"interactions": 2}, "mergeable")):
        model = kind(outer_bags=2, max_rounds=60, max_bins=12 if small else 256, random_state=1, n_jobs=1, **extra).fit(frame, bad)
        here = {n: list(values) for n, values in rows.items()}
        here = shared.near(here, {n: list(model.bins_[NAMES.index(n)][0]) for n in NUMBERS}, rng)
        here["region"][:3] = ["mars"] * 3
        table = pd.DataFrame(here)
        classifier = kind is ExplainableBoostingClassifier
        margins = model.decision_function(table) if classifier else model.predict(table)
        probability = model.predict_proba(table)[:, 1] if classifier else None
        yield f"ebm_{name}", "ebm", here, margins, probability, lambda path, model=model, detail=detail: model.to_json(path, detail=detail, indent=None)


def jpmml(path, rows, names):
    """JPMML-Evaluator's results, row by row; None where it gives none."""
    from jpmml_evaluator import make_evaluator
    evaluator = make_evaluator(path).verify()
    results = []
    for row in zip(*(rows[name] for name in names)):
        arguments = {name: value for name, value in zip(names, row)}
        try:
            results.append(dict(evaluator.evaluate(arguments)))
        except Exception as error:
            # No result, a value that the document calls invalid, or a chain whose first model gave nothing.
            known = ("InvalidResultException", "ValueCheckException", "EvaluationException", "MissingFieldValueException")
            if not any(name in repr(error) for name in known):
                raise
            results.append({})
    return results


def library_pmml_cases(columns, bad, rows, folder, small):
    """Files of sklearn2pmml and Nyoka. The margin is not among JPMML's results, so it is the probability that counts."""
    import lightgbm, nyoka, xgboost
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.tree import DecisionTreeClassifier
    from sklearn2pmml import sklearn2pmml
    from sklearn2pmml.pipeline import PMMLPipeline
    trees, depth = (4, 3) if small else (60, 5)
    numbers = pd.DataFrame({name: columns[name] for name in NUMBERS}).astype(float)
    whole = numbers.fillna(-1.0)
    target = pd.Series(bad, name="bad")
    missing_rows = {name: rows[name] for name in NUMBERS}
    whole_rows = {name: [-1.0 if v is None else v for v in rows[name]] for name in NUMBERS}
    boosted = xgboost.XGBClassifier(n_estimators=trees, max_depth=depth, n_jobs=1)
    leaves = lightgbm.LGBMClassifier(n_estimators=trees, num_leaves=2 ** depth, verbose=-1, n_jobs=1, deterministic=True)
    forest = {"n_estimators": trees, "max_depth": depth, "random_state": 1}
    for name, estimator, x, here in (
            ("xgboost", boosted, numbers, missing_rows), ("lightgbm", leaves, numbers, missing_rows),
            ("sklearn_forest", RandomForestClassifier(**forest), whole, whole_rows),
            ("sklearn_forest_regression", RandomForestRegressor(**forest), whole, whole_rows),
            ("sklearn_boosting", GradientBoostingClassifier(**forest), whole, whole_rows),
            ("sklearn_tree", DecisionTreeClassifier(max_depth=depth, random_state=1), whole, whole_rows)):
        path = os.path.join(folder, f"{name}.pmml")
        pipeline = PMMLPipeline([("model", estimator)])
        pipeline.fit(x, target)
        sklearn2pmml(pipeline, path)
        yield f"pmml_{name}", path, here, 3e-7 if name == "xgboost" else 1e-15
    nyoka.xgboost_to_pmml(Pipeline([("model", boosted.fit(numbers, target))]), NUMBERS, "bad", os.path.join(folder, "a.pmml"))
    nyoka.lgb_to_pmml(Pipeline([("model", leaves.fit(numbers, target))]), NUMBERS, "bad", os.path.join(folder, "b.pmml"))
    nyoka.skl_to_pmml(Pipeline([("model", RandomForestClassifier(**forest).fit(whole, target))]), NUMBERS, "bad", os.path.join(folder, "c.pmml"))
    yield "pmml_nyoka_xgboost", os.path.join(folder, "a.pmml"), missing_rows, 3e-7
    yield "pmml_nyoka_lightgbm", os.path.join(folder, "b.pmml"), missing_rows, 1e-15
    yield "pmml_nyoka_forest", os.path.join(folder, "c.pmml"), whole_rows, 1e-15


def document(model, target='<DataField name="target" optype="continuous" dataType="double"/>', treatment=""):
    values = lambda names: "".join(f'<Value value="{name}"/>' for name in names)
    return f"""<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/><DataDictionary>
<DataField name="income" optype="continuous" dataType="double"/>
<DataField name="age" optype="continuous" dataType="integer"/>
<DataField name="ratio" optype="continuous" dataType="float"/>
<DataField name="region" optype="categorical" dataType="string">{values(REGIONS)}</DataField>
<DataField name="job" optype="categorical" dataType="string"/>
{target}</DataDictionary>{model}</PMML>
"""


SCHEMA = """<MiningSchema><MiningField name="target" usageType="target"/><MiningField name="income"/><MiningField name="age"/>
<MiningField name="ratio"{ratio}/><MiningField name="region" invalidValueTreatment="asMissing"/><MiningField name="job"{job}/></MiningSchema>"""


def predicate(rng, depth=0):
    """A random predicate of any kind."""
    kind = rng.integers(6 if depth < 2 else 4)
    if kind == 0:
        field = ["income", "age", "ratio"][rng.integers(3)]
        value = {"income": round(float(rng.lognormal(8, 1)), 1), "age": int(rng.integers(20, 70)), "ratio": round(float(rng.normal()), 2)}[field]
        operator = ["lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual", "lessThan", "equal", "notEqual"][rng.integers(7)]
        return f'<SimplePredicate field="{field}" operator="{operator}" value="{value}"/>'
    if kind == 1:
        field = NAMES[rng.integers(5)]
        return f'<SimplePredicate field="{field}" operator="{["isMissing", "isNotMissing"][rng.integers(2)]}"/>'
    if kind == 2:
        field, names = [("region", REGIONS), ("job", JOBS)][rng.integers(2)]
        return f'<SimplePredicate field="{field}" operator="{["equal", "notEqual"][rng.integers(2)]}" value="{names[rng.integers(len(names))]}"/>'
    if kind == 3:
        field, names = [("region", REGIONS), ("job", JOBS)][rng.integers(2)]
        chosen = rng.choice(names, 2, replace=False)
        array = " ".join(f'&quot;{name}&quot;' for name in chosen)
        return (f'<SimpleSetPredicate field="{field}" booleanOperator="{["isIn", "isNotIn"][rng.integers(2)]}">'
                f'<Array n="2" type="string">{array}</Array></SimpleSetPredicate>')
    operator = ["and", "or", "xor", "surrogate"][rng.integers(4)]
    return (f'<CompoundPredicate booleanOperator="{operator}">'
            + "".join(predicate(rng, depth + 1) for _ in range(2 + rng.integers(2))) + "</CompoundPredicate>")


def node(rng, depth, default, ids, closed):
    number = next(ids)
    if depth == 0:
        inside, attributes = "", ""
    else:
        children = [node(rng, depth - 1, default, ids, closed) for _ in range(2 + rng.integers(2))]
        attributes = f' defaultChild="{children[rng.integers(len(children))][0]}"' if default else ""
        # Where no true child means no prediction, the last one is always true: a model without a prediction for
        # rows that lack nothing is refused.
        last = len(children) - 1
        inside = "".join(f"<Node{a}>{'<True/>' if closed and at == last else predicate(rng)}{i}</Node>"
                         for at, (_, a, i) in enumerate(children))
    return number, f' id="n{number}" score="{round(float(rng.normal()), 4)}"{attributes}'.replace('defaultChild="', 'defaultChild="n'), inside


def tree_cases(count):
    """Random trees under every strategy for missing values, alone and in sums, means and weighted means."""
    for strategy in ("none", "lastPrediction", "nullPrediction", "defaultChild"):
        for number in range(count):
            rng = np.random.default_rng(SEED + number)
            no_true = ["returnNullPrediction", "returnLastPrediction"][number % 4 != 0]
            replaced = ' missingValueReplacement="0.25"' if number % 3 == 1 else ""
            schema = SCHEMA.format(ratio=replaced, job=' missingValueReplacement="b"' if number % 3 == 1 else "")
            inner = SCHEMA.format(ratio="", job="").replace('<MiningField name="target" usageType="target"/>', "").replace(' invalidValueTreatment="asMissing"', "")
            def tree(schema):
                import itertools
                _, attributes, inside = node(rng, 3, strategy == "defaultChild", itertools.count(),
                                             no_true == "returnNullPrediction")
                return (f'<TreeModel functionName="regression" missingValueStrategy="{strategy}" noTrueChildStrategy="{no_true}" '
                        f'splitCharacteristic="multiSplit">{schema}<Node{attributes}><True/>{inside}</Node></TreeModel>')
            method = [None, "sum", "average", "weightedAverage"][number % 4]
            if method is None:
                model = tree(schema)
            else:
                segments = "".join(f'<Segment weight="{w}"><True/>{tree(inner)}</Segment>' for w in (1, 2.5, 0.75))
                model = (f'<MiningModel functionName="regression">{schema}<Segmentation multipleModelMethod="{method}" '
                         f'missingPredictionTreatment="returnMissing">{segments}</Segmentation></MiningModel>')
            yield f"pmml_tree_{strategy}_{number}", document(model)


def card(characteristics, **attributes):
    text = " ".join(f'{key}="{value}"' for key, value in attributes.items())
    output = "".join(f'<OutputField name="reason_{rank}" feature="reasonCode" rank="{rank}" dataType="string" optype="categorical"/>'
                     for rank in range(1, 5))
    schema = SCHEMA.format(ratio="", job="")
    return document(f'<Scorecard functionName="regression" {text}>{schema}<Output>{output}'
                    f'<OutputField name="points" feature="predictedValue" dataType="double" optype="continuous"/></Output>'
                    f'<Characteristics>{characteristics}</Characteristics></Scorecard>')


def simple(field, operator, value=None):
    return f'<SimplePredicate field="{field}" operator="{operator}"' + ("" if value is None else f' value="{value}"') + "/>"


def between(field, low, high):
    return f'<CompoundPredicate booleanOperator="and">{simple(field, "greaterThan", low)}{simple(field, "lessOrEqual", high)}</CompoundPredicate>'


def card_cases(count):
    """The figures of the standard's own example (PMML 4.4, Scorecard) on our fields, and random cards."""
    def characteristic(name, reason, baseline, attributes):
        inside = "".join(f'<Attribute partialScore="{p}"{f" reasonCode={chr(34)}{r}{chr(34)}" if r else ""}>{q}</Attribute>' for p, q, r in attributes)
        return f'<Characteristic name="{name}" reasonCode="{reason}" baselineScore="{baseline}">{inside}</Characteristic>'
    department = [(-9, simple("job", "isMissing"), None), (19, simple("job", "equal", "a"), None),
                  (3, simple("job", "equal", "b"), None), (6, "<True/>", None)]
    age = [(-1, simple("age", "isMissing"), None), (-3, simple("age", "lessOrEqual", 18), None), (0, between("age", 18, 29), None),
           (12, between("age", 29, 39), None), (18, simple("age", "greaterThan", 39), None)]
    income = [(5, simple("income", "isMissing"), None), (26, simple("income", "lessOrEqual", 1000), None),
              (5, between("income", 1000, 2500), None), (-3, simple("income", "greaterThan", 2500), None)]
    example = characteristic("departmentScore", "RC1", 19, department) + characteristic("ageScore", "RC2", 18, age) + characteristic("incomeScore", "RC3", 10, income)
    below = {"initialScore": 0, "useReasonCodes": "true", "reasonCodeAlgorithm": "pointsBelow", "baselineMethod": "other"}
    yield "pmml_card_example", card(example, **below)
    shared_codes = example.replace('reasonCode="RC3"', 'reasonCode="RC1"')
    yield "pmml_card_shared_codes", card(shared_codes, **{**below, "initialScore": 7.25})
    yield "pmml_card_points_above", card(example, **{**below, "reasonCodeAlgorithm": "pointsAbove"})
    for number in range(count):
        rng = np.random.default_rng(SEED + 1000 + number)
        inside = ""
        for at in range(6):
            attributes = [(round(float(rng.normal(0, 20)), [0, 2][number % 2]), predicate(rng), f"A{rng.integers(5)}" if number % 3 == 0 else None)
                          for _ in range(3)]
            attributes.append((int(rng.integers(-20, 20)), "<True/>", None))
            inside += characteristic(f"c{at}", f"R{at % 4}", int(rng.integers(-10, 30)), attributes)
        algorithm = ["pointsBelow", "pointsAbove"][number % 2]
        yield f"pmml_card_random_{number}", card(inside, **{**below, "initialScore": 100, "reasonCodeAlgorithm": algorithm})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--small", action="store_true")
    args = parser.parse_args()
    shared.wanted(VERSIONS)
    os.makedirs(args.out, exist_ok=True)
    columns, bad = shared.applications(800 if args.small else 3000)
    count = 100 if args.small else 1000
    fresh = lambda: shared.applications(count, 0.06, SEED + 7)[0]
    made = 0
    kept = lambda name: not args.small or name in KEPT
    for name, kind, rows, points, options, tolerance, save, ending in (
            *optbinning_cases(columns, bad, fresh()), *toad_cases(columns, bad, fresh())):
        if kept(name):
            shared.write(args.out, name, kind, rows, points, options=options, tolerance=tolerance)
            save(os.path.join(args.out, f"{name}.{ending}"))
            made += 1
    for name, kind, rows, margins, probability, save in ebm_cases(columns, bad, fresh(), args.small):
        if kept(name):
            shared.write(args.out, name, kind, rows, margins, probability)
            save(os.path.join(args.out, f"{name}.json"))
            made += 1
    if shutil.which("java") is None:
        print("skipped: PMML, because there is no Java to run JPMML with")
        print(f"{made} models in {args.out}")
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, path, rows, tolerance in library_pmml_cases(columns, bad, fresh(), folder, args.small):
            if not kept(name):
                continue
            again = os.path.join(folder, "again.pmml")
            with open(path) as file, open(again, "w") as out:
                text = file.read()
                # Nyoka names the same outputs twice, in the chain and in its last model, which JPMML refuses.
                out.write(re.sub(r"<Output>.*?</Output>", "", text, count=1, flags=re.S) if text.count("<Output>") == 3 else text)
            results = jpmml(again, rows, NUMBERS)
            key = lambda r: next((k for k in r if k in ("probability(1)", "bad_probability_1", "probability_1")), None)
            of = lambda r: r.get(key(r)) if key(r) else r.get("bad")
            regression = "regression" in name
            values = [of(r) for r in results]
            shared.write(args.out, name, "pmml", rows, values if regression else [None] * len(values),
                         None if regression else values, options={"probability_only": not regression}, tolerance=tolerance)
            shutil.copy(path, os.path.join(args.out, f"{name}.pmml"))
            made += 1
        for name, text in (*tree_cases(4 if args.small else 24), *card_cases(0 if args.small else 24)):
            if not kept(name):
                continue
            path = os.path.join(folder, "model.pmml")
            with open(path, "w") as file:
                file.write(text)
            rows = fresh()
            rows["region"][:3] = ["mars"] * 3
            # A value of type integer has no fraction.
            results = jpmml(path, rows, NAMES)
            points = "pmml_card" in name
            margins = [r.get("points" if points else "target") for r in results]
            reasons = [[r[f"reason_{k}"] for k in range(1, 5) if r.get(f"reason_{k}") is not None] for r in results] if points else None
            shared.write(args.out, name, "pmml", rows, margins, reasons=reasons)
            shutil.copy(path, os.path.join(args.out, f"{name}.pmml"))
            made += 1
    print(f"{made} models in {args.out}")


if __name__ == "__main__":
    main()
