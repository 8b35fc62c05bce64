"""A small file that claims to be a large one is quarantined before it is decoded; others are taken in."""

from __future__ import annotations

import logging
import os
import re
import resource
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from growlearn.adapters.memory.store import MemoryStore
from growlearn.app.apply_job import Allowed, apply_job
from growlearn.domain.errors import InvalidFile, JobError
from growlearn.domain.file_limits import FileLimits
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.window import WindowState
from growlearn.ingest.formats import load_all_columns, load_raw_table
from growlearn.ingest.source_ingest import ingest_new_files
from growlearn.ingest.table_rows import load_selected_columns
from tests.unit.ingest.expanding_files import (
    EXPANDING,
    LARGE_IMAGES,
    NUMBER,
    constant_parquet,
    good_file,
    parquet,
    stream,
)

_BYTES = 4 * 2**30


@pytest.fixture
def little_memory() -> Iterator[None]:
    """At most 4 GiB more than this process has reserved already."""
    status = Path("/proc/self/statm")
    if not status.exists():
        yield
        return
    reserved = int(status.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (reserved + _BYTES, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.parametrize("case", EXPANDING)
@pytest.mark.usefixtures("little_memory")
def test_it_is_quarantined_and_the_next_file_is_taken_in(case: str, make_stream: Callable[..., Any]) -> None:
    schema, name, make, reason = EXPANDING[case]
    files: dict[str, bytes] = {f"in/{name}": make()}
    if schema is not LARGE_IMAGES:
        files["in/good.parquet"] = good_file(schema)
    world = make_stream(schema)
    bad, *good = world.ingest(files)
    (window,) = bad.windows
    assert window.state is WindowState.QUARANTINED
    assert window.reason is not None
    assert re.search(reason, window.reason), window.reason
    assert len(window.reason) <= 1_000
    assert [result.rows for result in good] == [2] * len(good)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (FileLimits(max_rows=9), "10 rows; at most 9 are read .*setting max_file_rows"),
        (FileLimits(max_bytes=79), "160 bytes once it is decoded; at most 79 bytes .*setting max_file_bytes"),
    ],
)
def test_the_limits_are_settings(limits: FileLimits, reason: str) -> None:
    content = parquet(pa.table({"x": np.zeros(10), "label": np.zeros(10)}))
    with pytest.raises(InvalidFile, match=reason):
        load_raw_table({"a.parquet": content}, NUMBER, limits=limits)
    with pytest.raises(InvalidFile, match=r"rows|bytes"):
        load_all_columns("a.parquet", content, limits)
    load_raw_table({"a.parquet": content}, NUMBER)


def test_a_small_file_of_many_sound_rows_is_read_part_by_part() -> None:
    raw = load_raw_table({"a.parquet": constant_parquet(9_000_000, 9, compression="zstd")}, NUMBER)
    assert (raw.table.num_rows, raw.mapped is not None) == (9_000_000, True)


def test_a_dictionary_has_the_labels_that_its_rows_have(make_stream: Callable[..., Any]) -> None:
    labels = pa.DictionaryArray.from_arrays(pa.array([2, 0, None, 2], pa.int8()), pa.array(["7", "no", "3"]))
    batch = pa.RecordBatch.from_arrays([pa.array(np.arange(4.0)), labels], ["x", "label"])
    world = make_stream(NUMBER)
    world.ingest({"in/a.arrow": stream(batch, batch)})
    assert world.windows[0].labelled == 6
    (result,) = world.ingest({"in/b.csv": b"x,label\n1,3\n2,7\n"})
    assert result.windows[0].state is WindowState.ACCEPTED  # integers, as those: "no" has no row


def test_a_shortage_of_memory_is_no_bad_file(
    make_stream: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Arrow's own error and NumPy's: the file is named, left as it is, and read at the next tick."""
    load, errors = load_selected_columns, [pa.ArrowMemoryError("malloc failed"), MemoryError()]

    def fail_at_first(blobs: Mapping[str, bytes], *others: Any, **more: Any) -> Any:
        if "a.parquet" in blobs and errors:
            raise errors.pop()
        return load(blobs, *others, **more)

    monkeypatch.setattr("growlearn.ingest.ingest.load_selected_columns", fail_at_first)
    world = make_stream(NUMBER)
    files = {"in/a.parquet": good_file(NUMBER), "in/b.csv": b"x,label\n1,0\n"}
    (taken,) = world.ingest(files)
    assert taken.file.url == "in/b.csv"
    assert caplog.messages == ["a.parquet needs more memory than there is now; left for the next tick"]
    assert world.ingest(files) == ()
    (later,) = world.ingest(files)
    assert (later.file.url, later.rows) == ("in/a.parquet", 2)


def test_a_file_that_vanishes_is_named(
    make_stream: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    world = make_stream(NUMBER)
    listed = [world.source]
    world.source.put("in/a.parquet", good_file(NUMBER))
    files = world.source.files()
    world.source.remove("in/a.parquet")

    class Listed:
        def files(self, known: Any = ()) -> Any:
            return files

        def read(self, file: Any) -> Any:
            return listed[0].read(file)

    assert ingest_new_files(world.stream, Listed(), world.store, world.artifacts, world.clock) == ()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message == "in/a.parquet vanished between listing and reading; left for the next tick"


def test_apply_refuses_a_schema_whose_rows_cannot_fit() -> None:
    job = Job(name="a", source=SourceConfig(url="/in"), schema=LARGE_IMAGES)
    with pytest.raises(JobError, match=r"a row .* has 1.1 GiB, most of it in input 'x'; at most 64.0 MiB"):
        apply_job(MemoryStore(), job)
    assert apply_job(MemoryStore(), job, Allowed(FileLimits(max_row_bytes=2**31))).created
