"""A clock that is set back an hour before every command of a stream's life, on both databases.

Each command finds records, leases and files that are dated in the future. After it, record, files and MLflow
must hold what they hold in a life by a right clock (`contents.py`), and `growlearn fsck` must find nothing.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from contents import Contents, find_difference, read_contents
from matrix import parse_options
from places import DATABASES, Place, open_place
from results import publish
from story import (
    CHAPTERS,
    Chapter,
    call_chapter,
    call_command,
    drop_file,
    fork,
    import_everything,
    make_place,
    prepare_environment,
    shift_clock,
)

from growlearn.app.current_settings import load_settings

_HOUR_S = 3600.0


def main() -> None:
    """Live twice on each database, compare after every command, and print the table."""
    options = parse_options(str(__doc__))
    import_everything()
    found = {database: dict(live_twice(database)) for database in options.databases}
    for database, problems in found.items():
        for chapter, problem in problems.items():
            if problem is not None:
                print(f"{database}, {chapter}: {problem}")
    if set(options.databases) == set(DATABASES):
        _publish(found)
    sys.exit(any(any(problems.values()) for problems in found.values()))


def live_twice(database: str) -> Iterator[tuple[str, str | None]]:
    """Each chapter, and what is wrong after it on a clock that is set back: None where nothing is."""
    with tempfile.TemporaryDirectory(prefix="clock-") as folder, open_place(Path(folder), database) as place:
        make_place(place.folder)
        prepare_environment(place.folder, place.database_url)
        fork(lambda: call_command(CHAPTERS[0].command), place.folder, place.folder.parent / "output.txt")
        fork(lambda: call_command(CHAPTERS[1].command), place.folder, place.folder.parent / "output.txt")
        place.keep("start")
        by_right_clock = [live(place, chapter, 0.0) for chapter in CHAPTERS[2:]]
        place.bring_back("start")
        for hours, (chapter, right) in enumerate(zip(CHAPTERS[2:], by_right_clock, strict=True), 1):
            set_back = live(place, chapter, -hours * _HOUR_S)
            yield chapter.name, _find_problem(right, set_back)


def live(place: Place, chapter: Chapter, shift_s: float) -> tuple[str, Contents]:
    """What the command and fsck said by a clock that is so much off, and what they left."""
    drop_file(place.folder, chapter, datetime.now(UTC) + timedelta(seconds=shift_s))
    report, output = place.folder.parent / "report.json", place.folder.parent / "output.txt"

    def work() -> int:
        shift_clock(shift_s)
        code = call_chapter(chapter)
        report.write_text(json.dumps(read_contents(load_settings())))
        return call_command(("fsck",)) if code in (0, 3) else code

    status, said = fork(work, place.folder, output), output.read_text()
    return said if status != 0 or "Traceback" in said else "", json.loads(report.read_text())


def _find_problem(right: tuple[str, Contents], set_back: tuple[str, Contents]) -> str | None:
    return set_back[0] or find_difference(right[1], set_back[1])


def _publish(found: dict[str, dict[str, str | None]]) -> None:
    rows = [
        f"| {chapter.name} | {' | '.join('no' if found[each][chapter.name] else 'yes' for each in found)} |"
        for chapter in CHAPTERS[2:]
    ]
    publish(
        "clock_set_back",
        "A clock set back an hour before every command",
        ["| | SQLite: same | PostgreSQL: same |", "| --- | --- | --- |", *rows],
        "Same: record, files and MLflow hold what they hold by a right clock, times left out, and `growlearn "
        "fsck` finds nothing",
        "faults/clock_set_back.py",
    )


if __name__ == "__main__":
    main()
