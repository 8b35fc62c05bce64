"""A disk that fills up at every commit and every file operation of a stream's life, on both databases.

From one point on nothing has room any more; with `short`, half of the write that meets it arrives. The
command must say so in one sentence, without a traceback; once there is room, the next process must make of it
what it makes of an undisturbed life (`matrix.py`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from matrix import Case, Outcomes, describe_command, meet_all, parse_options
from places import DATABASES
from points import Fault, Points
from results import publish
from story import CHAPTERS, call_chapter, fork

_SAID = "the disk is full: "
_FAULTS = (Fault.FULL, Fault.SHORT)


def main() -> None:
    """Fill the disk at every point of every chapter, and print the table."""
    options = parse_options(str(__doc__))
    outcomes = meet_all(_FAULTS, run_out_of_room, options)
    if options.until is None:
        _publish(outcomes, options)
    print(f"{len(outcomes.all)} full disks, {len(outcomes.problems)} problems")
    sys.exit(1 if outcomes.problems else 0)


def run_out_of_room(case: Case) -> str | None:
    """A process without room from the point on: it says so once, and fails unless it can do without."""
    output = case.place.folder.parent / "output.txt"

    def work() -> int:
        Points(case.place.home, case.fault, case.number).install()
        return call_chapter(case.chapter)

    status, said = fork(work, case.place.folder, output), output.read_text()
    if "Traceback" in said or status not in (0, 1, 3):
        return f"ended with {status}: {said}"
    if said.count(_SAID) != 1:
        return f"said {said.count(_SAID)} times that the disk is full: {said}"
    return None


def _publish(outcomes: Outcomes, options: argparse.Namespace) -> None:
    columns = [(database, fault) for database in DATABASES for fault in _FAULTS]
    rows = []
    for chapter in CHAPTERS:
        cells = [outcomes.count(database, chapter.name, fault) for database, fault in columns]
        rows.append(f"| {' | '.join([chapter.name, *cells])} |")
    titles = [f"{database}, {fault}: points, met, same" for database, fault in columns]
    publish(
        "disk_full",
        "A disk full at every commit and every file operation",
        [f"| | {' | '.join(titles)} |", f"| --- {'| --- ' * len(columns)}|", *rows],
        "full: nothing has room from there on; short: half of that write arrives. Same: one sentence says "
        "so, and with room again record, files and MLflow hold what they hold without the fault, nothing "
        "twice, and `growlearn fsck` finds nothing. Of the files that MLflow copies every "
        f"{options.copies}th is a point",
        f"faults/disk_full.py{describe_command(options)}",
    )


if __name__ == "__main__":
    main()
