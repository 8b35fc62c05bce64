"""Fashion-MNIST as arrays and as Parquet files of PNG images."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Array = npt.NDArray[np.uint8]

FOLDER = Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))


def load(part: str) -> tuple[Array, Array]:
    """Images uint8 [N, 28, 28] and labels [N] of "train" (60,000) or "t10k" (10,000)."""
    return _idx(f"{part}-images-idx3-ubyte.gz"), _idx(f"{part}-labels-idx1-ubyte.gz")


def _idx(name: str) -> Array:
    path = FOLDER / name
    if not path.exists():
        raise SystemExit(
            f"{path} is missing: install Debian's package dataset-fashion-mnist, or set FASHION_MNIST"
        )
    content = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(content, ">u4", count=content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)


def png(image: Array) -> bytes:
    """One image as PNG bytes."""
    sink = io.BytesIO()
    Image.fromarray(image).save(sink, "PNG", compress_level=1)
    return sink.getvalue()


def write(path: Path, images: Array, labels: Array, tasks: list[str]) -> None:
    """Write one Parquet file, all at once, under its final name."""
    table = pa.table({"image": [png(image) for image in images], "label": labels.tolist(), "task": tasks})
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    pq.write_table(table, part)
    part.replace(path)


def pair(label: int) -> str:
    """Name of the task a label belongs to in Split Fashion-MNIST: five tasks of two classes."""
    low = label - label % 2
    return f"{low}-{low + 1}"
