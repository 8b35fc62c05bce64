"""Files too large for memory are read part by part, with the same rows as files read whole."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from growlearn.domain.errors import Unavailable
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest import formats, mapped_table, rows, spool
from growlearn.ingest.label_join import with_labels
from growlearn.ingest.mapped_table import split_csv
from growlearn.ingest.rows import from_parquet, to_parquet
from growlearn.ingest.table_rows import parse_file

SCHEMA = Schema(
    inputs={"x": InputColumn(type=InputType.NUMBER), "c": InputColumn(type=InputType.CATEGORY)}, label="y"
)


def table_of(count: int) -> Any:
    rng = np.random.default_rng(0)
    names = ['a, "b"', "two\nlines", "plain", "Zürich"]
    return pa.table(
        {
            "unused": pa.array(rng.normal(size=count)),
            "c": pa.array([names[index] for index in rng.integers(0, 4, count)]),
            "x": pa.array(rng.normal(size=count)),
            "y": pa.array(rng.integers(0, 3, count)),
        }
    )


def as_parquet(table: Any, sink: Any) -> None:
    pq.write_table(table, sink, row_group_size=70)


def as_arrow_file(table: Any, sink: Any) -> None:
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=70)


def as_arrow_stream(table: Any, sink: Any) -> None:
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=70)


WRITERS: dict[str, Callable[[Any, Any], None]] = {
    "a.parquet": as_parquet,
    "a.arrow": as_arrow_file,
    "a.ipc": as_arrow_stream,
    "a.feather": lambda table, sink: feather.write_feather(table, sink, compression="lz4"),
    "a.csv": pacsv.write_csv,
}


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (formats, spool, rows):
        monkeypatch.setattr(module, "SPOOL_BYTES", 500)
    monkeypatch.setattr(rows, "_CHUNK_ROWS", 64)
    monkeypatch.setattr(mapped_table, "_CSV_BLOCK_BYTES", 300)


@pytest.mark.parametrize("name", WRITERS)
def test_a_large_file_gives_the_rows_and_the_snapshot_of_a_small_one(
    name: str, request: pytest.FixtureRequest
) -> None:
    sink = io.BytesIO()
    WRITERS[name](table_of(400), sink)
    whole = parse_file({name: sink.getvalue()}, SCHEMA)
    stored = to_parquet(whole.rows, SCHEMA)
    request.getfixturevalue("small_memory")
    mapped = parse_file({name: memoryview(sink.getvalue())}, SCHEMA)
    assert isinstance(to_parquet(mapped.rows, SCHEMA), memoryview)
    assert bytes(to_parquet(mapped.rows, SCHEMA)) == stored
    assert mapped.source_rows.tolist() == whole.source_rows.tolist()
    assert mapped.rows.labels.tolist() == whole.rows.labels.tolist()


@pytest.mark.usefixtures("small_memory")
def test_rows_stored_in_many_row_groups_are_read_back_and_taken_from(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = io.BytesIO()
    as_parquet(table_of(700), sink)
    some = parse_file({"a.parquet": sink.getvalue()}, SCHEMA).rows
    monkeypatch.setattr(rows, "_GROUP_BYTES", 1)
    stored = to_parquet(some, SCHEMA)
    assert pq.ParquetFile(pa.BufferReader(stored)).metadata.num_row_groups == 3
    back = from_parquet(stored, SCHEMA)
    chosen = np.arange(0, len(some), 3)
    for one, other in zip(some.take(chosen).columns(), back.take(chosen).columns(), strict=True):
        assert one.tolist() == other.tolist()
    assert [len(part) for part in back.slices(300)] == [300, 300, 100]


@pytest.mark.parametrize("seed", range(20))
def test_csv_is_cut_between_records_whatever_its_fields_hold(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped_table, "_CSV_BLOCK_BYTES", 60)
    rng = random.Random(seed)
    alphabet = ["a", "b", ",", "\n", '"', "é", "\r\n"]
    cells = [["".join(rng.choices(alphabet, k=rng.randint(0, 9))) for _ in range(2)] for _ in range(80)]
    records = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells]
    content = ("one,two\n" + "\n".join(records) + "\n").encode()
    parts = list(split_csv(content))
    assert len(parts) > 20
    whole = b"one,two\n" + b"".join(part.removeprefix(b"one,two\n") for part in parts)
    assert whole == content
    for part in parts:
        assert part.count(b'"') % 2 == 0
        assert part.endswith(b'"\n')


@pytest.mark.parametrize(
    "content",
    [
        b'size,y\n12",1\n' * 30,
        "a,b\n1,2\n".encode("utf-16") * 30,
        "\u4e2d,b\n".encode("utf-16") + "1,2\n".encode("utf-16-le") * 30,
        b"a,b\r1,2\r" * 30,
        b"a,b\r1,2\r" + b"1,2\n" * 30,
        b"\na,b\n" + b"1,2\n" * 30,
        b"a,b\n",
    ],
    ids=[
        "a quote as inch",
        "utf-16",
        "wide utf-16",
        "old line ends",
        "mixed",
        "blank first line",
        "only names",
    ],
)
def test_csv_that_cannot_be_cut_is_left_whole(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped_table, "_CSV_BLOCK_BYTES", 50)
    assert list(split_csv(content)) == [content]


def test_a_full_disk_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", fail)
    with pytest.raises(
        Unavailable, match="the disk is full: rows cannot be written to temporary files"
    ) as caught:
        spool.allocate((spool.SPOOL_BYTES,), np.uint8)
    assert "TMPDIR" in str(caught.value.hint)


@pytest.mark.usefixtures("small_memory")
def test_labels_that_come_late_give_the_snapshot_of_rows_that_had_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sink = io.BytesIO()
    as_parquet(table_of(700), sink)
    labelled = parse_file({"a.parquet": sink.getvalue()}, SCHEMA).rows
    unlabelled = replace(labelled, labels=np.full(len(labelled), None, dtype=object))
    monkeypatch.setattr(rows, "_GROUP_BYTES", 1)
    stored = with_labels(to_parquet(unlabelled, SCHEMA), "y", labelled.labels)
    assert bytes(stored) == bytes(to_parquet(labelled, SCHEMA))
