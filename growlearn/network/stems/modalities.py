"""The table of modalities: how the input columns of each type become tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import nn

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType
from growlearn.network.stems.columns import InitSource
from growlearn.network.stems.datetimes import make_datetime_columns
from growlearn.network.stems.images import make_image_columns
from growlearn.network.stems.series import make_series_columns
from growlearn.network.stems.tables import make_boolean_columns, make_category_columns, make_number_columns
from growlearn.network.stems.text import make_text_columns
from growlearn.network.stems.tokens import make_token_columns


@dataclass(frozen=True)
class Modality:
    """`attribute` is the prefix of its stored weights; `build` makes the `ColumnGroup` of its columns.

    `build` gets stored weights without that prefix.
    """

    attribute: str
    build: Callable[[Mapping[str, InputColumn], ModelConfig, InitSource], nn.Module]


MODALITIES: Mapping[InputType, Modality] = MappingProxyType(
    {
        InputType.IMAGE: Modality("images", make_image_columns),
        InputType.NUMBER: Modality("numbers", make_number_columns),
        InputType.CATEGORY: Modality("categories", make_category_columns),
        InputType.TOKENS: Modality("tokens", make_token_columns),
        InputType.SERIES: Modality("series", make_series_columns),
        InputType.BOOLEAN: Modality("booleans", make_boolean_columns),
        InputType.DATETIME: Modality("datetimes", make_datetime_columns),
        InputType.TEXT: Modality("texts", make_text_columns),
    }
)
"""In the order of their tokens, which must not change: stored branches depend on it."""
