"""What the columns of a stream are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from math import prod
from typing import Any, ClassVar, TypeAlias

Label: TypeAlias = int | str
"""One class as written in the label column; booleans are read as 0 and 1."""


class InputType(StrEnum):
    """Kinds of input column that a stem can read."""

    IMAGE = "image"
    NUMBER = "number"
    CATEGORY = "category"
    TOKENS = "tokens"
    SERIES = "series"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    TEXT = "text"


_TYPE_KEYS: dict[InputType, tuple[str, dict[str, str]]] = {
    InputType.IMAGE: ("an image", {"shape": "[channels, height, width]"}),
    InputType.NUMBER: ("a number", {}),
    InputType.CATEGORY: ("a category", {}),
    InputType.TOKENS: (
        "a column of tokens",
        {"vocabulary": "ids run from 0 to one less", "length": "tokens kept of a row"},
    ),
    InputType.SERIES: ("a series", {"shape": "[steps, channels]"}),
    InputType.BOOLEAN: ("a boolean", {}),
    InputType.DATETIME: ("a datetime", {}),
    InputType.TEXT: ("a text", {}),
}
"""The display name of each type, and the keys it requires with their meaning."""
_OPTIONAL_KEYS: dict[InputType, tuple[str, ...]] = {
    InputType.TEXT: ("length",),
    InputType.IMAGE: ("pixel_max",),
}
"""The keys that a type may have or leave out."""
_VALUE_BYTES = {InputType.IMAGE: 1, InputType.TOKENS: 4, InputType.TEXT: 8}  # 8 of any other
_TABLE_TYPES = frozenset((InputType.NUMBER, InputType.CATEGORY, InputType.BOOLEAN, InputType.DATETIME))
NULLABLE_TYPES = _TABLE_TYPES | {InputType.TEXT}
"""Types whose values may be missing; a row without an image, tokens or a series is rejected."""
MAX_PIXEL = 255
"""The level of white in stored images."""
MAX_TOKEN_IDS = 10_000_000
"""The largest vocabulary; each id is a row of the embedding."""
MAX_NAME_LENGTH = 200
"""Characters of the longest label, task name or row id; a longer one is no name but a defect of its file."""
MAX_TEXT_LENGTH = 1_000_000
"""Characters of the longest text that is accepted; a longer one is no text but a defect of its file."""


@dataclass(frozen=True, kw_only=True)
class InputColumn:
    """One input column.

    `shape` is (channels, height, width) in pixels for an image, (steps, channels) for a series.
    `vocabulary` is for tokens only: ids lie in 0..vocabulary - 1. `length` is how many tokens a row has: a
    longer row of ids is cut to so many; of a text, which has one token, it adds one for each of so many
    words. `pixel_max`, 1 or 255, is the number of white where an image is given as numbers: 255 where a job
    does not say; a version that does not say, as those of release 0.1.0, decides by file or request. It tells
    how an image is delivered, not what a row holds, so columns that differ in nothing else are equal. Rows
    with a missing value are rejected where the column is `required`; images, tokens and series always are.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    type: InputType
    shape: tuple[int, ...] | None = None
    vocabulary: int | None = None
    length: int | None = None
    required: bool = False
    pixel_max: int | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        type_name, required_keys = _TYPE_KEYS[self.type]
        for key in ("shape", "vocabulary", "length", "pixel_max"):
            is_given = getattr(self, key) is not None
            if key in required_keys and not is_given:
                raise ValueError(f"{type_name} needs {key}: {required_keys[key]}")
            if is_given and key not in required_keys and key not in _OPTIONAL_KEYS.get(self.type, ()):
                matching_types = " and ".join(_types_with_key(key))
                raise ValueError(f"{key} is for {matching_types}; this input is {type_name}")
        if self.shape is not None:
            _check_shape(self.type, self.shape)
        for key, minimum, maximum in (("vocabulary", 2, MAX_TOKEN_IDS), ("length", 1, MAX_TOKEN_IDS)):
            value = getattr(self, key)
            if value is not None and not minimum <= value <= maximum:
                raise ValueError(f"{key} {value} must lie between {minimum} and {maximum:,}")

        if self.pixel_max not in (None, 1, MAX_PIXEL):
            raise ValueError(f"pixel_max {self.pixel_max} must be 1 or {MAX_PIXEL}")

    @property
    def num_bytes(self) -> int:
        """Bytes of one decoded cell; of a text, those of its tokens."""
        values = prod(self.shape or (self.length or 1,))
        return values * _VALUE_BYTES.get(self.type, 8)


def _types_with_key(key: str) -> list[str]:
    return [kind for kind, (_, keys) in _TYPE_KEYS.items() if key in (*keys, *_OPTIONAL_KEYS.get(kind, ()))]


def _check_shape(kind: InputType, shape: tuple[int, ...]) -> None:
    is_positive = min(shape, default=0) >= 1
    if kind is InputType.IMAGE and not (is_positive and len(shape) == 3 and shape[0] in (1, 3)):
        raise ValueError(f"shape {list(shape)} must be [1 or 3, height, width]")
    if kind is InputType.SERIES and not (is_positive and len(shape) == 2):
        raise ValueError(f"shape {list(shape)} must be [steps, channels], [steps, 1] for one channel")


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The columns of a stream: inputs by name, in the order of the job file.

    `id_column` names the column, of integers or text, that identifies rows, so that labels can arrive later.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    inputs: dict[str, InputColumn]
    label: str = "label"
    task: str | None = None
    id_column: str | None = None

    def __post_init__(self) -> None:
        if not self.inputs:
            raise ValueError("inputs must name at least one column")
        special = [self.label] + [name for name in (self.task, self.id_column) if name]
        for name in special:
            if name in self.inputs:
                raise ValueError(f"column {name!r} is an input and the label, task or id column at once")
        if "_row_hash" in (*self.inputs, *special):
            raise ValueError("column name '_row_hash' is reserved for stored rows; rename the column")
        if self.label == self.task:
            raise ValueError(f"column {self.label!r} is the label and the task at once")
        if self.id_column is not None and self.id_column in (self.label, self.task):
            raise ValueError(f"column {self.id_column!r} is the id column and the label or task at once")

    @property
    def row_bytes(self) -> int:
        """Bytes of the inputs of one decoded row; of a text, those of its tokens."""
        return sum(column.num_bytes for column in self.inputs.values())

    @property
    def has_images(self) -> bool:
        """Whether an input is an image."""
        return any(column.type is InputType.IMAGE for column in self.inputs.values())

    @property
    def is_table(self) -> bool:
        """Whether every input is a plain column: a number, a category, a boolean or a datetime."""
        return all(column.type in _TABLE_TYPES for column in self.inputs.values())

    @property
    def digest(self) -> str:
        """16 hex digits that differ between schemas, also in how they read pixels.

        A file that was quarantined for want of `pixel_max` is read again once the job says it, 255 too.
        """
        return sha256(f"{self!r}{self.pixel_scales or ''}".encode()).hexdigest()[:16]

    @property
    def pixel_scales(self) -> dict[str, int]:
        """`pixel_max` of the inputs that say it, which no repr shows."""
        return {name: spec.pixel_max for name, spec in self.inputs.items() if spec.pixel_max is not None}

    def with_pixels_as(self, job_schema: Schema) -> Schema:
        """The same columns, with images read as a job says: up to 255 where it does not say."""
        inputs = {
            name: replace(column, pixel_max=job_schema.inputs[name].pixel_max or MAX_PIXEL)
            if column.type is InputType.IMAGE and name in job_schema.inputs
            else column
            for name, column in self.inputs.items()
        }
        return replace(self, inputs=inputs)


def sort_labels(labels: Iterable[Label]) -> tuple[Label, ...]:
    """Distinct labels in a fixed order: integers by value, then strings alphabetically.

    >>> sort_labels(["b", 2, "a", 1, 2])
    (1, 2, 'a', 'b')
    """
    return tuple(sorted(set(labels), key=lambda label: (isinstance(label, str), label)))
