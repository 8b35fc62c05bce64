"""`kill -9` before and after every commit and every file operation of a stream's life, on both databases.

A stream is created, learns its first task, sees a stable window, drifts, is refined, rolled back and promoted
(`story.py`). A process ends at each point; the next one must make of it what it makes of an undisturbed life
(`matrix.py`).
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from matrix import Case, Outcome, meet_all, parse_options
from places import DATABASES
from points import Fault, Points, kill_this_process
from results import publish
from story import CHAPTERS, Chapter, call_chapter, fork


def main() -> None:
    """Kill at every point of every chapter, and print the table."""
    options = parse_options(str(__doc__))
    outcomes = meet_all([Fault.KILL], be_killed, options)
    if options.until is None and options.every == 1 and set(options.databases) == set(DATABASES):
        _publish(outcomes, options.copies)
    problems = sum(outcome.problem is not None for outcome in outcomes)
    print(f"{len(outcomes)} kills, {problems} problems")
    sys.exit(1 if problems else 0)


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


def _publish(outcomes: Sequence[Outcome], copies: int) -> None:
    rows = [
        f"| {chapter.name} | {' | '.join(_count(outcomes, chapter, database) for database in DATABASES)} |"
        for chapter in CHAPTERS
    ]
    rows.append(f"| all | {' | '.join(_count(outcomes, None, database) for database in DATABASES)} |")
    words = [outcome.point.split() for outcome in outcomes]
    operations = sorted({word[1] for word in words if word[0] == "before"})
    publish(
        "kill_matrix",
        "Killed before and after every commit and every file operation",
        ["| | SQLite: kills, same | PostgreSQL: kills, same |", "| --- | --- | --- |", *rows],
        f"SIGKILL between each two of these operations: {', '.join(operations)}; then another process takes "
        "the work up. Same: record, files and MLflow hold what they hold without the kill, nothing twice, "
        f"and `growlearn fsck` finds nothing. Of the files that MLflow copies, every {copies}th; MLflow's "
        "own store is SQLite on both sides and was met on one",
        "faults/kill_matrix.py",
    )


def _count(outcomes: Sequence[Outcome], chapter: Chapter | None, database: str) -> str:
    found = [
        each
        for each in outcomes
        if each.database == database and (chapter is None or each.chapter == chapter.name)
    ]
    return f"{len(found)}, {sum(each.problem is None for each in found)}"


if __name__ == "__main__":
    main()
