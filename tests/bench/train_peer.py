#!/usr/bin/env python3
"""What `prequal train` does, done with optbinning and scikit-learn, and the trees of LightGBM and XGBoost beside it.

    train_peer.py NAME FILE TARGET BAD [--drop A,B] [--missing A,B]

Prints one JSON object: seconds of the scorecard's work (reading, binning, selection, regression, five folds with
everything fitted again, tables of every bin), mean AUC and KS over the folds, the information value of each column, and
the mean AUC of both libraries' trees (200 rounds, everything else at its default). Folds are by row index modulo 5.
Importing the libraries is not timed. The work is done twice, with optbinning on one processor and on all of them (its
`n_jobs`), and the faster time stands.
"""
import argparse
import json
import os
import time
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
warnings.filterwarnings("ignore")

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from optbinning import BinningProcess
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve

IV_MIN = 0.02


def ks(y, p):
    goods, bads, _ = roc_curve(y, p)
    return float(np.max(np.abs(bads - goods)))


def binned(frame, y, jobs):
    categories = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    process = BinningProcess(list(frame.columns), categorical_variables=categories,
                             selection_criteria={"iv": {"min": IV_MIN}}, n_jobs=jobs)
    return process.fit(frame, y)


def scorecard(frame, y, train, jobs):
    process = binned(frame.iloc[train], y[train], jobs)
    model = LogisticRegression(max_iter=1000)
    model.fit(process.transform(frame.iloc[train], metric="woe"), y[train])
    return process, model


def codes(frame):
    """Categories as integers in the order of their names; missing stays missing."""
    out = frame.copy()
    for name in out:
        if not pd.api.types.is_numeric_dtype(out[name]):
            kind = pd.Categorical(out[name])
            out[name] = pd.Series(kind.codes, index=out.index).where(kind.codes >= 0, np.nan).astype(float)
    out.columns = [f"c{at}" for at in range(out.shape[1])]
    return out


def work(options, jobs):
    """Everything from the file to the tables; what is needed later, and seconds."""
    started = time.perf_counter()
    words = [word for word in options.missing.split(",") if word]
    data = pd.read_csv(options.file, na_values=words)
    y = (data[options.target].astype(str) == options.bad).astype(int).to_numpy()
    dropped = [options.target] + [name for name in options.drop.split(",") if name]
    frame = data.drop(columns=dropped)
    rows = np.arange(len(y))
    process, _ = scorecard(frame, y, rows, jobs)
    tables = [process.get_binned_variable(name).binning_table.build() for name in frame]
    html = "".join(table.to_html() for table in tables)
    aucs, kss = [], []
    for fold in range(5):
        held = rows % 5 == fold
        process_, model = scorecard(frame, y, rows[~held], jobs)
        p = model.predict_proba(process_.transform(frame.iloc[held], metric="woe"))[:, 1]
        aucs.append(roc_auc_score(y[held], p))
        kss.append(ks(y[held], p))
    return time.perf_counter() - started, frame, y, rows, tables, html, aucs, kss


def main():
    parser = argparse.ArgumentParser()
    for name in ("name", "file", "target", "bad"):
        parser.add_argument(name)
    parser.add_argument("--drop", default="")
    parser.add_argument("--missing", default="")
    options = parser.parse_args()
    runs = {jobs: work(options, jobs) for jobs in (1, os.cpu_count() or 1)}
    _, frame, y, rows, tables, html, aucs, kss = runs[1]
    seconds = {jobs: run[0] for jobs, run in runs.items()}
    iv = {name: float(table.loc["Totals", "IV"]) for name, table in zip(frame, tables)}
    numbers = codes(frame)
    trees = {"lightgbm": [], "xgboost": []}
    for fold in range(5):
        held = rows % 5 == fold
        for name, model in (
            ("lightgbm", lightgbm.LGBMClassifier(n_estimators=200, verbose=-1, n_jobs=1)),
            ("xgboost", xgboost.XGBClassifier(n_estimators=200, n_jobs=1)),
        ):
            model.fit(numbers.iloc[~held], y[~held])
            trees[name].append(roc_auc_score(y[held], model.predict_proba(numbers.iloc[held])[:, 1]))
    print(json.dumps({
        "name": options.name, "rows": len(y), "seconds": min(seconds.values()), "seconds_one": seconds[1], "report_bytes": len(html),
        "auc": float(np.mean(aucs)), "ks": float(np.mean(kss)), "iv": iv,
        **{name: float(np.mean(folds)) for name, folds in trees.items()},
    }))


main()
