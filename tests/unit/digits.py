"""Real handwritten digits: as arrays, and as rows of one image column."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits

from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column

Images = npt.NDArray[np.uint8]
Digits = tuple[Images, list[int | None]]

SCHEMA = Schema(inputs={"image": InputColumn(type=InputType.IMAGE, shape=(1, 8, 8))})


def load_shuffled_digits() -> Digits:
    """Images uint8 [N, 8, 8] and labels, in one random order."""
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    return (bunch.images[order] * 15.9375).astype(np.uint8), bunch.target[order].tolist()


def load_digit_rows() -> Rows:
    """Rows in the order of the data set."""
    bunch = load_digits()
    inputs = {"image": (bunch.images * 15.9375).astype(np.uint8)[:, None]}
    return Rows(inputs, object_column(bunch.target.tolist()), None, hash_rows(inputs, SCHEMA))


def rotate(images: Images) -> Images:
    """Each image turned by 90 degrees."""
    return np.ascontiguousarray(np.rot90(images, axes=(1, 2)))


def invert(images: Images) -> Images:
    """Each image as its negative."""
    return 255 - images
