"""The features that an encoder gives raw values, computed once a value and kept.

Two rows never influence each other, whatever batch they come in, but for the last bit of a few numbers that
a processor rounds differently in batches of fewer than 16 rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
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

_BATCH, _MIN_BATCH = 64, 16  # rows


class Encoder:
    """An opened encoder; `features` is the same for equal values, in every process of one machine."""

    def __init__(self, description: EncoderDescription, graph: GraphModule, cache: FeatureCache) -> None:
        self.description = description
        self._graph = graph
        self._cache = cache

    def features(self, values: Column) -> Features:
        """Images uint8 [N, C, H, W], or texts [N] of str or None -> features float16 [N, T E + S].

        The T tokens come first, then the summary.
        """
        keys = [_digest(value) for value in values]
        return self._cache.get(keys, lambda missing: self._compute(values[missing]))

    def _compute(self, values: Column) -> Features:
        how = self.description.preprocessing
        if isinstance(how, ImagePreprocessing):
            return self._compute_images(values, how)
        return self._compute_texts(values, how)

    def _compute_images(self, images: Column, how: ImagePreprocessing) -> Features:
        features = np.empty((len(images), self.description.num_features), np.float16)
        for part in _batches(np.arange(len(images))):
            padded = _pad(part, len(images))
            tokens, summary = self._graph(prepare_images(images[padded], how))
            features[part] = _join(tokens, summary)[: len(part)]
        return features

    def _compute_texts(self, texts: Column, how: TextPreprocessing) -> Features:
        """Texts of one padded length go together, so that no text's numbers depend on another's length."""
        ids = tokenize_texts(texts, how)
        by_length: dict[int, list[int]] = defaultdict(list)
        for index, each in enumerate(ids):
            by_length[padded_length(len(each))].append(index)
        features = np.empty((len(texts), self.description.num_features), np.float16)
        for indices in by_length.values():
            for part in _batches(np.array(indices)):
                padded, mask = pad_ids([ids[index] for index in part])
                (hidden,) = self._graph(padded, mask)
                features[part] = _join(*summarise_texts(hidden, mask))
        return features


def _batches(indices: npt.NDArray[np.int64]) -> Sequence[npt.NDArray[np.int64]]:
    return [indices[start : start + _BATCH] for start in range(0, len(indices), _BATCH)]


def _pad(part: npt.NDArray[np.int64], num_rows: int) -> npt.NDArray[np.int64]:
    """The indices of a batch, of which the last of many rows has at least 16."""
    return np.resize(part, _MIN_BATCH) if len(part) < _MIN_BATCH <= num_rows else part


def _join(tokens: Tensor, summary: Tensor) -> Features:
    """Tokens [B, T, E] and summary [B, S] -> float16 [B, T E + S].

    Half precision halves the cache, and rounds most differences between processors away.
    """
    limit = torch.finfo(torch.float16).max
    return torch.cat([tokens.flatten(1), summary], dim=1).clamp(-limit, limit).half().numpy()


def _digest(value: Any) -> bytes:
    if value is None:
        return blake2b(digest_size=16, person=b"missing").digest()
    content = value.encode() if isinstance(value, str) else np.ascontiguousarray(value).data
    return blake2b(content, digest_size=16, person=str(getattr(value, "shape", "")).encode()[:16]).digest()


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
