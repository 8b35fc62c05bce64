"""A job file: YAML -> Job, or every problem in it with its line, key and the nearest right key."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from growlearn.adapters.scheduler.times import next_fire_times
from growlearn.adapters.sources import SOURCES
from growlearn.app.jobkeys import keys_under, nearest
from growlearn.app.yamltree import Path, Problem, Unparsable, YamlTree, dotted, parse
from growlearn.domain.errors import GrowLearnError, JobError
from growlearn.domain.job import HoldoutFiles, Job
from growlearn.drift.actions import ACTIONS
from growlearn.drift.decisions import DECISIONS
from growlearn.drift.detectors import DETECTORS
from growlearn.drift.windows import WINDOWS

_LARGEST_BYTES = 1_000_000
_MISSPELT = "unexpected_keyword_argument"  # pydantic's word


def read_job(path: FilePath, cwd: FilePath) -> Job:
    """The job of a YAML file, its local folders made absolute against `cwd`.

    Raises JobError listing every problem found.
    """
    tree = _tree(path)
    if not isinstance(tree.data, dict):
        raise _error(path, [Problem(1, "", "a job file is a mapping that starts with name: ...")])
    try:
        job = TypeAdapter(Job).validate_python(tree.data)
    except ValidationError as error:
        raise _error(path, _problems(error.errors(include_url=False), tree)) from None
    if problems := _impossible(job, tree):
        raise _error(path, problems)
    return absolute(job, cwd)


def absolute(job: Job, cwd: FilePath) -> Job:
    """The job with local relative folders taken from `cwd`; urls with a protocol stay as they are."""
    source = dataclasses.replace(job.source, url=_absolute(job.source.url, cwd))
    holdout = job.holdout
    if isinstance(holdout, HoldoutFiles):
        holdout = dataclasses.replace(holdout, url=_absolute(holdout.url, cwd))
    return dataclasses.replace(job, source=source, holdout=holdout)


def _absolute(url: str, cwd: FilePath) -> str:
    if "://" in url or "::" in url:
        return url
    return os.path.normpath(cwd / FilePath(url).expanduser())


def _tree(path: FilePath) -> YamlTree:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise JobError(f"{path} is too large for a job file", cure="is this a data file?")
        return parse(path.read_text(encoding="utf-8"))
    except Unparsable as error:
        raise _error(path, error.problems) from error
    except UnicodeDecodeError as error:
        raise JobError(f"{path} is not text", cure="a job file is YAML in UTF-8") from error
    except OSError as error:
        raise JobError(f"cannot read {path}: {error.strerror}", cure="check the path") from error


def _error(path: FilePath, problems: list[Problem]) -> JobError:
    ordered = sorted(set(problems), key=lambda problem: (problem.line, problem.key))
    if len(ordered) == 1:
        return JobError(f"{path}, {ordered[0]}")
    return JobError("\n  ".join([f"{path} has {len(ordered)} problems:", *map(str, ordered)]))


# What pydantic found ------------------------------------------------------------------------------


def _problems(details: list[ErrorDetails], tree: YamlTree) -> list[Problem]:
    meant = [detail for detail in details if not _other_arm(detail, tree.data)]
    misspelt = [_path(each, tree.data) for each in meant if each["type"] == _MISSPELT]
    found = [(*path[:-1], nearest(path)) for path in misspelt]  # said already, not missing as well
    return [_problem(each, tree) for each in meant if _path(each, tree.data) not in found]


def _problem(detail: ErrorDetails, tree: YamlTree) -> Problem:
    path = _path(detail, tree.data)
    kind = detail["type"]
    if kind == _MISSPELT:
        return Problem(tree.line(path), dotted(path), f"no such key{_did_you_mean(path)}")
    if kind == "value_error":
        what = str(detail["ctx"]["error"])
        path = _blamed(what, path, tree.data)
        return Problem(tree.line(path), dotted(path), what)
    if kind == "missing":
        return Problem(tree.line(path[:-1]), dotted(path), _missing(path))
    return Problem(tree.line(path), dotted(path), _said(detail))


def _missing(path: Path) -> str:
    last = path[-1]
    return f"item {last + 1} is missing" if isinstance(last, int) else "must be given"


def _did_you_mean(path: Path) -> str:
    near = nearest(path)
    if near is not None:
        return f"; did you mean {near!r}?"
    return f"; keys here are {', '.join(keys_under(path[:-1]))}"


def _said(detail: ErrorDetails) -> str:
    given = detail["input"]
    if detail["loc"][-1] == "[key]":
        return f"the name {given!r} must be text; put it in quotes"
    if detail["type"] == "string_type":
        return f"must be text, not {given!r}; put it in quotes"
    if detail["type"] == "dataclass_type":
        return f"must be a section with keys of its own, not {given!r}"
    said = detail["msg"].removeprefix("Input should be ").partition(", unable")[0]
    said = (
        said.replace("a valid tuple", "a list")
        .replace("a valid integer", "a whole number")
        .replace("a valid ", "a ")
    )
    expected = detail.get("ctx", {}).get("expected")
    if isinstance(expected, str):
        choices = re.findall(r"'([^']*)'", expected)
        near = difflib.get_close_matches(str(given), choices, n=1)
        return f"must be {said}, not {given!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    return f"must be {said}, not {given!r}"


def _path(detail: ErrorDetails, data: Any) -> Path:
    """Pydantic's place without the names it gives to the arms of a union and to keys."""
    path: list[str | int] = []
    last = len(detail["loc"]) - 1
    for place, part in enumerate(detail["loc"]):
        name = part if isinstance(data, list) else str(part)
        inside, data = _step(data, part)
        if inside or (place == last and detail["type"] == "missing"):
            path.append(name)
    return tuple(path)


def _step(data: Any, part: str | int) -> tuple[bool, Any]:
    if isinstance(data, dict) and part in data:
        return True, data[part]
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return True, data[part]
    return False, data


def _other_arm(detail: ErrorDetails, data: Any) -> bool:
    """Whether this is about the arm of a union that the file plainly does not mean."""
    for part in detail["loc"]:
        inside, data = _step(data, part)
        if inside:
            continue
        if part == "float" or str(part).startswith("literal["):
            return isinstance(data, dict)
        return detail["type"] == "dataclass_type" and part != "[key]" and not isinstance(data, dict)
    return False


def _blamed(what: str, path: Path, data: Any) -> Path:
    """The key inside a section that a rule's message is about: the first it names, or quotes."""
    for part in path:
        data = data[part]
    if not isinstance(data, dict):
        return path
    words = re.findall(r"\w+", what)
    named = [key for word in words for key in data if key == word]
    quoted = [key for key, value in data.items() if repr(value) in what]
    found = named or quoted
    return (*path, found[0]) if found else path


# What only the rest of the program knows ----------------------------------------------------------


def _impossible(job: Job, tree: YamlTree) -> list[Problem]:
    problems = _unknown(("source", "type"), job.source.type, SOURCES, tree)
    for place, detector in enumerate(job.drift.detectors):
        problems += _unknown(("drift", "detectors", place), detector, DETECTORS, tree)
    for part, table in (("window", WINDOWS), ("decision", DECISIONS), ("action", ACTIONS)):
        problems += _unknown(("drift", part), getattr(job.drift, part), table, tree)
    try:
        next_fire_times(job.schedule, datetime.now(UTC), 1)
    except GrowLearnError as error:
        key: Path = ("schedule", "every" if job.schedule.cron is None else "cron")
        problems.append(Problem(tree.line(key), dotted(key), str(error)))
    return problems


def _unknown(path: Path, name: str, known: Collection[str], tree: YamlTree) -> list[Problem]:
    if name in known:
        return []
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
    return [Problem(tree.line(path), dotted(path), f"{name!r} is unknown; {hint}")]
