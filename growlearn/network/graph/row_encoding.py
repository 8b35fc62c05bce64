"""Tensors of raw values -> the encoded inputs of stems, whose tables of categories are their own."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from growlearn.domain.schema import InputType
from growlearn.network.encoders.encoder import ImagePreprocessing
from growlearn.network.encoders.features import find_encoder, join_features
from growlearn.network.encoders.preprocessing import prepare_pixels
from growlearn.network.graph.inputs import (
    CODED_TYPES,
    MISSING_CODE,
    UNKNOWN_CODE,
    GraphInput,
    GraphInputs,
    get_category,
)
from growlearn.network.stems.columns import EncodedInputs
from growlearn.network.stems.datetimes import encode_microseconds
from growlearn.network.stems.encoded import EncodedTokens
from growlearn.network.stems.stem import Stem
from growlearn.network.stems.tables import NUMBERS, CategoryTokens


class RowEncoding(nn.Module):
    """Tensors by name, as `GraphInputs` lists them -> what `Stem.encode` gives for the same rows.

    Categories and booleans keep the codes of all stems, which `StemCodes` turns into those of one.
    """

    def __init__(self, stem: Stem, inputs: GraphInputs) -> None:
        super().__init__()
        self.tensors = inputs.tensors
        self.encoders = nn.ModuleDict()  # by the tensor that each reads
        self.encoded_names: dict[str, str] = {}  # of columns; the same for every stem
        for tensor in inputs.tensors:
            name = tensor.columns[0]
            if stem.encoded is not None and name in stem.encoded.encoded_names:
                column = stem.encoded.get_column(name)
                assert isinstance(column, EncodedTokens)
                self.encoders[tensor.name] = ImageEncoder(column.encoder_sha256)
                self.encoded_names[name] = stem.encoded.encoded_names[name]
            elif tensor.type not in (InputType.NUMBER, InputType.DATETIME):
                self.encoded_names |= stem.column_list(tensor.type).encoded_names

    def forward(self, inputs: Mapping[str, Tensor]) -> EncodedInputs:
        """Tensors of B rows -> encoded inputs."""
        encoded: EncodedInputs = {}
        for tensor in self.tensors:
            encoded |= self._encode(tensor, inputs[tensor.name])
        return encoded

    def _encode(self, tensor: GraphInput, values: Tensor) -> EncodedInputs:
        if tensor.type is InputType.NUMBER:
            return {NUMBERS: values}
        if tensor.type is InputType.DATETIME:
            return encode_microseconds(values)
        names = [self.encoded_names[column] for column in tensor.columns]
        if tensor.type in CODED_TYPES:
            return dict(zip(names, values.unbind(1), strict=True))
        return {names[0]: self.encoders[tensor.name](values) if tensor.name in self.encoders else values}


class StemCodes(nn.Module):
    """Encoded inputs with the codes of all stems -> those with the indices that one stem has."""

    def __init__(self, stem: Stem, inputs: GraphInputs) -> None:
        super().__init__()
        self.encoded_names: list[str] = []  # of the tables
        self.tables = nn.ModuleList()
        for tensor in inputs.tensors:
            if tensor.type in CODED_TYPES:
                names = stem.column_list(tensor.type).encoded_names
                self.encoded_names += [names[name] for name in tensor.columns]
                self.tables.extend(
                    _CodeTable(get_category(stem, tensor.type, name), inputs.codes[name])
                    for name in tensor.columns
                )

    def forward(self, inputs: EncodedInputs) -> EncodedInputs:
        """Encoded inputs of B rows -> those of the stem."""
        tables = zip(self.encoded_names, self.tables, strict=True)
        return {**inputs, **{name: table(inputs[name]) for name, table in tables}}


class _CodeTable(nn.Module):
    """Codes [B] -> the indices of the same values in one stem's table [B]."""

    def __init__(self, column: CategoryTokens, codes: Mapping[str, int]) -> None:
        super().__init__()
        known = {UNKNOWN_CODE: 0, MISSING_CODE: column.index[None]}
        known |= {code: column.index.get(value, 0) for value, code in codes.items()}
        self.register_buffer("indices", torch.tensor([known[code] for code in sorted(known)]))
        self.indices: Tensor

    def forward(self, codes: Tensor) -> Tensor:
        """Look up; a code that is in no table is an unknown value."""
        is_known = (codes >= 0) & (codes < len(self.indices))
        return self.indices[torch.where(is_known, codes, UNKNOWN_CODE)]


class ImageEncoder(nn.Module):
    """Images uint8 [B, C, H, W] -> the features of an opened encoder, float16 [B, T E + S]."""

    def __init__(self, encoder_sha256: str) -> None:
        super().__init__()
        encoder = find_encoder(encoder_sha256)
        assert isinstance(encoder.description.preprocessing, ImagePreprocessing)
        self.preprocessing = encoder.description.preprocessing
        self.graph = encoder.graph

    def forward(self, images: Tensor) -> Tensor:
        """Resize, standardise, encode."""
        tokens, summary = self.graph(prepare_pixels(images, self.preprocessing))
        return join_features(tokens, summary)
