"""`kill -9` before and after every commit and every file operation of a stream's life, on both databases.

A stream is created, learns its first task, sees a stable window, drifts, is refined, rolled back and promoted
(`story.py`). A process ends at each point; the next one must make of it what it makes of an undisturbed life
(`matrix.py`).
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from matrix import Case, Outcomes, describe_command, meet_all, parse_options
from places import DATABASES
from points import Fault, Points, kill_this_process
from results import publish
from story import CHAPTERS, call_chapter, fork


def main() -> None:
    """Kill at every point of every chapter, and print the table."""
    options = parse_options(str(__doc__))
    outcomes = meet_all([Fault.KILL], be_killed, options)
    if options.until is None:
        _publish(outcomes, options)
    print(f"{len(outcomes.all)} kills, {len(outcomes.problems)} problems")
    sys.exit(1 if outcomes.problems else 0)


def be_killed(case: Case) -> str | None:
    """A process that ends at the point, and nowhere else."""
    output = case.place.folder.parent / "output.txt"

    def work() -> int:
        Points(case.place.home, case.fault, case.number).install()
        call_chapter(case.chapter)
        kill_this_process(str(None))
        return 0

    status = fork(work, case.place.folder, output)
    last_words = output.read_text().splitlines()[-1:]
    if status != -signal.SIGKILL or last_words != [str(case.point)]:
        return f"ended elsewhere, with {status}: {last_words}"
    return None


def _publish(outcomes: Outcomes, options: argparse.Namespace) -> None:
    rows = []
    for chapter in CHAPTERS:
        cells = [outcomes.count(database, chapter.name, Fault.KILL) for database in DATABASES]
        rows.append(f"| {' | '.join([chapter.name, *cells])} |")
    words = [outcome.point.split() for outcome in outcomes.all]
    operations = sorted({word[1] for word in words if word[0] == "before"})
    publish(
        "kill_matrix",
        "Killed before and after every commit and every file operation",
        ["| | SQLite: points, kills, same | PostgreSQL: points, kills, same |", "| --- | --- | --- |", *rows],
        f"{len(outcomes.all)} times SIGKILL, between two of these operations: {', '.join(operations)}; then "
        "another process takes the work up. Same: record, files and MLflow hold what they hold without the "
        "kill, nothing twice, and `growlearn fsck` finds nothing. Of the files that MLflow copies, every "
        f"{options.copies}th is a point; MLflow's own store is SQLite on both sides and was met on one",
        f"faults/kill_matrix.py{describe_command(options)}",
    )


if __name__ == "__main__":
    main()
