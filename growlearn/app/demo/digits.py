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
class Delivery:
    """One file to be dropped: how many digits, seen how, and what a person should know of it."""

    name: str
    rows: int
    look: Callable[[Pixels], Pixels]
    said: str


def _upright(pixels: Pixels) -> Pixels:
    return pixels


def _turned(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(np.rot90(pixels, axes=(1, 2)))


def _negative(pixels: Pixels) -> Pixels:
    return _GREY_PER_LEVEL * 16 - pixels


DELIVERIES = (
    Delivery("1-first.parquet", 450, _upright, "450 scanned digits, the first this stream has seen"),
    Delivery("2-more.parquet", 250, _upright, "250 more from the same scanner"),
    Delivery("3-turned.parquet", 450, _turned, "450 from a scanner mounted sideways: turned by 90 degrees"),
    Delivery("4-upright-again.parquet", 200, _upright, "200 from the first scanner again"),
    Delivery("5-negative.parquet", 447, _negative, "447 from a third one that gives negatives: dark paper"),
)
"""In order of arrival; every one of the 1,797 digits is used once."""


def drop(place: int, folder: Path) -> Path:
    """Write the delivery at that place into a folder as a whole Parquet file; returns its path."""
    delivery = DELIVERIES[place]
    table = _table(place, delivery)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / delivery.name
    unfinished = folder / f".{delivery.name}.part"
    pq.write_table(table, unfinished)
    unfinished.rename(target)
    return target


def _table(place: int, delivery: Delivery) -> Any:
    digits = load_digits()
    order = np.random.default_rng(_SEED).permutation(len(digits.target))
    start = sum(earlier.rows for earlier in DELIVERIES[:place])
    mine = order[start : start + delivery.rows]
    pixels = delivery.look((digits.images[mine] * _GREY_PER_LEVEL).astype(np.uint8))
    return pa.table(
        {
            "image": pa.array([_png(picture) for picture in pixels], pa.binary()),
            "label": pa.array(digits.target[mine], pa.int64()),
        }
    )


def _png(picture: npt.NDArray[np.uint8]) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(picture).save(sink, "PNG")
    return sink.getvalue()
