"""Parses YAML, keeps the line of every key, and rejects duplicate keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

KeyPath = tuple[str | int, ...]
"""Keys and list indexes from the top of a document down."""

_MAX_DEPTH = 20


@dataclass(frozen=True)
class Problem:
    """One problem in a file: the line (from 1), the dotted key, and a message."""

    line: int
    key: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.key + ': ' if self.key else ''}{self.message}"


@dataclass(frozen=True)
class YamlTree:
    """A document's data, and the line (from 1) of each key."""

    data: Any
    lines: dict[KeyPath, int]

    def line(self, path: KeyPath) -> int:
        """The line of a key, or of its nearest ancestor in the document."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class InvalidYaml(Exception):
    """The text is not one valid YAML document; `problems` lists why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def format_key_path(path: KeyPath) -> str:
    """`model.embed_dim`, `drift.detectors[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def parse_yaml(text: str) -> YamlTree:
    """Read one YAML document; raises InvalidYaml for broken YAML and for duplicate keys."""
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        data = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        message = error.problem or error.context or "cannot be read"
        message += "; indent with spaces" if "'\\t'" in message else ""
        raise InvalidYaml([Problem(line, "", f"not YAML: {message}")]) from error
    except yaml.YAMLError as error:
        raise InvalidYaml([Problem(1, "", f"not YAML: {error}")]) from error
    lines: dict[KeyPath, int] = {}
    duplicates = []
    for path, line in _walk_keys(root, ()):
        if path in lines:
            duplicates.append(
                Problem(line, format_key_path(path), f"given twice, first on line {lines[path]}")
            )
        lines.setdefault(path, line)
    if duplicates:
        raise InvalidYaml(duplicates)
    return YamlTree(data, lines)


def _walk_keys(node: yaml.Node | None, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    if len(path) > _MAX_DEPTH:
        raise InvalidYaml([Problem(1, format_key_path(path[:3]), "nested too deep")])
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            key_path = (*path, str(key.value))
            yield key_path, key.start_mark.line + 1
            yield from _walk_keys(value, key_path)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*path, index), value.start_mark.line + 1
            yield from _walk_keys(value, (*path, index))
