#!/usr/bin/env python3
"""Scores a table on Spark: each partition is piped through `prequal score` as a stream of Arrow.

    spark_score.py PREQUAL MODEL ROWS.csv [PARTITIONS]

Copy `score_partition`; the rest compares what Spark gives with one run of `prequal score` over the file, row by row and
bit by bit, and exits with 1 where they differ. Needs the packages of requirements.txt and Java 17.
"""
import csv
import subprocess
import sys
import tempfile
import threading

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.functions import monotonically_increasing_id

COLUMNS = "row long, margin double, margin_bits string, probability double"


def score_partition(program, model):
    """What `mapInArrow` calls for each partition: batches of rows in, batches of scores out, neither held as a whole."""

    def score(batches):
        first = next(batches, None)
        if first is None:
            return
        arguments = [program, "score", "--model", model, "--input-format", "arrow", "--output-format", "arrow",
                     "--keep", "row", "--threads", "1"]
        said = tempfile.TemporaryFile()
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said)

        def feed():
            try:
                with process.stdin, pa.ipc.new_stream(process.stdin, first.schema) as stream:
                    stream.write_batch(first)
                    for batch in batches:
                        stream.write_batch(batch)
            except BrokenPipeError:
                pass  # The program has stopped and says why below.

        # A pipe holds little: who writes must not wait for who reads.
        feeder = threading.Thread(target=feed)
        feeder.start()
        try:
            yield from pa.ipc.open_stream(process.stdout)
        except pa.ArrowInvalid:
            pass  # Ended early: the exit code tells.
        finally:
            process.stdout.close()
            feeder.join()
            code = process.wait()
        # A stream that ended early is no result, however well its batches look.
        if code != 0:
            said.seek(0)
            raise RuntimeError(said.read().decode().strip())

    return score


def main():
    program, model, rows = sys.argv[1:4]
    partitions = int(sys.argv[4]) if len(sys.argv) > 4 else 4
    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    with open(rows, newline="") as file:
        header = next(csv.reader(file))
    types = ", ".join(f"`{name}` double" for name in header)
    # Spark writes its infinities otherwise, and would take these for missing.
    table = spark.read.csv(rows, header=True, schema=types, positiveInf="inf", negativeInf="-inf").coalesce(1)
    table = table.withColumn("row", monotonically_increasing_id()).repartition(partitions)
    scored = table.mapInArrow(score_partition(program, model), COLUMNS).collect()
    plain = subprocess.run([program, "score", "--model", model, "--input", rows], capture_output=True, text=True, check=True)
    expected = [row["margin_bits"] for row in csv.DictReader(plain.stdout.splitlines())]
    bits = {row["row"]: row["margin_bits"] for row in scored}
    wrong = sum(bits.get(at) != bit for at, bit in enumerate(expected)) + abs(len(scored) - len(expected))
    print(f"{len(scored)} rows of {partitions} partitions on Spark {spark.version}, {wrong} differ")
    # A partition that cannot be scored fails the job, in the program's own words.
    try:
        table.drop(header[0]).mapInArrow(score_partition(program, model), COLUMNS).collect()
        refused = False
    except Exception as error:
        refused = "the model needs columns that are not there" in str(error)
    print("a missing column fails the job" if refused else "WRONG: a missing column does not fail the job")
    spark.stop()
    sys.exit(0 if expected and not wrong and refused else 1)


if __name__ == "__main__":
    main()
