"""The same work in pyxirr: rates of cash flows and schedules of level payments, each as its documentation calls them.

`cargo xtask bench money` runs it. The figures hold what a call from Python costs and the reading of Python's lists and
dates, as ours hold the counting of days and the writing of the answer; each is the least of several rounds.
"""

import datetime
import json
import os
import timeit

import pyxirr

ROUNDS = 15
PRINCIPAL = 1299.0
MONTHLY = 0.129 / 12


def microseconds(work):
    """Of one call."""
    timer = timeit.Timer(work)
    repeats, _ = timer.autorange()
    return min(timer.repeat(ROUNDS, repeats)) / repeats * 1e6


def due(number):
    month = number % 12 + 1
    return datetime.date(2026 + number // 12, month, 15)


def main():
    with open(os.environ["PREQUAL_NATIVE"], encoding="utf-8") as file:
        native = json.load(file)
    print(f"  pyxirr {pyxirr.__version__}, least of {ROUNDS} rounds, microseconds, and how many times ours, native")
    for count in (12, 36, 360):
        ours = {
            name: native[f"equal_installment {count} {name}"] for name in ("schedule", "us_reg_z", "ifrs_eir")
        }
        level = round(pyxirr.pmt(MONTHLY, count, -PRINCIPAL), 2)
        amounts = [-PRINCIPAL] + [level] * count
        dates = [due(number) for number in range(count + 1)]
        periods = range(1, count + 1)
        for what, work, by in (
            ("rate: irr of the list, beside us_reg_z", lambda: pyxirr.irr(amounts), "us_reg_z"),
            ("rate: rate of equal payments, beside us_reg_z", lambda: pyxirr.rate(count, level, -PRINCIPAL), "us_reg_z"),
            ("rate: xirr of dates and amounts, beside ifrs_eir", lambda: pyxirr.xirr(dates, amounts), "ifrs_eir"),
            (
                "schedule: ipmt and ppmt, unrounded, without dates",
                lambda: (
                    pyxirr.ipmt(MONTHLY, periods, count, -PRINCIPAL),
                    pyxirr.ppmt(MONTHLY, periods, count, -PRINCIPAL),
                ),
                "schedule",
            ),
        ):
            took = microseconds(work)
            print(f"  {count:>3} {what:<52} {took:>9.2f} {took / ours[by]:>7.1f}x")
        print(f"      it finds {pyxirr.irr(amounts) * 1200:.6f} % and, by dates, {pyxirr.xirr(dates, amounts) * 100:.6f} %")


main()
