"""A disk that fills up at every commit and every file operation of a stream's life, on both databases.

From one point on nothing has room any more; with `short`, half of the write that meets it arrives. The
command must say so in one sentence, without a traceback; once there is room, the next process must make of it
what it makes of an undisturbed life (`matrix.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from matrix import Case, Outcome, meet_all, parse_options
from places import DATABASES
from points import Fault, Points
from results import publish
from story import CHAPTERS, Chapter, call_chapter, fork

_SAID = "the disk is full: "
_FAULTS = (Fault.FULL, Fault.SHORT)


def main() -> None:
    """Fill the disk at every point of every chapter, and print the table."""
    options = parse_options(str(__doc__))
    outcomes = meet_all(_FAULTS, run_out_of_room, options)
    if options.until is None and options.every == 1 and set(options.databases) == set(DATABASES):
        _publish(outcomes, options.copies)
    problems = sum(outcome.problem is not None for outcome in outcomes)
    print(f"{len(outcomes)} full disks, {problems} problems")
    sys.exit(1 if problems else 0)


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


def _publish(outcomes: Sequence[Outcome], copies: int) -> None:
    columns = [(database, fault) for database in DATABASES for fault in _FAULTS]
    rows = [
        f"| {chapter.name} | {' | '.join(_count(outcomes, chapter, *column) for column in columns)} |"
        for chapter in CHAPTERS
    ]
    titles = " | ".join(f"{database}, {fault}: met, same" for database, fault in columns)
    publish(
        "disk_full",
        "A disk full at every commit and every file operation",
        [f"| | {titles} |", f"| --- {'| --- ' * len(columns)}|", *rows],
        "full: nothing has room from there on; short: half of that write arrives. Same: one sentence says "
        "so, and with room again record, files and MLflow hold what they hold without the fault, nothing "
        f"twice, and `growlearn fsck` finds nothing. Of the files that MLflow copies, every {copies}th",
        "faults/disk_full.py",
    )


def _count(outcomes: Sequence[Outcome], chapter: Chapter, database: str, fault: Fault) -> str:
    found = [
        each
        for each in outcomes
        if (each.database, each.chapter, each.fault) == (database, chapter.name, fault)
    ]
    return f"{len(found)}, {sum(each.problem is None for each in found)}"


if __name__ == "__main__":
    main()
