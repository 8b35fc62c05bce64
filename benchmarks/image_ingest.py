"""Ingest of Parquet images beside bare pyarrow and Pillow that decode the same files.

Bare is: read the Parquet file, open every image with Pillow, load its pixels, put them into one array. Ingest
also hashes the file, checks every row, finds repeated ones, and stores a snapshot. Both in one process, in
turn.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from results import publish

from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.adapters.memory.clock import SystemClock
from growlearn.adapters.memory.store import MemoryStore
from growlearn.adapters.sources import open_source
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.source_ingest import ingest_new_files

CASES = {
    "3,000 PNG of 28 x 28, grey": (3000, (1, 28, 28), "PNG"),
    "1,000 PNG of 96 x 96, colour": (1000, (3, 96, 96), "PNG"),
    "1,000 JPEG of 128 x 128, colour": (1000, (3, 128, 128), "JPEG"),
}
_CELL = 8  # pixels of equal colour, so that the files are as compressible as pictures are


def main() -> None:
    """Every case, and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-table", action="store_true", help="print only")
    options = parser.parse_args()
    lines = [
        "| images | pyarrow and Pillow, CPU seconds | ingest, CPU seconds | ingest's share of that speed |",
        "| --- | --- | --- | --- |",
    ]
    for name, (rows, shape, kind) in CASES.items():
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            (folder / "incoming").mkdir()
            file = folder / "incoming" / "images.parquet"
            write_images(file, rows, shape, kind)
            bare, ours = [], []
            for _ in range(options.repeats):
                bare.append(cpu_seconds(partial(decode_bare, file, shape)))
                ours.append(cpu_seconds(partial(ingest, folder, shape)))
        times = statistics.median(bare), statistics.median(ours)
        lines.append(f"| {name} | {times[0]:.3f} | {times[1]:.3f} | {times[0] / times[1]:.2f} |")
        print(lines[-1], flush=True)
    if not options.no_table:
        publish(
            "image_ingest",
            "Ingest of Parquet images",
            lines,
            f"Medians of {options.repeats}, one thread; the snapshot is written to a disk",
        )


def write_images(file: Path, rows: int, shape: tuple[int, int, int], kind: str) -> None:
    """So many different images, encoded, with a label each."""
    channels, height, width = shape
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 256, (rows, -(-height // _CELL), -(-width // _CELL), channels), np.uint8)
    pixels = cells.repeat(_CELL, 1).repeat(_CELL, 2)[:, :height, :width]
    contents = []
    for image in pixels:
        sink = io.BytesIO()
        Image.fromarray(image[:, :, 0] if channels == 1 else image).save(sink, kind)
        contents.append(sink.getvalue())
    pq.write_table(pa.table({"image": contents, "label": rng.integers(0, 10, rows)}), file)


def decode_bare(file: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """uint8 [rows, channels, height, width]."""
    table = pq.read_table(file, use_threads=False)
    pixels = np.empty((len(table), *shape), np.uint8)
    mode = "L" if shape[0] == 1 else "RGB"
    for row, content in enumerate(table.column("image").to_pylist()):
        image = np.asarray(Image.open(io.BytesIO(content)).convert(mode))  # [H, W] or [H, W, C]
        pixels[row] = image if image.ndim == 2 else image.transpose(2, 0, 1)
    table.column("label").to_numpy()
    return pixels


def ingest(folder: Path, shape: tuple[int, int, int]) -> None:
    """The file, into a new record in memory and a new folder of artifacts."""
    job = Job(
        name="images",
        source=SourceConfig(url=str(folder / "incoming"), min_file_age_s=0),
        schema=Schema(inputs={"image": InputColumn(type=InputType.IMAGE, shape=shape)}),
    )
    store, clock = MemoryStore(), SystemClock()
    stream = store.apply(job, clock.now())
    with tempfile.TemporaryDirectory() as artifacts:
        source = open_source(job.source, clock)
        (result,) = ingest_new_files(stream, source, store, FileArtifacts(artifacts), clock)
    assert result.rows, result
    assert not result.bad_rows, result.bad_rows[:3]


def cpu_seconds(operation: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    started = time.process_time()
    operation()
    return time.process_time() - started


if __name__ == "__main__":
    main()
