"""A stem for a schema: the tokens of every input column, one after the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from growlearn.domain.job import ModelSpec
from growlearn.domain.schema import InputType, Schema
from growlearn.growth.model.weights import under
from growlearn.growth.stems.columns import Columns, Inputs, Origin
from growlearn.growth.stems.modalities import MODALITIES
from growlearn.ingest.rows import Rows


def names_of(schema: Schema, kind: InputType) -> list[str]:
    """Names of the input columns of one kind, in schema order."""
    return [name for name, spec in schema.inputs.items() if spec.type is kind]


class Stem(nn.Module):
    """Input columns -> z [B, T, D]; T is fixed by the schema."""

    def __init__(self, schema: Schema, spec: ModelSpec, origin: Origin) -> None:
        super().__init__()
        self.width = spec.width
        self.kinds = tuple(kind for kind in MODALITIES if names_of(schema, kind))
        for kind in self.kinds:
            columns = {name: schema.inputs[name] for name in names_of(schema, kind)}
            modality = MODALITIES[kind]
            mine = origin if isinstance(origin, Rows) else under(f"{modality.attribute}.", origin)
            setattr(self, modality.attribute, modality.build(columns, spec, mine))

    def columns(self, kind: InputType) -> Columns:
        """The module of all columns of one type; the schema must have some."""
        return cast("Columns", getattr(self, MODALITIES[kind].attribute))

    def encode(self, rows: Rows) -> Inputs:
        """Rows -> tensors of N rows; cheap, without learned weights."""
        return {key: tensor for kind in self.kinds for key, tensor in self.columns(kind).encode(rows).items()}

    def fit(self, inputs: Inputs) -> None:
        """Learn normalisation from the first training rows; called again only for a copied stem."""
        for kind in self.kinds:
            self.columns(kind).fit(inputs)

    def forward(self, inputs: Inputs) -> Tensor:
        """Encoded inputs of B rows -> z [B, T, D]."""
        return torch.cat([self.columns(kind)(inputs) for kind in self.kinds], dim=1)

    def tokens_of(self, rows: Rows, kinds: Collection[InputType]) -> Tensor:
        """Tokens of the columns of some types alone: N rows -> [N, t, D]."""
        none = torch.empty(len(rows), 0, self.width)
        mine = [self.columns(kind) for kind in self.kinds if kind in kinds]
        return torch.cat([none, *(columns(columns.encode(rows)) for columns in mine)], dim=1)


def new_stem(schema: Schema, spec: ModelSpec, rows: Rows) -> Stem:
    """An untrained stem whose vocabularies and normalisation come from the first training rows."""
    stem = Stem(schema, spec, rows)
    stem.fit(stem.encode(rows))
    return stem


def stored_stem(schema: Schema, spec: ModelSpec, weights: Mapping[str, Tensor]) -> Stem:
    """The stem of stored weights."""
    stem = Stem(schema, spec, weights)
    stem.load_state_dict(dict(weights))
    return stem
