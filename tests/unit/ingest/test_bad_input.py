"""Every kind of bad input leads to a clear reason, and the next good file is ingested."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.store import MemoryStore
from growlearn.adapters.sources import open_source
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import IngestResult, SourceFile, WindowState
from growlearn.ingest.source_ingest import ingest_new_files
from growlearn.ports import Source

SCHEMA = Schema(
    inputs={
        "image": InputColumn(type=InputType.IMAGE, shape=(1, 4, 4)),
        "x": InputColumn(type=InputType.NUMBER),
    }
)


def image(seed: int, width: int = 4, height: int = 4) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG")
    return sink.getvalue()


def table(n: int = 6, start: int = 0, **changes: Any) -> pa.Table:
    columns: dict[str, Any] = {
        "image": [image(start + i) for i in range(n)],
        "x": [float(i) for i in range(n)],
        "label": [i % 2 for i in range(n)],
    }
    return pa.table(columns | changes)


def parquet(rows: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(rows, sink)
    return sink.getvalue()


def with_cell(name: str, row: int, value: Any, n: int = 6) -> bytes:
    rows = table(n)
    cells = rows.column(name).to_pylist()
    cells[row] = value
    return parquet(rows.set_column(rows.column_names.index(name), name, pa.array(cells)))


def flipped_pixels() -> bytes:
    """A PNG whose pixel data was damaged in place."""
    content = bytearray(image(1))
    content[-20] ^= 0xFF
    return bytes(content)


def text_image() -> list[Any]:
    return ["not an image"] * 6


WHOLE_FILES: Mapping[str, tuple[str, bytes, str]] = {
    "an empty file": ("a.parquet", b"", r"the file is empty \(0 bytes\)"),
    "an empty CSV": ("a.csv", b"", r"the file is empty \(0 bytes\)"),
    "truncated Parquet": ("a.parquet", parquet(table())[:-40], r"not valid Parquet: .*magic bytes"),
    "truncated Arrow": ("a.arrow", b"ARROW1\x00\x00\xff\xff", r"not valid Arrow: "),
    "damaged Parquet": (
        "a.parquet",
        parquet(table())[:8] + b"\x00" * 400 + parquet(table())[408:],
        r"not valid Parquet: ",
    ),
    "a text file named .parquet": ("a.parquet", b"Dear all, the data follows.\n", r"not valid Parquet: "),
    "bytes named .csv": ("a.csv", bytes(range(256)) * 4, r"not valid CSV: "),
    "an unknown suffix": ("a.xlsx", b"PK", r"unknown kind \(\.xlsx\); known are \.parquet, .*image-folder"),
    "no suffix": ("README", b"hello", r"unknown kind \(no suffix\)"),
    "a table without rows": ("a.parquet", parquet(table(0)), "the file has no rows"),
    "a CSV with a header only": ("a.csv", b"image,x,label\n", "the file has no rows"),
    "a misspelt column": (
        "a.parquet",
        parquet(table().rename_columns(["imgae", "x", "label"])),
        r"column 'image' is missing \(did you mean 'imgae'\?\); the file has 'imgae', 'x', 'label'",
    ),
    "a misspelt label": (
        "a.parquet",
        parquet(table().rename_columns(["image", "x", "Labels"])),
        r"column 'label' is missing \(did you mean 'Labels'\?\)",
    ),
    "other columns": (
        "a.parquet",
        parquet(pa.table({"a": [1], "b": [2]})),
        r"column 'image' is missing; column 'x' is missing; the file has 'a', 'b'",
    ),
    "a column twice": (
        "a.parquet",
        parquet(pa.table([[1.0], [2.0], [image(0)], [1]], names=["x", "x", "image", "label"])),
        r"column 'x' appears more than once in the file",
    ),
    "text for numbers": (
        "a.parquet",
        parquet(table(x=["1", "2", "3", "4", "5", "6"])),
        r"column 'x' is string; wanted numbers",
    ),
    "text for images": (
        "a.parquet",
        parquet(table(image=text_image())),
        r"column 'image' is string; wanted images: PNG or JPEG bytes",
    ),
    "a label of lists": (
        "a.parquet",
        parquet(table(label=[[1]] * 6)),
        r"label column 'label' is list<.*int64>; labels must be integers, strings or booleans",
    ),
    "a label of structs": (
        "a.parquet",
        parquet(table(label=[{"a": 1}] * 6)),
        r"label column 'label' is struct<.*>; labels must be",
    ),
    "a label of times": (
        "a.parquet",
        parquet(table(label=pa.array([0] * 6, pa.time32("s")))),
        r"label column 'label' is time32\[.*\]; labels must be",
    ),
    "a label of fractions": (
        "a.parquet",
        parquet(table(label=[0.5] * 6)),
        r"label column 'label' holds numbers that are not whole, such as 0.5; labels must be",
    ),
}

ROWS: Mapping[str, tuple[bytes, int, str]] = {
    "an infinite number": (with_cell("x", 3, float("inf")), 3, "x is infinite"),
    "minus infinity": (with_cell("x", 3, float("-inf")), 3, "x is infinite"),
    "a missing image": (with_cell("image", 1, None), 1, "image is missing"),
    "an image of another size": (
        with_cell("image", 4, image(9, width=7, height=5)),
        4,
        "image has the wrong size: 7x5, wanted 4x4 (width x height)",
    ),
    "a corrupt PNG, cut short": (
        with_cell("image", 5, image(1)[:-30]),
        5,
        "image is corrupt (cut short, or its checksum is wrong)",
    ),
    "a corrupt PNG, bytes flipped": (
        with_cell("image", 5, flipped_pixels()),
        5,
        "image is corrupt (cut short, or its checksum is wrong)",
    ),
    "text for one image": (with_cell("image", 5, b"hello"), 5, "image is corrupt (neither PNG nor JPEG)"),
    "a 0-byte image": (with_cell("image", 0, b""), 0, "image is empty (0 bytes)"),
}


class Folder:
    """A real folder under a stream in memory."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "incoming"
        self.path.mkdir()
        spec = SourceConfig(url=str(self.path), min_file_age_s=0)
        self.store, self.clock = MemoryStore(), ManualClock()
        self.stream = self.store.apply(Job(name="s", source=spec, schema=SCHEMA), self.clock.now())
        self.source: Source = open_source(spec, self.clock)
        self.artifacts = MemoryArtifacts()

    def tick(self) -> tuple[IngestResult, ...]:
        return ingest_new_files(self.stream, self.source, self.store, self.artifacts, self.clock)

    def good_file_is_ingested(self) -> bool:
        """Drop a good file behind the bad one: it alone is new, and it is accepted."""
        (self.path / "zz-good.parquet").write_bytes(parquet(table(6, start=100)))
        (result,) = self.tick()
        return [window.state for window in result.windows] == [WindowState.ACCEPTED]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.parametrize("case", WHOLE_FILES)
def test_a_bad_file_is_quarantined_whole_and_the_stream_goes_on(case: str, folder: Folder) -> None:
    name, content, reason = WHOLE_FILES[case]
    (folder.path / name).write_bytes(content)
    ((window,),) = [result.windows for result in folder.tick()]
    assert window.state is WindowState.QUARANTINED
    assert window.snapshot is None
    assert re.search(reason, window.reason or ""), window.reason
    assert folder.good_file_is_ingested()


@pytest.mark.parametrize("case", ROWS)
def test_a_bad_row_is_rejected_alone(case: str, folder: Folder) -> None:
    content, row, reason = ROWS[case]
    (folder.path / "a.parquet").write_bytes(content)
    (result,) = folder.tick()
    assert [(bad.row, bad.reason) for bad in result.bad_rows] == [(row, reason)]
    (window,) = result.windows
    assert (window.state, window.rows, window.quarantined_rows) == (WindowState.ACCEPTED, 5, 1)
    kind = re.split(r": | \(| of row", reason)[0]
    assert window.reason == f"1 row rejected: 1 {kind}"
    assert list(folder.store.bad_rows("s", "w1")) == list(result.bad_rows)
    assert folder.good_file_is_ingested()


LISTS = Schema(
    inputs={
        "words": InputColumn(type=InputType.TOKENS, vocabulary=100, length=3),
        "trace": InputColumn(type=InputType.SERIES, shape=(2, 1)),
    }
)
GOOD_LISTS: Mapping[str, list[Any]] = {
    "words": [[1, 2], [3], [4, 5, 6, 7]],
    "trace": [[0.5, 1.0], [1.5, 2.0], [2.5, 3.0]],
    "label": [0, 1, 0],
}


@pytest.mark.parametrize(
    ("name", "cell", "reason"),
    [
        ("words", [1, 100], "words has an id outside 0..99: 100 at place 1"),
        ("words", None, "words is missing"),
        ("trace", [1.0, 2.0, 3.0], "trace has the wrong size: lists of 3 where 2 are wanted"),
        ("trace", [1.0, float("nan")], "trace has missing, NaN or infinite values"),
    ],
)
def test_a_bad_list_rejects_its_row_alone(name: str, cell: Any, reason: str, folder: Folder) -> None:
    folder.stream = replace(folder.stream, job=replace(folder.stream.job, schema=LISTS))
    cells = [GOOD_LISTS[name][0], cell, GOOD_LISTS[name][2]]
    (folder.path / "a.parquet").write_bytes(parquet(pa.table({**GOOD_LISTS, name: cells})))
    (result,) = folder.tick()
    assert [(bad.row, bad.reason) for bad in result.bad_rows] == [(1, reason)]
    (window,) = result.windows
    assert (window.state, window.rows, window.quarantined_rows) == (WindowState.ACCEPTED, 2, 1)


@pytest.mark.parametrize(
    ("name", "cells", "reason"),
    [
        (
            "words",
            ["to be", "or not", "to be"],
            r"column 'words' holds text such as 'to be'; .*tokenise text",
        ),
        ("words", [[0.5], [1.5], [2.5]], r"3 words has an id that is no whole number"),
        ("trace", [1.0, 2.0, 3.0], r"column 'trace' is double; wanted lists of 2 steps of 1 numbers"),
    ],
)
def test_a_file_whose_lists_are_all_bad_is_quarantined(
    name: str, cells: Any, reason: str, folder: Folder
) -> None:
    folder.stream = replace(folder.stream, job=replace(folder.stream.job, schema=LISTS))
    (folder.path / "a.parquet").write_bytes(parquet(pa.table({**GOOD_LISTS, name: cells})))
    ((window,),) = [result.windows for result in folder.tick()]
    assert window.state is WindowState.QUARANTINED
    assert re.search(reason, window.reason or ""), window.reason


def test_a_file_none_of_whose_rows_can_be_used_is_quarantined_with_the_most_frequent_reason(
    folder: Folder,
) -> None:
    rows = table(image=[b"", *[b"hello"] * 5])
    (folder.path / "a.parquet").write_bytes(parquet(rows))
    (result,) = folder.tick()
    (window,) = result.windows
    assert (window.state, window.rows, window.quarantined_rows) == (WindowState.QUARANTINED, 0, 6)
    assert window.reason == "no usable row: 6 rows rejected: 5 image is corrupt, 1 image is empty"
    assert len(result.bad_rows) == 6
    assert folder.good_file_is_ingested()


def test_a_symbolic_link_out_of_the_folder_is_quarantined_and_never_opened(
    folder: Folder, tmp_path: Path
) -> None:
    (tmp_path / "secret.parquet").write_bytes(parquet(table()))
    (folder.path / "a.parquet").symlink_to(tmp_path / "secret.parquet")
    (result,) = folder.tick()
    (window,) = result.windows
    assert window.state is WindowState.QUARANTINED
    assert window.reason == "a.parquet is a symbolic link that leads out of the folder; it was not opened"
    assert result.sha256 is None
    assert folder.good_file_is_ingested()


def test_a_file_that_vanishes_is_skipped_and_read_when_it_comes_back(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder.path / "a.parquet"
    path.write_bytes(parquet(table()))
    listing = folder.source.files

    def listed_then_gone(*known: Any) -> Any:
        files = listing(*known)
        path.unlink(missing_ok=True)
        return files

    with monkeypatch.context() as patch:
        patch.setattr(folder.source, "files", listed_then_gone)
        assert folder.tick() == ()
    path.write_bytes(parquet(table()))  # as from a disk that was not mounted
    ((window,),) = [result.windows for result in folder.tick()]
    assert window.state is WindowState.ACCEPTED


def test_a_file_that_grows_while_it_is_read_is_left_for_the_next_tick(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder.path / "a.parquet"
    path.write_bytes(parquet(table())[:100])
    listing = folder.source.files

    def listed_then_written(*known: Any) -> Any:
        files = listing(*known)
        path.write_bytes(parquet(table()))
        return files

    monkeypatch.setattr(folder.source, "files", listed_then_written)
    assert folder.tick() == ()
    assert not folder.store.windows("s")
    monkeypatch.undo()
    ((window,),) = [result.windows for result in folder.tick()]
    assert window.state is WindowState.ACCEPTED


@pytest.mark.parametrize("make", [lambda: table(6, label=[1] * 6), lambda: table(1)])
def test_a_single_class_window_and_a_window_of_one_row_are_accepted(
    make: Callable[[], pa.Table], folder: Folder
) -> None:
    (folder.path / "a.parquet").write_bytes(parquet(make()))
    ((window,),) = [result.windows for result in folder.tick()]
    assert window.state is WindowState.ACCEPTED
    assert window.reason is None
    assert folder.good_file_is_ingested()


def test_the_same_file_under_another_name_is_quarantined_naming_the_first(folder: Folder) -> None:
    for name in ("a.parquet", "b.parquet"):
        (folder.path / name).write_bytes(parquet(table()))
    first, second = (result.windows[0] for result in folder.tick())
    assert first.state is WindowState.ACCEPTED
    assert (second.state, second.reason) == (
        WindowState.QUARANTINED,
        "same content as a.parquet, ingested before",
    )
    assert folder.good_file_is_ingested()


def test_a_file_on_which_the_reader_fails_is_quarantined_too(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> SourceFile:
        raise IndexError("unforeseen")

    (folder.path / "a.parquet").write_bytes(parquet(table()))
    monkeypatch.setattr("growlearn.ingest.ingest.parse_raw_table", fail)
    ((window,),) = [result.windows for result in folder.tick()]
    assert window.state is WindowState.QUARANTINED
    assert "could not be understood: IndexError: unforeseen" in (window.reason or "")
    monkeypatch.undo()
    assert folder.good_file_is_ingested()
