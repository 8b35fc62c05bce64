"""YAML with the line of every key, and no key given twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

Path = tuple[str | int, ...]
"""Keys and list places from the top of a document down."""

_DEEPEST = 20


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a file: the line (from 1), the dotted key, and what is wrong."""

    line: int
    key: str
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.key + ': ' if self.key else ''}{self.what}"


@dataclass(frozen=True)
class YamlTree:
    """A document's data, and the line (from 1) on which each of its keys stands."""

    data: Any
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line of a key, or of the nearest key above it that the document has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class Unparsable(Exception):
    """The text is not one YAML document; carries the problems found."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def dotted(path: Path) -> str:
    """`model.width`, `drift.detectors[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def parse(text: str) -> YamlTree:
    """Read one YAML document; raises Unparsable for broken YAML and for keys given twice."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        what = error.problem or error.context or "cannot be read"
        what += "; indent with spaces" if "'\\t'" in what else ""
        raise Unparsable([Problem(line, "", f"not YAML: {what}")]) from error
    except yaml.YAMLError as error:
        raise Unparsable([Problem(1, "", f"not YAML: {error}")]) from error
    lines: dict[Path, int] = {}
    twice = []
    for path, line in _keys(root, ()):
        if path in lines:
            twice.append(Problem(line, dotted(path), f"given twice, first on line {lines[path]}"))
        lines.setdefault(path, line)
    if twice:
        raise Unparsable(twice)
    return YamlTree(data, lines)


def _keys(node: yaml.Node | None, path: Path) -> Iterator[tuple[Path, int]]:
    if len(path) > _DEEPEST:
        raise Unparsable([Problem(1, dotted(path[:3]), "nested too deep")])
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            yield here, key.start_mark.line + 1
            yield from _keys(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            yield (*path, place), value.start_mark.line + 1
            yield from _keys(value, (*path, place))
