"""What a column of lists seems to be: images, token ids or time series."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow.types as pt

from growlearn.domain.schema import MOST_IDS, Input, InputType
from growlearn.ingest.columns import plain
from growlearn.ingest.lists import depth_and_leaf, lengths_of, numbers_of

_MOST_TOKENS = 256  # a row; more take long to learn


def listed(present: Any) -> Input | str:
    """What lists, none of them null, seem to be, or why the column had better be left out.

    Whole numbers in lists of several lengths are token ids. Lists of one length are images where their
    numbers lie in 0..255, else series.
    """
    present = plain(present)
    depth, leaf = depth_and_leaf(present.type)
    if not (pt.is_integer(leaf) or pt.is_floating(leaf)):
        return f"values of type {present.type} cannot be read"
    column = present.combine_chunks()
    lengths: list[list[int]] = []  # that occur at each level
    for _ in range(depth):
        lengths.append(np.unique(lengths_of(column)).tolist())
        column = column.flatten()
    numbers = numbers_of(column)
    numbers = numbers[np.isfinite(numbers)]
    if not numbers.size:
        return "its lists hold no number"
    if any(len(found) > 1 for found in lengths):
        return _tokens(max(lengths[0]), depth, numbers)
    shape = [found[0] for found in lengths]
    if numbers.min() >= 0 and numbers.max() <= 255:
        return _image(shape)
    if len(shape) > 2:
        return f"lists as {shape} of numbers outside 0..255 are neither an image nor a series"
    return Input(type=InputType.SERIES, shape=(shape[0], math.prod(shape[1:])))


def _tokens(longest: int, depth: int, numbers: Any) -> Input | str:
    if depth > 1 or numbers.dtype.kind not in "iu" or numbers.min() < 0:
        return "lists of several lengths are read as token ids, which must be whole numbers from 0 on"
    if numbers.max() >= MOST_IDS:
        return f"its token ids go up to {int(numbers.max())}, but must be below {MOST_IDS}: number them anew"
    vocabulary = min(MOST_IDS, 2 ** math.ceil(math.log2(max(int(numbers.max()) + 1, 2))))
    return Input(type=InputType.TOKENS, vocabulary=vocabulary, length=min(longest, _MOST_TOKENS))


def _image(shape: list[int]) -> Input | str:
    if len(shape) == 2:
        shape = [1, *shape]
    if len(shape) == 3 and shape[0] in (1, 3):
        return Input(type=InputType.IMAGE, shape=tuple(shape))
    count = math.prod(shape)
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if count == channels * side * side and side > 1:
            return Input(type=InputType.IMAGE, shape=(channels, side, side))
    return f"lists of {count} numbers are no square image; give their shape, or that of a series, by hand"
