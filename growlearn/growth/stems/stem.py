"""A stem for a schema: the tokens of every input column, one after the other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.domain.job import ModelSpec
from growlearn.domain.schema import InputType, Schema
from growlearn.growth.stems.images import ImageTokens
from growlearn.growth.stems.tables import CategoryTokens, NumberTokens
from growlearn.ingest.rows import Rows

Inputs = dict[str, Tensor]
"""Encoded rows: a tensor of B rows for each image and category, and one for all numbers together."""

_NUMBERS = "numbers"
_IMAGE = "image {}"  # with the column's name, which may be "numbers" too
_CATEGORY = "category {}"


def names_of(schema: Schema, kind: InputType) -> list[str]:
    """Names of the input columns of one kind, in schema order."""
    return [name for name, spec in schema.inputs.items() if spec.type is kind]


class Stem(nn.Module):
    """Input columns -> z [B, T, D]; T is fixed by the schema.

    `vocabularies` holds the known values of each category column.
    """

    def __init__(self, schema: Schema, spec: ModelSpec, vocabularies: Mapping[str, list[str]]) -> None:
        super().__init__()
        self.width = spec.width
        self.number_names = names_of(schema, InputType.NUMBER)
        # Modules are looked up by place: a column may have a name that no module may have.
        self.image_names = names_of(schema, InputType.IMAGE)
        self.category_names = names_of(schema, InputType.CATEGORY)
        shapes = [schema.inputs[name].shape for name in self.image_names]
        self.images = nn.ModuleList(ImageTokens(shape, spec) for shape in shapes if shape is not None)
        self.numbers = NumberTokens(len(self.number_names), spec.width) if self.number_names else None
        self.categories = nn.ModuleList(
            CategoryTokens(vocabularies[name], spec.width) for name in self.category_names
        )

    def encode(self, rows: Rows) -> Inputs:
        """Rows -> tensors of N rows; cheap, without learned weights."""
        images = {
            _IMAGE.format(name): torch.from_numpy(np.array(rows.inputs[name])) for name in self.image_names
        }
        return images | self._encode_columns(rows)

    def _encode_columns(self, rows: Rows) -> Inputs:
        encoded: Inputs = {}
        if self.number_names:
            columns = [rows.inputs[name].astype(np.float64) for name in self.number_names]
            encoded[_NUMBERS] = torch.from_numpy(np.stack(columns, axis=1))
        for name, tokens in zip(self.category_names, self.categories, strict=True):
            assert isinstance(tokens, CategoryTokens)
            encoded[_CATEGORY.format(name)] = tokens.encode(rows.inputs[name])
        return encoded

    def column_tokens(self, rows: Rows) -> Tensor:
        """Tokens of every column that is no image: N rows -> [N, columns, D]."""
        none = torch.empty(len(rows), 0, self.width)
        return torch.cat([none, *self._column_tokens(self._encode_columns(rows))], dim=1)

    def fit(self, inputs: Inputs) -> None:
        """Learn normalisation from the first training rows; never called again."""
        for name, tokens in zip(self.image_names, self.images, strict=True):
            assert isinstance(tokens, ImageTokens)
            tokens.fit(inputs[_IMAGE.format(name)])
        if self.numbers is not None:
            self.numbers.fit(inputs[_NUMBERS])

    def forward(self, inputs: Inputs) -> Tensor:
        """Encoded inputs of B rows -> z [B, T, D]."""
        images = [
            tokens(inputs[_IMAGE.format(name)])
            for name, tokens in zip(self.image_names, self.images, strict=True)
        ]
        return torch.cat([*images, *self._column_tokens(inputs)], dim=1)

    def _column_tokens(self, inputs: Inputs) -> list[Tensor]:
        numbers = [] if self.numbers is None else [self.numbers(inputs[_NUMBERS])]
        categories = [
            tokens(inputs[_CATEGORY.format(name)])
            for name, tokens in zip(self.category_names, self.categories, strict=True)
        ]
        return [*numbers, *categories]


def new_stem(schema: Schema, spec: ModelSpec, rows: Rows) -> Stem:
    """An untrained stem whose vocabularies and normalisation come from the first training rows."""
    names = names_of(schema, InputType.CATEGORY)
    stem = Stem(schema, spec, {name: sorted(set(rows.inputs[name])) for name in names})
    stem.fit(stem.encode(rows))
    return stem


def stored_stem(schema: Schema, spec: ModelSpec, weights: Mapping[str, Tensor]) -> Stem:
    """The stem of stored weights."""
    names = names_of(schema, InputType.CATEGORY)
    vocabularies = {
        name: CategoryTokens.read_vocabulary(weights[f"categories.{i}.vocabulary"])
        for i, name in enumerate(names)
    }
    stem = Stem(schema, spec, vocabularies)
    stem.load_state_dict(dict(weights))
    return stem
