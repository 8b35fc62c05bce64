"""Raw values of a column -> the inputs of an encoder's graph."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.domain.errors import GrowLearnError
from growlearn.ingest.rows import Column
from growlearn.network.encoders.encoder import ImagePreprocessing, TextPreprocessing

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NUM_SEGMENTS = 8
"""Tokens of a text, however long it is."""
_LENGTH_STEP = 16  # ids


def prepare_images(images: Column, how: ImagePreprocessing) -> Tensor:
    """Uint8 [B, 1 or 3, H, W] -> float32 [B, 3, size, size], resized and standardised as in pretraining."""
    return prepare_pixels(torch.from_numpy(np.array(images)), how)


def prepare_pixels(images: Tensor, how: ImagePreprocessing) -> Tensor:
    """The same for a tensor."""
    pixels = images.float() / 255
    if pixels.shape[-2:] != (how.size, how.size):
        is_smaller = how.size < max(pixels.shape[-2:])
        pixels = F.interpolate(
            pixels, (how.size, how.size), mode=how.interpolation, antialias=is_smaller
        ).clamp(0, 1)
    mean, std = (torch.tensor(values)[:, None, None] for values in (how.mean, how.std))
    return (pixels.expand(-1, 3, -1, -1) - mean) / std


def tokenize_texts(texts: Column, how: TextPreprocessing) -> list[list[int]]:
    """Token ids of texts [N] of str or None, at most `max_ids` each; a missing text is an empty one."""
    tokenizer = open_tokenizer(how)
    encodings = tokenizer.encode_batch(["" if text is None else text for text in texts])
    return [encoding.ids for encoding in encodings]


def pad_ids(ids: Sequence[Sequence[int]], max_ids: int) -> tuple[Tensor, Tensor]:
    """Ids of B texts -> ids and mask, int64 [B, L]; L is the padded length of the longest."""
    lengths = torch.tensor([len(ids_of_text) for ids_of_text in ids])
    padded = torch.zeros(len(ids), padded_length(int(lengths.max()), max_ids), dtype=torch.int64)
    for row, ids_of_text in zip(padded, ids, strict=True):
        row[: len(ids_of_text)] = torch.tensor(ids_of_text)
    return padded, (torch.arange(padded.shape[1]) < lengths[:, None]).long()


def padded_length(length: int, max_ids: int) -> int:
    """The length that a text of so many ids is padded to: texts of one batch share it.

    It is the next multiple of 16, and no more than the encoder has positions for.

    >>> padded_length(0, 40), padded_length(16, 40), padded_length(17, 40), padded_length(33, 40)
    (16, 16, 32, 40)
    """
    return min(max_ids, max(1, -(-length // _LENGTH_STEP)) * _LENGTH_STEP)


def summarise_texts(hidden: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden states [B, L, E] and mask [B, L] -> tokens [B, 8, E] and the summary [B, E].

    A token is the mean of an eighth of the text's own ids, in their order; the summary is that of all, with
    length 1 (Reimers and Gurevych 2019, "Sentence-BERT").
    """
    lengths = mask.sum(1, keepdim=True)  # [B, 1]
    places = mask.cumsum(1) - 1  # of an id among those of its text, [B, L]
    segments = (places * NUM_SEGMENTS // lengths.clamp_min(1)).clamp(0, NUM_SEGMENTS - 1)
    membership = F.one_hot(segments, NUM_SEGMENTS) * mask[..., None]  # [B, L, 8]
    sums = membership.transpose(1, 2).to(hidden.dtype) @ hidden  # [B, 8, E]
    tokens = sums / membership.sum(1)[..., None].clamp_min(1)
    return tokens, F.normalize(sums.sum(1), dim=1)


@lru_cache(maxsize=2)
def open_tokenizer(how: TextPreprocessing) -> Tokenizer:
    """The tokeniser of an encoder of texts; raises GrowLearnError where its package is missing."""
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise GrowLearnError(
            "an encoder of texts needs the package tokenizers", hint="pip install 'growlearn[text]'"
        ) from error
    tokenizer = Tokenizer.from_str(how.tokenizer)
    tokenizer.enable_truncation(how.max_ids)
    tokenizer.no_padding()
    return tokenizer
