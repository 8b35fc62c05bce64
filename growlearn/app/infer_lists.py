"""What a column of lists seems to be: images, token ids or time series."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow.types as pt

from growlearn.domain.schema import MAX_TOKEN_IDS, InputColumn, InputType
from growlearn.ingest.columns import unwrap_column
from growlearn.ingest.lists import get_depth_and_leaf_type, get_list_lengths, to_numpy_numbers

_MAX_TOKENS = 256  # per row; more take long to train


def infer_list_input(present: Any) -> InputColumn | str:
    """The likely input type of lists, none of them null, or why the column is excluded.

    Whole numbers in lists of several lengths are token ids. Lists of one length are images where their
    numbers lie in 0..255, else series.
    """
    present = unwrap_column(present)
    depth, leaf = get_depth_and_leaf_type(present.type)
    if not (pt.is_integer(leaf) or pt.is_floating(leaf)):
        return f"values of type {present.type} cannot be read"
    column = present.combine_chunks()
    lengths: list[list[int]] = []  # distinct lengths at each level
    for _ in range(depth):
        lengths.append(np.unique(get_list_lengths(column)).tolist())
        column = column.flatten()
    numbers = to_numpy_numbers(column)
    numbers = numbers[np.isfinite(numbers)]
    if not numbers.size:
        return "its lists hold no number"
    if any(len(level_lengths) > 1 for level_lengths in lengths):
        return _token_input(max(lengths[0]), depth, numbers)
    shape = [level_lengths[0] for level_lengths in lengths]
    if numbers.min() >= 0 and numbers.max() <= 255:
        return _image_input(shape, 1 if 0 < numbers.max() <= 1 else None)
    if len(shape) > 2:
        return f"lists as {shape} of numbers outside 0..255 are neither an image nor a series"
    return InputColumn(type=InputType.SERIES, shape=(shape[0], math.prod(shape[1:])))


def _token_input(max_length: int, depth: int, numbers: Any) -> InputColumn | str:
    if depth > 1 or numbers.dtype.kind not in "iu" or numbers.min() < 0:
        return "lists of several lengths are read as token ids, which must be whole numbers from 0 on"
    if numbers.max() >= MAX_TOKEN_IDS:
        return (
            f"its largest token id is {int(numbers.max())}; ids must be below {MAX_TOKEN_IDS}: renumber them"
        )
    vocabulary = min(MAX_TOKEN_IDS, 2 ** math.ceil(math.log2(max(int(numbers.max()) + 1, 2))))
    return InputColumn(type=InputType.TOKENS, vocabulary=vocabulary, length=min(max_length, _MAX_TOKENS))


def _image_input(shape: list[int], pixel_max: int | None) -> InputColumn | str:
    if len(shape) == 2:
        shape = [1, *shape]
    if len(shape) == 3 and shape[0] in (1, 3):
        return InputColumn(type=InputType.IMAGE, shape=tuple(shape), pixel_max=pixel_max)
    count = math.prod(shape)
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if count == channels * side * side and side > 1:
            return InputColumn(type=InputType.IMAGE, shape=(channels, side, side), pixel_max=pixel_max)
    return f"lists of {count} numbers are no square image; give their shape, or that of a series, by hand"
