#!/usr/bin/env python3
"""Scorecards of scorecardpy and what `scorecard_ply` says of rows. It needs an old pandas, so it has an environment of
its own:

    python -m venv VENV && VENV/bin/pip install -r tests/models/requirements-scorecardpy.txt
    VENV/bin/python tests/models/generate_scorecardpy.py OUT [--small]
"""
import argparse, os, warnings

warnings.filterwarnings("ignore")
import numpy as np
import pandas as pd
import scorecardpy as sc
from sklearn.linear_model import LogisticRegression

import shared

VERSIONS = {"scorecardpy": "0.1.9.7", "pandas": "2.1.4", "numpy": "1.26.4", "scikit-learn": "1.4.2"}


def with_nan(columns):
    """scorecardpy knows NaN for missing, and not None."""
    frame = pd.DataFrame(columns)
    return frame.where(frame.notna(), np.nan)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--small", action="store_true")
    args = parser.parse_args()
    shared.wanted(VERSIONS)
    made = 0
    for name, missing, extra, per_variable in (("plain", 0.06, {}, False), ("no_missing", 0.0, {}, True),
                                               ("special", 0.06, {"special_values": {"age": [30]}}, False),
                                               ("special_found", 0.0, {"special_values": {"age": [30]}}, False)):
        columns, bad = shared.applications(3000, missing)
        frame = with_nan(columns)
        if name == "special_found":
            frame["age"] = frame["age"].astype(int)
        frame["bad"] = bad
        bins = sc.woebin(frame, "bad", no_cores=1, print_info=False, **extra)
        woe = sc.woebin_ply(frame, bins, no_cores=1, print_info=False)
        # The library itself finds no bin for some values of its own training rows.
        x = woe.drop(columns=["bad"]).fillna(0.0)
        card = sc.scorecard(bins, LogisticRegression().fit(x, woe["bad"]), x.columns, basepoints_eq0=per_variable)
        rng = np.random.default_rng(shared.SEED)
        rows, _ = shared.applications(100 if args.small else 1500, missing, shared.SEED + 7)
        if name != "special_found":
            cuts = {feature: [float(t[1:].split(",")[0]) for b in bins[feature]["bin"] for t in b.split("%,%")
                              if t.startswith("[") and not t.startswith("[-inf")] for feature in shared.NUMBERS}
            rows = shared.near(rows, cuts, rng)
            rows["region"][:3] = ["mars"] * 3
        table = with_nan(rows)
        if name == "special_found":
            table["age"] = table["age"].astype(int)
        points = sc.scorecard_ply(table, card)["score"]
        if args.small and name not in ("plain", "special_found"):
            continue
        shared.write(args.out, f"scorecardpy_{name}", "scorecardpy", rows, points)
        pd.concat(card, ignore_index=True).to_csv(os.path.join(args.out, f"scorecardpy_{name}.csv"), index=False)
        made += 1
    print(f"{made} models in {args.out}")


if __name__ == "__main__":
    main()
