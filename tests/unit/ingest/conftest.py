"""Small streams, files and images for the ingest tests."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.source import MemorySource
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.job import Job, SourceConfig, WindowingConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import Stream
from growlearn.domain.window import IngestResult, SourceFile, Window
from growlearn.ingest.history import IngestHistory
from growlearn.ingest.ingest import ingest_file
from growlearn.ingest.source_ingest import ingest_new_files


@pytest.fixture
def png() -> Callable[..., bytes]:
    """A PNG or JPEG of this size, mode and seed."""

    def make(width: int = 4, height: int = 4, mode: str = "L", seed: int = 0, form: str = "PNG") -> bytes:
        channels = len(Image.new(mode, (1, 1)).getbands())
        pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
        image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels, mode=None)
        sink = io.BytesIO()
        image.save(sink, form)
        return sink.getvalue()

    return make


@pytest.fixture
def parquet() -> Callable[[Any], bytes]:
    """Columns (or a table) as a Parquet file."""

    def make(columns: Any) -> bytes:
        sink = io.BytesIO()
        pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), sink)
        return sink.getvalue()

    return make


@pytest.fixture
def image_schema() -> Schema:
    """One 4x4 greyscale image and a label."""
    return Schema(inputs={"image": InputColumn(type=InputType.IMAGE, shape=(1, 4, 4))})


@pytest.fixture
def table_schema() -> Schema:
    """A number, a category and a label."""
    return Schema(
        inputs={"x": InputColumn(type=InputType.NUMBER), "colour": InputColumn(type=InputType.CATEGORY)},
        label="y",
    )


@pytest.fixture
def task_schema() -> Schema:
    """A number, a label and a task."""
    return Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, label="y", task="task")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class MemoryStream:
    """One stream in memory, and the files of its source."""

    def __init__(
        self, schema: Schema, rows: int | None = None, duplicates: Literal["keep", "drop"] = "keep"
    ) -> None:
        self.store, self.artifacts, self.clock = MemoryStore(), MemoryArtifacts(), ManualClock()
        self.source = MemorySource()
        job = Job(
            name="s",
            source=SourceConfig(url="in"),
            schema=schema,
            windowing=WindowingConfig(rows=rows),
            duplicates=duplicates,
        )
        self.stream: Stream = self.store.apply(job, self.clock.now())

    def ingest(self, files: Mapping[str, bytes | Mapping[str, bytes]]) -> tuple[IngestResult, ...]:
        for url, content in files.items():
            self.source.put(url, content)
        return ingest_new_files(self.stream, self.source, self.store, self.artifacts, self.clock)

    @property
    def windows(self) -> list[Window]:
        return list(self.store.windows("s"))


@pytest.fixture
def make_stream() -> Callable[..., MemoryStream]:
    """Creates a stream in memory from its schema, and from the job's windowing.rows and duplicates."""
    return MemoryStream


@pytest.fixture
def one_file() -> Callable[..., IngestResult]:
    """One file ingested alone, nothing written to a store."""

    def make(schema: Schema, blobs: Mapping[str, bytes], windows: tuple[Window, ...] = ()) -> IngestResult:
        job = Job(name="s", source=SourceConfig(url="in"), schema=schema)
        at = datetime(2026, 1, 1, tzinfo=UTC)
        file = SourceFile(url="in/" + next(iter(blobs), "folder"), fingerprint="1", size_bytes=1)
        stream = Stream(job=job, created_at=at)
        return ingest_file(stream, file, lambda: blobs, IngestHistory(windows=windows), MemoryArtifacts(), at)

    return make
