"""The keys of a job file, taken from the dataclasses that hold their defaults."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Collection, Iterator
from functools import cache
from itertools import islice
from typing import Any

from growlearn.app.yaml_positions import KeyPath, format_key_path
from growlearn.domain.encoder_config import FILLED_IN
from growlearn.domain.job import Job

ANY_NAME = "NAME"
"""Placeholder for a name that the job file chooses, such as a column's."""
_MAX_COMPARED_KEYS = 50


def job_keys() -> tuple[str, ...]:
    """Every key of a job file, dotted, in order: `name`, ..., `schema.inputs.NAME.type`, ..."""
    return tuple(format_key_path(path) for path, _ in walk_fields(Job, ()))


def walk_fields(field_type: Any, path: KeyPath) -> Iterator[tuple[KeyPath, dataclasses.Field[Any]]]:
    """Each key below `field_type` with the field that defines it."""
    for section in _section_dataclasses(field_type):
        hints = typing.get_type_hints(section)
        for name, field in _fields_by_key(section).items():
            field_path = (*path, name)
            yield field_path, field
            inner = hints[field.name]
            if typing.get_origin(inner) is dict:
                yield from walk_fields(typing.get_args(inner)[1], (*field_path, ANY_NAME))
            else:
                yield from walk_fields(inner, field_path)


def keys_under(path: KeyPath) -> list[str]:
    """The keys allowed in the section at this path, of any dataclass; none where it is not a section."""
    return [key for keys in keys_by_dataclass(path).values() for key in keys]


def keys_by_dataclass(path: KeyPath) -> dict[str, list[str]]:
    """The keys of each dataclass that the section at this path may be, by its name."""
    sections = _section_dataclasses(_type_at(path))
    return {section.__name__: list(_fields_by_key(section)) for section in sections}


def _fields_by_key(section: Any) -> dict[str, dataclasses.Field[Any]]:
    """The fields that a job file may give, by their keys there: a word of Python's own has another name."""
    to_key = getattr(section, "__pydantic_config__", {}).get("alias_generator", str)
    return {
        to_key(field.name): field for field in dataclasses.fields(section) if FILLED_IN not in field.metadata
    }


def best_matching_dataclass(path: KeyPath, given: Collection[str]) -> str:
    """The dataclass whose keys the given ones fit best, the first ones of many; the first one on a tie."""
    return _best_match(path, tuple(map(str, islice(given, _MAX_COMPARED_KEYS))))


@cache
def _best_match(path: KeyPath, given: tuple[str, ...]) -> str:
    allowed = keys_by_dataclass(path)

    def fit(name: str) -> tuple[int, int]:
        near = sum(bool(difflib.get_close_matches(key, allowed[name], n=1)) for key in given)
        return sum(key in allowed[name] for key in given), near

    return max(allowed, key=fit)


def may_be_plain_value(path: KeyPath) -> bool:
    """Whether the key at this path may have a plain value in place of a section."""
    arms = [arm for arm in _union_arms(_type_at(path)) if arm is not types.NoneType]
    return not all(dataclasses.is_dataclass(arm) for arm in arms)


def _type_at(path: KeyPath) -> Any:
    """The type of the key at this path; None where there is no such key."""
    field_type: Any = Job
    for part in path:
        if typing.get_origin(field_type) is dict:
            field_type = typing.get_args(field_type)[1]
            continue
        hints = [
            {
                key: typing.get_type_hints(section)[field.name]
                for key, field in _fields_by_key(section).items()
            }
            for section in _section_dataclasses(field_type)
        ]
        field_type = next((types_by_key[part] for types_by_key in hints if part in types_by_key), None)
    return field_type


def nearest_key(path: KeyPath) -> str | None:
    """The valid key nearest to a misspelt or misplaced one: its name, or dotted if in another section."""
    matches = difflib.get_close_matches(str(path[-1]), keys_under(path[:-1]), n=1)
    if matches:
        return matches[0]
    endings = {key.rpartition(".")[2]: key for key in reversed(job_keys())}
    distant_matches = difflib.get_close_matches(str(path[-1]), list(endings), n=1, cutoff=0.8)
    return endings[distant_matches[0]] if distant_matches else None


def _section_dataclasses(field_type: Any) -> list[Any]:
    """The dataclass that a type is or, for a union, those that it holds."""
    return [arm for arm in _union_arms(field_type) if dataclasses.is_dataclass(arm)]


def _union_arms(field_type: Any) -> tuple[Any, ...]:
    if typing.get_origin(field_type) in (typing.Union, types.UnionType):
        return typing.get_args(field_type)
    return (field_type,)
