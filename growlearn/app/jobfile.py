"""Reads a job file: YAML -> Job, or every problem with its line, key and the nearest valid key."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
from collections.abc import Collection
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path as FilePath
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from growlearn.adapters.scheduler.times import next_fire_times
from growlearn.adapters.sources import SOURCES
from growlearn.adapters.sources.deposit import choose_name
from growlearn.app.job_schema import (
    best_matching_dataclass,
    keys_by_dataclass,
    keys_under,
    may_be_plain_value,
    nearest_key,
)
from growlearn.app.yaml_positions import (
    InvalidYaml,
    KeyPath,
    YamlProblem,
    YamlTree,
    format_key_path,
    parse_yaml,
)
from growlearn.domain.errors import GrowLearnError, JobError
from growlearn.domain.job import HoldoutFiles, Job, SourceConfig
from growlearn.domain.locations import get_local_path
from growlearn.domain.printable import quote_name, shorten
from growlearn.drift.actions import ACTIONS
from growlearn.drift.decision_rules import DECISION_RULES
from growlearn.drift.detectors import DETECTORS

_MAX_BYTES = 1_000_000
_MAX_PROBLEMS = 20
_UNKNOWN_KEY = "unexpected_keyword_argument"  # pydantic's word


def read_job(path: FilePath, cwd: FilePath) -> Job:
    """Read the job of a YAML file; local folders are relative to `cwd`.

    Raises JobError listing every problem found.
    """
    tree = _read_yaml(path)
    if not isinstance(tree.data, dict):
        raise _make_error(path, [YamlProblem(1, "", "a job file is a mapping that starts with name: ...")])
    try:
        job = TypeAdapter(Job).validate_python(tree.data)
    except ValidationError as error:
        raise _make_error(path, _collect_problems(error.errors(include_url=False), tree)) from None
    if problems := _find_invalid_names(job, tree):
        raise _make_error(path, problems)
    return with_absolute_urls(job, cwd)


def with_absolute_urls(job: Job, cwd: FilePath) -> Job:
    """The job with local folders resolved against `cwd`; urls with a protocol are left unchanged."""
    source = job.source
    if isinstance(source, SourceConfig):
        source = dataclasses.replace(source, url=_absolute_url(source.url, cwd))
    holdout = job.holdout
    if isinstance(holdout, HoldoutFiles):
        holdout = dataclasses.replace(holdout, url=_absolute_url(holdout.url, cwd))
    model, encoder = job.model, job.model.encoder
    if encoder is not None and encoder.weights is not None:
        weights = _absolute_url(encoder.weights, cwd)
        model = dataclasses.replace(model, encoder=dataclasses.replace(encoder, weights=weights))
    return dataclasses.replace(job, source=source, holdout=holdout, model=model)


def _absolute_url(url: str, cwd: FilePath) -> str:
    path = get_local_path(url)
    return url if path is None else os.path.normpath(cwd / FilePath(path).expanduser())


def _read_yaml(path: FilePath) -> YamlTree:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise JobError(f"{path} is too large for a job file", hint="is this a data file?")
        return parse_yaml(path.read_text(encoding="utf-8"))
    except InvalidYaml as error:
        raise _make_error(path, error.problems) from error
    except UnicodeDecodeError as error:
        raise JobError(f"{path} is not text", hint="a job file is YAML in UTF-8") from error
    except OSError as error:
        raise JobError(f"cannot read {path}: {error.strerror}", hint="check the path") from error


def _make_error(path: FilePath, problems: list[YamlProblem]) -> JobError:
    ordered = sorted(set(problems), key=lambda problem: (problem.line, problem.key))
    if len(ordered) == 1:
        return JobError(f"{path}, {ordered[0]}")
    more = ["and more"] if len(ordered) >= _MAX_PROBLEMS else []
    details = [*map(str, ordered[:_MAX_PROBLEMS]), *more]
    return JobError(f"{path} has {len(ordered)} problems:", details=details)


# Errors of pydantic -------------------------------------------------------------------------------


def _collect_problems(details: list[ErrorDetails], tree: YamlTree) -> list[YamlProblem]:
    of_this_file = (detail for detail in details if not _is_other_union_arm(detail, tree.data))
    relevant = list(islice(of_this_file, _MAX_PROBLEMS))
    misspelt_paths = [_find_key_path(item, tree.data) for item in relevant if item["type"] == _UNKNOWN_KEY]
    # A key that is suggested for a misspelt one is not reported as missing too.
    suggested_paths = [
        (*path[:-1], nearest_key(path))
        for path in misspelt_paths
        if path[-1] not in keys_under(path[:-1]) and nearest_key(path) in keys_under(path[:-1])
    ]
    return [
        _make_problem(item, tree)
        for item in relevant
        if _find_key_path(item, tree.data) not in suggested_paths
    ]


def _make_problem(detail: ErrorDetails, tree: YamlTree) -> YamlProblem:
    path = _find_key_path(detail, tree.data)
    error_type = detail["type"]
    if error_type == _UNKNOWN_KEY:
        return YamlProblem(tree.line(path), format_key_path(path), _unknown_key_message(path, tree.data))
    if error_type == "value_error":
        message = str(detail["ctx"]["error"])
        path = _find_blamed_key(message, path, tree.data)
        return YamlProblem(tree.line(path), format_key_path(path), message)
    if error_type == "missing":
        return YamlProblem(tree.line(path[:-1]), format_key_path(path), _missing_key_message(path))
    return YamlProblem(tree.line(path), format_key_path(path), _wrong_value_message(detail))


def _missing_key_message(path: KeyPath) -> str:
    last = path[-1]
    return f"item {last + 1} is missing" if isinstance(last, int) else "must be given"


def _unknown_key_message(path: KeyPath, data: Any) -> str:
    for part in path[:-1]:
        data = data[part]
    if path[-1] in keys_under(path[:-1]):  # a key of another form of the section
        form = keys_by_dataclass(path[:-1])[best_matching_dataclass(path[:-1], data)]
        return f"cannot be given together with {', '.join(repr(key) for key in data if key in form)}"
    near = nearest_key(path)
    if near == path[-1]:
        return f"no such key here; {near!r} stands at the top of the file, in no section"
    if near is not None:
        return f"no such key; did you mean {near!r}?"
    return f"no such key; keys here are {', '.join(keys_under(path[:-1]))}"


def _wrong_value_message(detail: ErrorDetails) -> str:
    given = detail["input"]
    if detail["loc"][-1] == "[key]":
        return f"the name {quote_name(given)} must be text; put it in quotes"
    if detail["type"] == "string_type":
        return f"must be text, not {quote_name(given)}; put it in quotes"
    if detail["type"] == "dataclass_type":
        return f"must be a section with keys of its own, not {quote_name(given)}"
    expectation = detail["msg"].removeprefix("Input should be ").partition(", unable")[0]
    expectation = (
        expectation.replace("a valid tuple", "a list")
        .replace("a valid integer", "a whole number")
        .replace("a valid ", "a ")
    )
    expected = detail.get("ctx", {}).get("expected")
    if isinstance(expected, str):
        choices = re.findall(r"'([^']*)'", expected)
        near = difflib.get_close_matches(str(given), choices, n=1)
        return f"must be {expectation}, not {quote_name(given)}" + (
            f"; did you mean {near[0]!r}?" if near else ""
        )
    return f"must be {expectation}, not {quote_name(given)}"


def _find_key_path(detail: ErrorDetails, data: Any) -> KeyPath:
    """Pydantic's location without the names that it adds for union arms and for keys."""
    path: list[str | int] = []
    last = len(detail["loc"]) - 1
    for index, part in enumerate(detail["loc"]):
        name = part if isinstance(data, list) else str(part)
        inside, data = _descend(data, part)
        if inside or (index == last and detail["type"] == "missing"):
            path.append(name)
    return tuple(path)


def _descend(data: Any, key: str | int) -> tuple[bool, Any]:
    if isinstance(data, dict) and key in data:
        return True, data[key]
    if isinstance(data, list) and isinstance(key, int) and key < len(data):
        return True, data[key]
    return False, data


def _is_other_union_arm(detail: ErrorDetails, data: Any) -> bool:
    """Whether the error is about a union arm that the file does not use."""
    path: KeyPath = ()
    for part in detail["loc"]:
        inside, data = _descend(data, part)
        if inside:
            path = (*path, part)
        elif str(part).startswith("literal["):
            return isinstance(data, dict)
        elif isinstance(data, dict):
            return part in keys_by_dataclass(path) and part != best_matching_dataclass(path, data)
        else:
            is_section = detail["type"] in ("dataclass_type", "dict_type")
            return is_section and part != "[key]" and may_be_plain_value(path)
    return False


def _find_blamed_key(message: str, path: KeyPath, data: Any) -> KeyPath:
    """The key of a section that a rule's message is about: the first one it names or quotes."""
    for part in path:
        data = data[part]
    if not isinstance(data, dict):
        return path
    words = re.findall(r"\w+", shorten(message))
    named = [key for word in words for key in data if key == word]
    quoted = [key for key, value in data.items() if repr(value) in message]
    matching_keys = named or quoted
    return (*path, matching_keys[0]) if matching_keys else path


# Names that the tables of the program define --------------------------------------------------------


def _find_invalid_names(job: Job, tree: YamlTree) -> list[YamlProblem]:
    problems: list[YamlProblem] = []
    if isinstance(job.source, SourceConfig):
        problems += _check_name(("source", "type"), job.source.type, SOURCES, tree)
    for index, detector in enumerate(job.drift.detectors):
        problems += _check_name(("drift", "detectors", index), detector, DETECTORS, tree)
    for part, table in (("decision_rule", DECISION_RULES), ("action", ACTIONS)):
        problems += _check_name(("drift", part), getattr(job.drift, part), table, tree)
    if job.serving.request_log is not None and job.source.type in SOURCES:
        try:
            choose_name(job.source, "served", ".parquet")
        except GrowLearnError as error:
            key: KeyPath = ("serving", "request_log")
            problems.append(YamlProblem(tree.line(key), format_key_path(key), str(error)))
    try:
        next_fire_times(job.schedule, datetime.now(UTC), 1)
    except GrowLearnError as error:
        key = ("schedule", "every" if job.schedule.cron is None else "cron")
        problems.append(YamlProblem(tree.line(key), format_key_path(key), str(error)))
    return problems


def _check_name(path: KeyPath, name: str, known: Collection[str], tree: YamlTree) -> list[YamlProblem]:
    if name in known:
        return []
    suggestions = difflib.get_close_matches(name, known, n=1)
    suggestion = f"did you mean {suggestions[0]!r}?" if suggestions else f"there are: {', '.join(known)}"
    return [YamlProblem(tree.line(path), format_key_path(path), f"{name!r} is unknown; {suggestion}")]
