"""A stem for a schema: the concatenated tokens of every input column.

Images that a frozen encoder reads have its tokens alone; texts have their own and those of the encoder.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import cast

import torch
from torch import Tensor, nn

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows
from growlearn.network.model.weights import with_prefix
from growlearn.network.stems.bags import Bag, SummaryBag, TextBag, TokenBag
from growlearn.network.stems.columns import ColumnGroup, ColumnList, EncodedInputs, InitSource
from growlearn.network.stems.encoded import EncodedTokens, make_encoded_columns
from growlearn.network.stems.linear import LinearTerm
from growlearn.network.stems.modalities import MODALITIES
from growlearn.network.transfer import to_device

_MAX_FIT_ROWS = 100_000
_MAX_FIT_WIDE_ROWS = 10_000  # a text has thousands of n-grams, an encoded image thousands of features
_MAX_LINEAR_FRACTION = 0.25  # of the channels, that class scores may take

LINEAR_SCALE = 1e-4
"""Of class scores in a token: so small that no branch reads them."""


def get_column_names(schema: Schema, kind: InputType) -> list[str]:
    """Names of the input columns of one kind, in schema order."""
    return [name for name, column in schema.inputs.items() if column.type is kind]


class Stem(nn.Module):
    """Input columns -> z [B, T, D]; T is fixed by the schema.

    Where a linear term was fitted, the first C channels of every token hold its class scores times
    `LINEAR_SCALE`, so pool(z) holds them too, and a head without a norm reads them from there.
    """

    def __init__(self, schema: Schema, config: ModelConfig, init_source: InitSource) -> None:
        super().__init__()
        self.width = config.embed_dim
        replaced = () if config.encoder is None or config.encoder.reads != "image" else (InputType.IMAGE,)
        self.kinds = tuple(
            kind for kind in MODALITIES if get_column_names(schema, kind) and kind not in replaced
        )
        for kind in self.kinds:
            columns = {name: schema.inputs[name] for name in get_column_names(schema, kind)}
            modality = MODALITIES[kind]
            column_source = (
                init_source
                if isinstance(init_source, Rows)
                else with_prefix(f"{modality.attribute}.", init_source)
            )
            setattr(self, modality.attribute, modality.build(columns, config, column_source))
        self.encoded = make_encoded_columns(schema, config)
        self.bags = self._find_bags(schema)
        self.linear: LinearTerm | None = None
        if not isinstance(init_source, Rows) and "linear.bias" in init_source:
            self.linear = LinearTerm(self.bags, len(init_source["linear.bias"]))

    def add_linear_term(self, num_classes: int) -> LinearTerm | None:
        """Reserve channels for the scores of a new linear term, all zero until it is fitted.

        It replaces one that the stem has. None, and nothing reserved, without token or text columns or where
        the classes would take too many channels.
        """
        is_possible = self.bags and num_classes <= self.width * _MAX_LINEAR_FRACTION
        self.linear = LinearTerm(self.bags, num_classes) if is_possible else None
        return self.linear

    def _find_bags(self, schema: Schema) -> dict[str, Bag]:
        """The bag of each token and text column, and of what an encoder reads, by its encoded name."""
        bags: dict[str, Bag] = {}
        for kind in self.kinds:
            if kind in (InputType.TOKENS, InputType.TEXT):
                names = cast("ColumnList", self.columns(kind)).encoded_names
                bags |= {encoded: _make_bag(schema.inputs[name]) for name, encoded in names.items()}
        if self.encoded is not None:
            columns = zip(self.encoded.encoded_names.values(), self.encoded, strict=True)
            bags |= {name: SummaryBag(cast("EncodedTokens", column).summary_size) for name, column in columns}
        return bags

    def columns(self, kind: InputType) -> ColumnGroup:
        """The module of all columns of one type, of which the schema has at least one."""
        return cast("ColumnGroup", getattr(self, MODALITIES[kind].attribute))

    def column_list(self, kind: InputType) -> ColumnList:
        """The same for a type whose columns have a module each."""
        columns = self.columns(kind)
        assert isinstance(columns, ColumnList)
        return columns

    def encode(self, rows: Rows) -> EncodedInputs:
        """Rows -> tensors of N rows; cheap, without learned weights."""
        return {
            encoded_name: tensor
            for group in self._groups()
            for encoded_name, tensor in group.encode(rows).items()
        }

    def fit(self, inputs: EncodedInputs) -> None:
        """Fit normalisation to the first training rows; called again only for a copied stem."""
        for group in self._groups():
            group.fit(inputs)

    def _groups(self) -> list[ColumnGroup]:
        """The columns of each type, then those that an encoder reads, in the order of their tokens."""
        encoded = [] if self.encoded is None else [cast("ColumnGroup", self.encoded)]
        return [*map(self.columns, self.kinds), *encoded]

    def train(self, mode: bool = True) -> Stem:
        """Set training or evaluation mode; a frozen stem stays in evaluation mode.

        In training mode batches are normalised by their own statistics, and the running ones move.
        """
        is_frozen = not any(parameter.requires_grad for parameter in self.parameters())
        return super().train(mode and not is_frozen)

    @property
    def device(self) -> torch.device:
        """The device of the weights, which inputs are brought to."""
        return next(chain(self.parameters(), self.buffers())).device

    def forward(self, inputs: EncodedInputs) -> Tensor:
        """Encoded inputs of B rows, on any device -> z [B, T, D]."""
        inputs = move_inputs(inputs, self.device)
        z = torch.cat([group(inputs) for group in self._groups()], dim=1)  # [B, T, D]
        if self.linear is None:
            return z
        scores = LINEAR_SCALE * self.linear(inputs)[:, None]  # [B, 1, C]
        return torch.cat([scores.expand(-1, z.shape[1], -1), z[..., scores.shape[2] :]], dim=2)

    def tokens_by_type(self, rows: Rows, kinds: Collection[InputType]) -> Tensor:
        """Tokens of the columns of the given types only: N rows -> [N, t, D]."""
        groups = [self.columns(kind) for kind in self.kinds if kind in kinds]
        inputs = {name: tensor for group in groups for name, tensor in group.encode(rows).items()}
        return self.encoded_tokens_by_type(inputs, kinds, len(rows))

    def encoded_tokens_by_type(
        self, inputs: EncodedInputs, kinds: Collection[InputType], num_rows: int
    ) -> Tensor:
        """The same from encoded inputs of N rows."""
        inputs = move_inputs(inputs, self.device)
        empty = torch.empty(num_rows, 0, self.width, device=self.device)
        parts = [self.columns(kind)(inputs) for kind in self.kinds if kind in kinds]
        return torch.cat([empty, *parts], dim=1)

    def summaries(self, rows: Rows) -> Tensor:
        """What the encoder says of each row as a whole, without any learned weight: N rows -> [N, S]."""
        return self.encoded_summaries({} if self.encoded is None else self.encoded.encode(rows), len(rows))

    def encoded_summaries(self, inputs: EncodedInputs, num_rows: int) -> Tensor:
        """The same from encoded inputs of N rows."""
        empty = torch.empty(num_rows, 0, device=self.device)
        if self.encoded is None:
            return empty
        inputs = move_inputs(inputs, self.device)
        columns = zip(self.encoded, self.encoded.encoded_names.values(), strict=True)
        parts = [cast("EncodedTokens", column).split(inputs[name])[1] for column, name in columns]
        return torch.cat([empty, *parts], dim=1)


def move_inputs(inputs: EncodedInputs, device: torch.device) -> EncodedInputs:
    """Encoded inputs on a device; see `to_device`."""
    return {name: to_device(tensor, device) for name, tensor in inputs.items()}


def _make_bag(column: InputColumn) -> Bag:
    if column.type is InputType.TEXT:
        return TextBag(column.length or 0)
    assert column.vocabulary is not None, "a token column has a vocabulary"
    return TokenBag(column.vocabulary)


def make_stem(schema: Schema, config: ModelConfig, rows: Rows) -> Stem:
    """An untrained stem with vocabularies and normalisation fitted to the first training rows.

    In evaluation mode, as every stem but while a batch trains it.
    """
    stem = Stem(schema, config, rows).eval()
    fit_stem(stem, rows)
    return stem


def fit_stem(stem: Stem, rows: Rows) -> None:
    """Fit the normalisation to rows, at most 100,000 of them, or 10,000 with texts or an encoder."""
    is_wide = InputType.TEXT in stem.kinds or stem.encoded is not None
    max_rows = _MAX_FIT_WIDE_ROWS if is_wide else _MAX_FIT_ROWS
    stem.fit(stem.encode(rows.sample(max_rows)))


def load_stem(schema: Schema, config: ModelConfig, weights: Mapping[str, Tensor]) -> Stem:
    """The stem of stored weights."""
    stem = Stem(schema, config, weights).eval()
    stem.load_state_dict(dict(weights))
    return stem


@contextmanager
def training_mode(stem: Stem | None) -> Iterator[None]:
    """Within it the stem is in training mode, where there is one; then in evaluation mode again."""
    if stem is not None:
        stem.train()
    try:
        yield
    finally:
        if stem is not None:
            stem.eval()


@contextmanager
def evaluation_mode(stem: Stem | None) -> Iterator[None]:
    """Within it the stem is in evaluation mode, where there is one; then in the mode that it was in."""
    was_training = stem is not None and stem.training
    if stem is not None:
        stem.eval()
    try:
        yield
    finally:
        if stem is not None:
            stem.train(was_training)
