"""1,797 real handwritten digits of 8 x 8 pixels (UCI, as bundled with scikit-learn), cut into windows."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from sklearn.datasets import load_digits

Pixels = npt.NDArray[np.uint8]  # [N, 8, 8]

_SEED = 0
_GREY_PER_LEVEL = 15  # the data has 17 levels of ink, 0 to 16


@dataclass(frozen=True)
class DigitBatch:
    """One file to deliver: how many digits, how they are transformed, and a description."""

    name: str
    rows: int
    transform: Callable[[Pixels], Pixels]
    description: str


def _unchanged(pixels: Pixels) -> Pixels:
    return pixels


def _rotated(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(np.rot90(pixels, axes=(1, 2)))


def _inverted(pixels: Pixels) -> Pixels:
    return _GREY_PER_LEVEL * 16 - pixels


BATCHES = (
    DigitBatch("1-first.parquet", 450, _unchanged, "450 scanned digits, the first this stream has seen"),
    DigitBatch("2-more.parquet", 250, _unchanged, "250 more from the same scanner"),
    DigitBatch(
        "3-turned.parquet", 450, _rotated, "450 from a scanner mounted sideways: turned by 90 degrees"
    ),
    DigitBatch("4-upright-again.parquet", 200, _unchanged, "200 from the first scanner again"),
    DigitBatch("5-negative.parquet", 447, _inverted, "447 from a third one that gives negatives: dark paper"),
)
"""In order of arrival; every one of the 1,797 digits is used once."""


def deliver_file(index: int, folder: Path) -> Path:
    """Write one batch into a folder as a Parquet file, atomically; returns its path."""
    batch = BATCHES[index]
    table = _build_table(index, batch)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / batch.name
    unfinished = folder / f".{batch.name}.part"
    pq.write_table(table, unfinished)
    unfinished.rename(target)
    return target


def _build_table(index: int, batch: DigitBatch) -> Any:
    digits = load_digits()
    order = np.random.default_rng(_SEED).permutation(len(digits.target))
    start = sum(earlier.rows for earlier in BATCHES[:index])
    row_indices = order[start : start + batch.rows]
    pixels = batch.transform((digits.images[row_indices] * _GREY_PER_LEVEL).astype(np.uint8))
    return pa.table(
        {
            "image": pa.array([_encode_png(image) for image in pixels], pa.binary()),
            "label": pa.array(digits.target[row_indices], pa.int64()),
        }
    )


def _encode_png(image: npt.NDArray[np.uint8]) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(image).save(sink, "PNG")
    return sink.getvalue()
