"""Parses YAML, keeps the line of every key, and rejects duplicate keys, aliases and outsized documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from growlearn.domain.printable import format_reason, plain_name

KeyPath = tuple[str | int, ...]
"""Keys and list indexes from the top of a document down."""

_MAX_DEPTH = 20
_MAX_NODES = 50_000  # keys and values: a schema of more than ten thousand columns
_MAX_NUMBER_LENGTH = 40  # characters; more digits than any setting has
_MAX_VALUE_LENGTH = 4_096  # characters, as of a path
_MAX_INTEGER = 2**63 - 1
_TEXT_TAG = "tag:yaml.org,2002:str"
_NUMBER_TAGS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


@dataclass(frozen=True)
class YamlProblem:
    """One problem in a file: the line (from 1), the dotted key, and a message, both printable and short."""

    line: int
    key: str
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", format_reason(self.key))
        object.__setattr__(self, "message", format_reason(self.message))

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

    def __init__(self, problems: list[YamlProblem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def format_key_path(path: KeyPath) -> str:
    """`model.embed_dim`, `drift.detectors[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{plain_name(part)}" for part in path)
    return text.removeprefix(".")


class _BoundedLoader(yaml.SafeLoader):
    """A loader that stops at the first alias, at too deep a nesting, and after too many nodes."""

    num_nodes, depth = 0, 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One node with all below it; raises MarkedYAMLError."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem=f"aliases (*{event.anchor}) are not read; write the value again",
                problem_mark=mark,
            )
        self.num_nodes, self.depth = self.num_nodes + 1, self.depth + 1
        if self.num_nodes > _MAX_NODES:
            raise yaml.MarkedYAMLError(
                problem=f"more than {_MAX_NODES:,} keys and values; is this a data file?", problem_mark=mark
            )
        if self.depth > _MAX_DEPTH + 1:
            raise yaml.MarkedYAMLError(problem="nested too deep", problem_mark=mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def parse_yaml(text: str) -> YamlTree:
    """Read one YAML document.

    Raises InvalidYaml for broken YAML, duplicate keys, aliases, and what is too large or no text or number.
    """
    try:
        loader = _BoundedLoader(text)
        root = loader.get_single_node()
        if problems := list(_find_bad_scalars(loader, root, ())):
            raise InvalidYaml(problems)
        data = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        message = error.problem or error.context or "cannot be read"
        message += "; indent with spaces" if "'\\t'" in message else ""
        raise InvalidYaml([YamlProblem(line, "", f"not YAML: {message}")]) from error
    except yaml.YAMLError as error:
        raise InvalidYaml([YamlProblem(1, "", f"not YAML: {error}")]) from error
    lines: dict[KeyPath, int] = {}
    duplicates = []
    for path, line in _walk_keys(root, ()):
        if path in lines:
            duplicates.append(
                YamlProblem(line, format_key_path(path), f"given twice, first on line {lines[path]}")
            )
        lines.setdefault(path, line)
    if duplicates:
        raise InvalidYaml(duplicates)
    return YamlTree(data, lines)


def _find_bad_scalars(
    loader: yaml.SafeLoader, node: yaml.Node | None, path: KeyPath
) -> Iterator[YamlProblem]:
    """A problem for each scalar that is no text or no number that a job can hold."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _find_bad_scalars(loader, key, path)
            yield from _find_bad_scalars(loader, value, (*path, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _find_bad_scalars(loader, value, (*path, index))
    elif isinstance(node, yaml.ScalarNode):
        message = _scalar_problem(loader, node)
        if message is not None:
            yield YamlProblem(node.start_mark.line + 1, format_key_path(path), message)


def _scalar_problem(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str | None:
    bad = next((char for char in node.value if char == "\0" or "\ud800" <= char <= "\udfff"), None)
    if bad is not None:
        return f"holds {bad!r}, which is no character of a text"
    if len(node.value) > _MAX_VALUE_LENGTH:
        return f"{len(node.value):,} characters; at most {_MAX_VALUE_LENGTH:,} are read"
    return None if node.tag == _TEXT_TAG else _value_problem(loader, node)


def _value_problem(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str | None:
    """The problem of a number, a date and the like."""
    if node.tag in _NUMBER_TAGS and len(node.value) > _MAX_NUMBER_LENGTH:
        return f"a number of {len(node.value):,} characters; at most {_MAX_NUMBER_LENGTH} are read"
    try:
        value = loader.construct_object(node)
    except yaml.MarkedYAMLError:
        raise
    except (ValueError, OverflowError) as error:  # such as the date 2026-99-99
        return f"{plain_name(node.value)} cannot be read: {error}"
    is_too_large = isinstance(value, int) and abs(value) > _MAX_INTEGER
    return f"{value} is too large a number" if is_too_large else None


def _walk_keys(node: yaml.Node | None, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    if len(path) > _MAX_DEPTH:
        raise InvalidYaml([YamlProblem(1, format_key_path(path[:3]), "nested too deep")])
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            key_path = (*path, str(key.value))
            yield key_path, key.start_mark.line + 1
            yield from _walk_keys(value, key_path)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*path, index), value.start_mark.line + 1
            yield from _walk_keys(value, (*path, index))
