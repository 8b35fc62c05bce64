"""The features that an encoder gives raw values, computed once a value and kept.

A row's features depend on no other row, so that an answer is the same in every company, process and order.
A processor rounds the last bit of a few numbers differently in small batches, so rows of a request of 16 or
more go in batches of exactly 16, and fewer go one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.model_config import ModelConfig
from growlearn.ingest.rows import Column
from growlearn.network.encoders.cache import FeatureCache
from growlearn.network.encoders.encoder import (
    EncoderDescription,
    ImagePreprocessing,
    TextPreprocessing,
    read_encoder,
)
from growlearn.network.encoders.graph import GraphModule
from growlearn.network.encoders.preprocessing import (
    pad_ids,
    padded_length,
    prepare_images,
    summarise_texts,
    tokenize_texts,
)

Features: TypeAlias = npt.NDArray[np.float16]
Indices: TypeAlias = npt.NDArray[np.int64]

_BATCH = 16  # rows; larger ones are no faster on a processor, and twice as slow for a convolutional network


class Encoder:
    """An opened encoder; `features` is the same for equal values, in every process of one machine."""

    def __init__(self, description: EncoderDescription, graph: GraphModule, cache: FeatureCache) -> None:
        self.description = description
        self.graph = graph
        self._cache = cache

    def features(self, values: Column) -> Features:
        """Images uint8 [N, C, H, W], or texts [N] of str or None -> features float16 [N, T E + S].

        The T tokens come first, then the summary.
        """
        one_by_one = len(values) < _BATCH
        keys = [_digest(value, one_by_one=one_by_one) for value in values]
        return self._cache.get(keys, lambda missing: self._compute(values[missing], one_by_one=one_by_one))

    def _compute(self, values: Column, *, one_by_one: bool) -> Features:
        how = self.description.preprocessing
        features = np.empty((len(values), self.description.num_features), np.float16)
        if isinstance(how, ImagePreprocessing):
            self._compute_images(values, how, features, one_by_one=one_by_one)
        else:
            self._compute_texts(values, how, features, one_by_one=one_by_one)
        return features

    def _compute_images(
        self, images: Column, how: ImagePreprocessing, features: Features, *, one_by_one: bool
    ) -> None:
        for part, padded in _batches(np.arange(len(images)), one_by_one=one_by_one):
            tokens, summary = self.graph(prepare_images(images[padded], how))
            features[part] = join_features(tokens, summary).numpy()[: len(part)]

    def _compute_texts(
        self, texts: Column, how: TextPreprocessing, features: Features, *, one_by_one: bool
    ) -> None:
        """Texts of one padded length go together, so that no text's numbers depend on another's length."""
        ids = tokenize_texts(texts, how)
        by_length: dict[int, list[int]] = defaultdict(list)
        for index, ids_of_text in enumerate(ids):
            by_length[padded_length(len(ids_of_text), how.max_ids)].append(index)
        for indices in by_length.values():
            for part, padded in _batches(np.array(indices), one_by_one=one_by_one):
                batch, mask = pad_ids([ids[index] for index in padded], how.max_ids)
                (hidden,) = self.graph(batch, mask)
                features[part] = join_features(*summarise_texts(hidden, mask)).numpy()[: len(part)]


def _batches(indices: Indices, *, one_by_one: bool) -> Iterator[tuple[Indices, Indices]]:
    """The indices of each batch, and the same repeated up to the size that all batches have."""
    size = 1 if one_by_one else _BATCH
    for start in range(0, len(indices), size):
        part = indices[start : start + size]
        yield part, np.resize(part, size)


def join_features(tokens: Tensor, summary: Tensor) -> Tensor:
    """Tokens [B, T, E] and summary [B, S] -> float16 [B, T E + S].

    Half precision halves the cache, and rounds most differences between processors away.
    """
    limit = torch.finfo(torch.float16).max
    return torch.cat([tokens.flatten(1), summary], dim=1).clamp(-limit, limit).half()


def _digest(value: Any, *, one_by_one: bool) -> bytes:
    """The key of a value; a missing text is an empty one, as the tokeniser reads it."""
    if isinstance(value, np.ndarray):
        content, shape = np.ascontiguousarray(value).tobytes(), str(value.shape)
    else:
        content, shape = (value or "").encode(), ""
    return blake2b(f"{one_by_one} {shape} ".encode() + content, digest_size=16).digest()


# Opened encoders ------------------------------------------------------------------------------------

_opened: dict[str, Encoder] = {}


def open_encoder_of(model: ModelConfig, read_artifact: Callable[[str], bytes]) -> None:
    """Open the stored encoder of a model, if it has one, once in a process: equal sha256 are equal bytes."""
    sha256 = None if model.encoder is None else model.encoder.sha256
    if sha256 is not None and sha256 not in _opened:
        description, graph = read_encoder(read_artifact(sha256))
        _opened[sha256] = Encoder(description, graph, FeatureCache(sha256, description.num_features))


def find_encoder(sha256: str) -> Encoder:
    """An encoder that this process has opened; raises GrowLearnError where it has not."""
    if sha256 not in _opened:
        raise GrowLearnError(f"the encoder {sha256[:12]} is not open; load the network of a manifest first")
    return _opened[sha256]
