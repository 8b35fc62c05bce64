"""What the columns of a stream are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, ClassVar, TypeAlias

Label: TypeAlias = int | str
"""One class as it stands in the label column; booleans are read as 0 and 1."""


class InputType(StrEnum):
    """Kinds of input column that a stem can read."""

    IMAGE = "image"
    NUMBER = "number"
    CATEGORY = "category"
    TOKENS = "tokens"
    SERIES = "series"


_WANTED: dict[InputType, tuple[str, dict[str, str]]] = {
    InputType.IMAGE: ("an image", {"shape": "[channels, height, width]"}),
    InputType.NUMBER: ("a number", {}),
    InputType.CATEGORY: ("a category", {}),
    InputType.TOKENS: (
        "a column of tokens",
        {"vocabulary": "ids run from 0 to one less", "length": "tokens kept of a row"},
    ),
    InputType.SERIES: ("a series", {"shape": "[steps, channels]"}),
}
"""What each type is called, and the keys it needs with what they mean."""
MOST_IDS = 10_000_000
"""Of a vocabulary; each is a row of the embedding."""


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input column.

    `shape` is (channels, height, width) in pixels for an image, (steps, channels) for a series.
    `vocabulary` and `length` are for tokens only: ids lie in 0..vocabulary - 1, and of a longer row the
    first `length` are read.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    type: InputType
    shape: tuple[int, ...] | None = None
    vocabulary: int | None = None
    length: int | None = None

    def __post_init__(self) -> None:
        what, wanted = _WANTED[self.type]
        for key in ("shape", "vocabulary", "length"):
            given = getattr(self, key) is not None
            if key in wanted and not given:
                raise ValueError(f"{what} needs {key}: {wanted[key]}")
            if given and key not in wanted:
                meant = " and ".join(kind for kind, (_, keys) in _WANTED.items() if key in keys)
                raise ValueError(f"{key} is for {meant}; this input is {what}")
        if self.shape is not None:
            _check_shape(self.type, self.shape)
        for key, least, most in (("vocabulary", 2, MOST_IDS), ("length", 1, MOST_IDS)):
            value = getattr(self, key)
            if value is not None and not least <= value <= most:
                raise ValueError(f"{key} {value} must lie between {least} and {most:,}")


def _check_shape(kind: InputType, shape: tuple[int, ...]) -> None:
    sound = min(shape, default=0) >= 1
    if kind is InputType.IMAGE and not (sound and len(shape) == 3 and shape[0] in (1, 3)):
        raise ValueError(f"shape {list(shape)} must be [1 or 3, height, width]")
    if kind is InputType.SERIES and not (sound and len(shape) == 2):
        raise ValueError(f"shape {list(shape)} must be [steps, channels], [steps, 1] for one channel")


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The columns of a stream: inputs by name, in the order of the job file.

    `key` names the column, of integers or text, that tells rows apart, so that labels may come later.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    inputs: dict[str, Input]
    label: str = "label"
    task: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        if not self.inputs:
            raise ValueError("inputs must name at least one column")
        special = [self.label] + [name for name in (self.task, self.key) if name]
        for name in special:
            if name in self.inputs:
                raise ValueError(f"column {name!r} is an input and the label, task or key at once")
        if "_key" in (*self.inputs, *special):
            raise ValueError("column name '_key' is kept for stored rows; rename the column")
        if self.label == self.task:
            raise ValueError(f"column {self.label!r} is the label and the task at once")
        if self.key is not None and self.key in (self.label, self.task):
            raise ValueError(f"column {self.key!r} is the key and the label or task at once")

    @property
    def digest(self) -> str:
        """16 hex digits that differ between schemas."""
        return sha256(repr(self).encode()).hexdigest()[:16]


def ordered(labels: Iterable[Label]) -> tuple[Label, ...]:
    """Distinct labels in a fixed order: integers by value, then strings by spelling.

    >>> ordered(["b", 2, "a", 1, 2])
    (1, 2, 'a', 'b')
    """
    return tuple(sorted(set(labels), key=lambda label: (isinstance(label, str), label)))
