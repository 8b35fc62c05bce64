"""A stream's life with a fault at each point of each command, and what must be the same after each of them.

Each command runs once undisturbed, which finds its points (`points.py`), then once for each of them from the
same start (`places.py`), with the fault there. Then another process, to which all leases have expired, takes
the work up. Record, files and MLflow must hold what they hold without the fault (`contents.py`), and
`growlearn fsck` must find nothing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contents import Contents, find_difference, read_contents
from places import DATABASES, Place, open_place
from points import Fault, Point, Points
from story import (
    STREAM,
    Chapter,
    call_chapter,
    call_command,
    drop_file,
    fork,
    import_everything,
    list_chapters,
    make_place,
    prepare_environment,
    shift_clock,
)

from growlearn.app.current_settings import load_settings

_LATER_S = 60.0  # longer than the lease of a process that was cut short
_COPIES = "mlartifacts/"  # what MLflow copies into its own folder, a hundred files a version
_MLFLOW = ("mlflow.db", _COPIES)


@dataclass(frozen=True)
class Run:
    """What a command did and left: its exit code, its points, and all that the installation holds."""

    code: int
    points: tuple[Point, ...]
    contents: Contents


@dataclass(frozen=True)
class Case:
    """One fault: a command that starts anew in its place, and the number of the point (from 1)."""

    place: Place
    chapter: Chapter
    undisturbed: Run
    fault: Fault
    number: int

    @property
    def point(self) -> Point | None:
        """None: after the last operation."""
        points = self.undisturbed.points
        return points[self.number - 1] if self.number <= len(points) else None


Meet = Callable[[Case], str | None]
"""Lets the command meet the fault; what was wrong about that, None where nothing was."""


@dataclass(frozen=True)
class Outcome:
    """One fault, and what was wrong after it: None where nothing was."""

    database: str
    chapter: str
    fault: str
    number: int
    point: str
    problem: str | None


class Outcomes:
    """All outcomes so far; as lines of a file, where one is named, so that an interrupted run goes on.

    `points` counts those of each database, chapter and fault, whether they were met or not.
    """

    def __init__(self, file: Path | None) -> None:
        self.all: list[Outcome] = []
        self.points: dict[tuple[str, str, str], int] = {}
        self._file = file
        lines = file.read_text().splitlines() if file is not None and file.exists() else []
        for values in map(json.loads, lines):
            if "count" in values:
                self.points[values["database"], values["chapter"], values["fault"]] = values["count"]
            else:
                self.all.append(Outcome(**values))

    def add(self, outcome: Outcome) -> None:
        """One more."""
        self.all.append(outcome)
        self._keep(asdict(outcome))

    def set_points(self, database: str, chapter: str, fault: Fault, count: int) -> None:
        """How many points there are."""
        self.points[database, chapter, fault] = count
        self._keep({"database": database, "chapter": chapter, "fault": fault, "count": count})

    def _keep(self, values: dict[str, Any]) -> None:
        if self._file is not None:
            with self._file.open("a") as file:
                file.write(f"{json.dumps(values)}\n")

    def has(self, database: str, case: Case) -> bool:
        """Whether this fault was met before."""
        key = (database, case.chapter.name, case.fault, case.number)
        return key in {(each.database, each.chapter, each.fault, each.number) for each in self.all}

    def count(self, database: str, chapter: str, fault: Fault) -> str:
        """A cell of the table: how many points there are, were met, and ended the same; - where none was."""
        key = (database, chapter, fault)
        if key not in self.points:
            return "-"
        found = [each for each in self.all if (each.database, each.chapter, each.fault) == key]
        return f"{self.points[key]}, {len(found)}, {sum(each.problem is None for each in found)}"

    @property
    def problems(self) -> list[Outcome]:
        """Those after which something was wrong."""
        return [outcome for outcome in self.all if outcome.problem is not None]


def describe_command(options: argparse.Namespace) -> str:
    """The options that decide which points are met, as they are given."""
    every = f" --every {options.every}" if options.every > 1 else ""
    return every if options.keep is None else f" --databases {' '.join(options.databases)}{every} --keep FILE"


def parse_options(description: str) -> argparse.Namespace:
    """What a matrix can be told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--until", help="the last chapter; default: all")
    parser.add_argument("--every", type=int, default=1, help="only every so manieth point")
    parser.add_argument("--copies", type=int, default=40, help="only every so manieth of MLflow's own copies")
    parser.add_argument("--keep", type=Path, help="a file of outcomes: an interrupted run goes on")
    return parser.parse_args()


def meet_all(faults: Sequence[Fault], meet: Meet, options: argparse.Namespace) -> Outcomes:
    """Every fault at every point on every database; each problem is printed."""
    chapters = list_chapters(options.until)
    import_everything(delivers=any(chapter.delivers for chapter in chapters))
    outcomes = Outcomes(options.keep)
    for database in options.databases:
        for case in _list_cases(database, chapters, faults, options, outcomes):
            if not outcomes.has(database, case):
                case.place.bring_back("before")
                problem = meet(case) or take_up(case)
                point = "after the last operation" if case.point is None else str(case.point)
                outcomes.add(Outcome(database, case.chapter.name, case.fault, case.number, point, problem))
    for bad in outcomes.problems:
        print(f"{bad.database}, {bad.chapter}, {bad.fault} {bad.point}: {bad.problem}")
    return outcomes


def _list_cases(
    database: str,
    chapters: Sequence[Chapter],
    faults: Sequence[Fault],
    options: argparse.Namespace,
    outcomes: Outcomes,
) -> Iterator[Case]:
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, open_place(Path(folder), database) as place:
        make_place(place.folder, delivers=any(chapter.delivers for chapter in chapters))
        prepare_environment(place.folder, place.database_url)
        for chapter in chapters:
            drop_file(place.folder, chapter)
            place.keep("before")
            for fault in faults:
                undisturbed = run_undisturbed(place, chapter, fault)
                place.keep("after")
                chosen = _choose_points(undisturbed.points, database, fault, options.copies)
                outcomes.set_points(database, chapter.name, fault, len(chosen))
                for number in chosen[:: options.every * chapter.every]:
                    yield Case(place, chapter, undisturbed, fault, number)
                place.bring_back("before")
            place.bring_back("after")


def _choose_points(points: Sequence[Point], database: str, fault: Fault, every_copy: int) -> list[int]:
    """The numbers of the points to be met; a kill's last one lies after the last operation.

    MLflow's own store is SQLite on both sides, so its points are met on one of them.
    """
    copies = [number for number, point in enumerate(points, 1) if point.target.startswith(_COPIES)]
    left_out = set(copies) - set(copies[::every_copy])
    for number, point in enumerate(points, 1):
        is_mlflow = database != "sqlite" and point.target.startswith(_MLFLOW)
        if is_mlflow or (fault is Fault.SHORT and point.operation != "write"):
            left_out.add(number)
    last = len(points) + (fault is Fault.KILL)
    return [number for number in range(1, last + 1) if number not in left_out]


def run_undisturbed(place: Place, chapter: Chapter, fault: Fault) -> Run:
    """The command without the fault."""
    report, output = place.folder.parent / "report.json", place.folder.parent / "output.txt"

    def work() -> int:
        points = Points(place.home, fault)
        points.install()
        code = call_chapter(chapter)
        reached = [(point.operation, point.target, point.where) for point in points.reached]
        report.write_text(json.dumps([code, reached, read_contents(load_settings())]))
        return 0 if code in (0, 3) else code

    if fork(work, place.folder, output) != 0:
        raise RuntimeError(output.read_text())
    code, reached, contents = json.loads(report.read_text())
    return Run(code, tuple(Point(*each) for each in reached), contents)


def take_up(case: Case) -> str | None:
    """What is wrong after another process has done the rest; None where nothing is."""
    report, output = case.place.folder.parent / "report.json", case.place.folder.parent / "output.txt"
    report.unlink(missing_ok=True)

    def work() -> int:
        shift_clock(_LATER_S)
        code = call_chapter(case.chapter)
        if code == 1 and case.chapter.is_decision:  # it was made; what is left is to tell MLflow
            code = call_command(("run", STREAM))
        contents = read_contents(load_settings())
        report.write_text(json.dumps([code, call_command(("fsck",)), contents]))
        return 0

    if fork(work, case.place.folder, output) != 0:
        return f"the next process failed: {output.read_text()}"
    code, fsck_code, contents = json.loads(report.read_text())
    if code not in (0, case.undisturbed.code):
        return f"the next process ended with {code}: {output.read_text()}"
    if fsck_code != 0:
        return f"fsck found damage: {output.read_text()}"
    return find_difference(case.undisturbed.contents, contents)
