"""Every growth of the demo, the flights, the domains and the six windows: what it chose among, in one table.

The demo is run here; the other growths are read from the tables in results/, so run `flights.py`,
`domains.py` and `six_windows.py` first. Accuracy and log loss are those on each growth's hold-out rows, of
which the best of several candidates is a little too good: the cost of the rule is told as a mean.
"""

from __future__ import annotations

import math
import os
import statistics
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from candidate_table import HEADER, candidate_lines, stream_selections
from results import RESULTS, publish

from growlearn.app.composition import open_store
from growlearn.app.demo.home import load_demo_settings, make_demo_home
from growlearn.app.demo.run import run_demo

PAGES = ("flights", "domains", "six_windows")


@dataclass(frozen=True)
class Line:
    """A candidate of a growth: whether it is kept, whether a frozen answer enters, and its scores."""

    growth: str
    kept: bool
    joined: bool
    accuracy: float
    log_loss: float


def main() -> None:
    """Collect every growth, print and keep the table and what the rule cost."""
    rows = [*demo_rows(), *(row for page in PAGES for row in page_rows(page))]
    publish(
        "candidates",
        "What every growth chose among",
        [*summary([parse(row) for row in rows]), "", f"| data {HEADER[0]}", f"| --- {HEADER[1]}", *rows],
        "hold-out rows of each growth; demo: run for this table; the others: from the pages of "
        + ", ".join(f"{page}.py" for page in PAGES),
    )


def demo_rows() -> list[str]:
    """The candidates of the demo's growths."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_demo_settings(make_demo_home(Path(folder) / "demo", overwrite=False), os.environ)
        run_demo(settings, threading.Event())
        selections = stream_selections(open_store(settings), "digits")
    return [
        f"| demo {line}" for growth, selection in selections for line in candidate_lines(growth, selection)
    ]


def page_rows(page: str) -> list[str]:
    """The candidates in the table of a results page."""
    lines = (RESULTS / f"{page}.md").read_text(encoding="utf-8").splitlines()
    if HEADER[0] not in lines:
        raise SystemExit(f"results/{page}.md has no table of candidates: run {page}.py")
    start = lines.index(HEADER[0]) + len(HEADER)
    rows: list[str] = []
    for line in lines[start:]:
        if not line.startswith("| "):
            break
        rows.append(f"| {page} {line}")
    return rows


def parse(row: str) -> Line:
    """A row of the whole table."""
    data, growth, kept, _, _, weights, accuracy, loss, _ = (cell.strip() for cell in row.split("|")[1:-1])
    joined = bool(weights) and float(weights.split(",")[0]) > 0
    return Line(f"{data} {growth}", kept == "yes", joined, float(accuracy.rstrip("%")), float(loss or "nan"))


def summary(lines: Sequence[Line]) -> list[str]:
    """How often a frozen answer entered, and what keeping it cost against the best candidate."""
    growths = [list(own) for _, own in groupby(lines, lambda line: line.growth)]  # seeds share their names
    table = [
        "| data | growths | kept with a frozen answer | mean cost, points of accuracy | mean cost, nats |"
    ]
    table.append("| --- " * 5 + "|")
    for data, own in groupby(growths, lambda growth: growth[0].growth.split()[0]):
        of_data = list(own)
        joined = [(kept, growth) for growth in of_data for kept in growth if kept.kept and kept.joined]
        accuracy = [max(item.accuracy for item in growth) - kept.accuracy for kept, growth in joined]
        loss = [kept.log_loss - min(item.log_loss for item in growth) for kept, growth in joined]
        costs = [
            "-" if not values or math.isnan(sum(values)) else f"{statistics.fmean(values):.{digits}f}"
            for values, digits in ((accuracy, 2), (loss, 4))
        ]
        table.append(f"| {data} | {len(of_data)} | {len(joined)} | {' | '.join(costs)} |")
    return table


if __name__ == "__main__":
    main()
