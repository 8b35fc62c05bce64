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


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input column.

    `shape` is (channels, height, width) in pixels, for images only.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    type: InputType
    shape: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        if (self.type is InputType.IMAGE) != (self.shape is not None):
            raise ValueError(
                "an image needs shape: [channels, height, width]"
                if self.shape is None
                else f"shape is for images; this input is a {self.type}"
            )
        if self.shape is not None and (min(self.shape) < 1 or self.shape[0] not in (1, 3)):
            raise ValueError(f"shape {list(self.shape)} must be [1 or 3, height, width]")


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The columns of a stream: inputs by name, in the order of the job file."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    inputs: dict[str, Input]
    label: str = "label"
    task: str | None = None

    def __post_init__(self) -> None:
        if not self.inputs:
            raise ValueError("inputs must name at least one column")
        special = [self.label] + ([self.task] if self.task else [])
        for name in special:
            if name in self.inputs:
                raise ValueError(f"column {name!r} is an input and the label or task at once")
        if "_key" in (*self.inputs, *special):
            raise ValueError("column name '_key' is kept for stored rows; rename the column")
        if self.label == self.task:
            raise ValueError(f"column {self.label!r} is the label and the task at once")

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
