"""A stem for a schema: the concatenated tokens of every input column."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from growlearn.domain.job import ModelConfig
from growlearn.domain.schema import InputType, Schema
from growlearn.ingest.rows import Rows
from growlearn.network.model.weights import with_prefix
from growlearn.network.stems.columns import ColumnGroup, EncodedInputs, InitSource
from growlearn.network.stems.modalities import MODALITIES

_MAX_FIT_ROWS = 100_000


def get_column_names(schema: Schema, kind: InputType) -> list[str]:
    """Names of the input columns of one kind, in schema order."""
    return [name for name, column in schema.inputs.items() if column.type is kind]


class Stem(nn.Module):
    """Input columns -> z [B, T, D]; T is fixed by the schema."""

    def __init__(self, schema: Schema, config: ModelConfig, init_source: InitSource) -> None:
        super().__init__()
        self.width = config.embed_dim
        self.kinds = tuple(kind for kind in MODALITIES if get_column_names(schema, kind))
        for kind in self.kinds:
            columns = {name: schema.inputs[name] for name in get_column_names(schema, kind)}
            modality = MODALITIES[kind]
            column_source = (
                init_source
                if isinstance(init_source, Rows)
                else with_prefix(f"{modality.attribute}.", init_source)
            )
            setattr(self, modality.attribute, modality.build(columns, config, column_source))

    def columns(self, kind: InputType) -> ColumnGroup:
        """The module of all columns of one type, of which the schema has at least one."""
        return cast("ColumnGroup", getattr(self, MODALITIES[kind].attribute))

    def encode(self, rows: Rows) -> EncodedInputs:
        """Rows -> tensors of N rows; cheap, without learned weights."""
        return {
            encoded_name: tensor
            for kind in self.kinds
            for encoded_name, tensor in self.columns(kind).encode(rows).items()
        }

    def fit(self, inputs: EncodedInputs) -> None:
        """Fit normalisation to the first training rows; called again only for a copied stem."""
        for kind in self.kinds:
            self.columns(kind).fit(inputs)

    def forward(self, inputs: EncodedInputs) -> Tensor:
        """Encoded inputs of B rows -> z [B, T, D]."""
        return torch.cat([self.columns(kind)(inputs) for kind in self.kinds], dim=1)

    def tokens_by_type(self, rows: Rows, kinds: Collection[InputType]) -> Tensor:
        """Tokens of the columns of the given types only: N rows -> [N, t, D]."""
        empty = torch.empty(len(rows), 0, self.width)
        column_groups = [self.columns(kind) for kind in self.kinds if kind in kinds]
        return torch.cat([empty, *(columns(columns.encode(rows)) for columns in column_groups)], dim=1)


def make_stem(schema: Schema, config: ModelConfig, rows: Rows) -> Stem:
    """An untrained stem with vocabularies and normalisation fitted to the first training rows."""
    stem = Stem(schema, config, rows)
    fit_stem(stem, rows)
    return stem


def fit_stem(stem: Stem, rows: Rows) -> None:
    """Fit the normalisation to rows, at most 100,000 of them."""
    stem.fit(stem.encode(rows.sample(_MAX_FIT_ROWS)))


def load_stem(schema: Schema, config: ModelConfig, weights: Mapping[str, Tensor]) -> Stem:
    """The stem of stored weights."""
    stem = Stem(schema, config, weights)
    stem.load_state_dict(dict(weights))
    return stem
