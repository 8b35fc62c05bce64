"""The keys a job file may have, read off the dataclasses that hold their defaults."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterator
from typing import Any

from growlearn.app.yamltree import Path, dotted
from growlearn.domain.job import Job

ANY_NAME = "NAME"
"""Stands for a name the job file chooses itself, such as a column's."""


def job_keys() -> tuple[str, ...]:
    """Every key of a job file, dotted, in order: `name`, ..., `schema.inputs.NAME.type`, ..."""
    return tuple(dotted(path) for path, _ in walk(Job, ()))


def walk(kind: Any, path: Path) -> Iterator[tuple[Path, dataclasses.Field[Any]]]:
    """Each key below `kind` with the field that defines it."""
    section = _section(kind)
    if section is None:
        return
    hints = typing.get_type_hints(section)
    for field in dataclasses.fields(section):
        here = (*path, field.name)
        yield here, field
        inner = hints[field.name]
        if typing.get_origin(inner) is dict:
            yield from walk(typing.get_args(inner)[1], (*here, ANY_NAME))
        else:
            yield from walk(inner, here)


def keys_under(path: Path) -> list[str]:
    """The keys allowed in the section at this path; none where it is no section."""
    kind: Any = Job
    for part in path:
        if typing.get_origin(kind) is dict:
            kind = typing.get_args(kind)[1]
            continue
        section = _section(kind)
        if section is None or part not in (hints := typing.get_type_hints(section)):
            return []
        kind = hints[part]
    section = _section(kind)
    return [] if section is None else [field.name for field in dataclasses.fields(section)]


def nearest(path: Path) -> str | None:
    """The right key a misspelt or misplaced one most resembles: its name, or dotted if elsewhere."""
    here = difflib.get_close_matches(str(path[-1]), keys_under(path[:-1]), n=1)
    if here:
        return here[0]
    endings = {key.rpartition(".")[2]: key for key in reversed(job_keys())}
    elsewhere = difflib.get_close_matches(str(path[-1]), list(endings), n=1, cutoff=0.8)
    return endings[elsewhere[0]] if elsewhere else None


def _section(kind: Any) -> Any:
    """The dataclass a type is or, for a union, holds."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return next((arm for arm in typing.get_args(kind) if dataclasses.is_dataclass(arm)), None)
    return kind if dataclasses.is_dataclass(kind) else None
