"""The table of modalities: how the input columns of each type become tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import nn

from growlearn.domain.job import ModelSpec
from growlearn.domain.schema import Input, InputType
from growlearn.growth.stems.columns import Origin
from growlearn.growth.stems.images import image_columns
from growlearn.growth.stems.series import series_columns
from growlearn.growth.stems.tables import category_columns, number_columns
from growlearn.growth.stems.tokens import token_columns


@dataclass(frozen=True)
class Modality:
    """`attribute` starts the stored names of its weights; `build` makes the module of its columns by name.

    The module is a `Columns`. Stored weights are handed to `build` without the attribute before their names.
    """

    attribute: str
    build: Callable[[Mapping[str, Input], ModelSpec, Origin], nn.Module]


MODALITIES: Mapping[InputType, Modality] = MappingProxyType(
    {
        InputType.IMAGE: Modality("images", image_columns),
        InputType.NUMBER: Modality("numbers", number_columns),
        InputType.CATEGORY: Modality("categories", category_columns),
        InputType.TOKENS: Modality("tokens", token_columns),
        InputType.SERIES: Modality("series", series_columns),
    }
)
"""In the order of their tokens, which may not change: stored branches have learned it."""
