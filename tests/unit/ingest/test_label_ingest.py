"""Labels and rows that arrive in separate files, in either order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growlearn.domain.job import LabelDelayConfig
from growlearn.domain.schema import InputColumn, InputType, Label, Schema
from growlearn.domain.window import BadRow, IngestResult, Verdict, Window, WindowState
from growlearn.ingest.rows import from_parquet, to_parquet
from growlearn.ingest.table_rows import read_table_rows

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, label="y", id_column="id")
ROWS = b"id,x,y\na,1,\nb,2,\nc,3,7\n"


def labels_by_id(stream: Any, window: Window) -> dict[str, Label | None]:
    """Labels by row id in a window's snapshot."""
    assert window.snapshot is not None
    rows = from_parquet(stream.artifacts.get(window.snapshot), SCHEMA)
    assert rows.row_ids is not None
    return dict(zip(rows.row_ids.tolist(), rows.labels.tolist(), strict=True))


def joins(stream: Any) -> list[tuple[str, int]]:
    return [(join.window, join.labels) for join in stream.store.label_joins("s")]


def pending_counts(stream: Any) -> list[int]:
    return [pending.labels for pending in stream.store.pending_labels("s")]


def change_window(stream: Any, number: int, **changes: Any) -> None:
    """Change a window as a cycle would."""
    windows = stream.store._states.get("s").windows
    windows[f"w{number}"] = replace(windows[f"w{number}"], **changes)


def test_labels_fill_what_was_null_in_a_new_snapshot_and_the_old_one_stays(
    make_stream: Callable[..., Any],
) -> None:
    stream = make_stream(SCHEMA)
    stream.ingest({"1.csv": ROWS})
    (before,) = stream.windows
    (result,) = stream.ingest({"2.csv": b"y,id\n5,b\n"})
    (after,) = stream.windows
    assert labels_by_id(stream, before) == {"a": None, "b": None, "c": 7}
    assert labels_by_id(stream, after) == {"a": None, "b": 5, "c": 7}
    assert (before.labelled, after.labelled, after.rows) == (1, 2, 3)
    assert (result.windows, result.note) == ((), "1 label joined to w1")
    assert joins(stream) == [("w1", 1)]


def test_a_new_snapshot_has_the_bytes_its_rows_would_have_had(make_stream: Callable[..., Any]) -> None:
    stream, at_once = make_stream(SCHEMA), make_stream(SCHEMA)
    stream.ingest({"1.csv": ROWS, "2.csv": b"id,y\na,1\nb,2\n"})
    at_once.ingest({"1.csv": b"id,x,y\na,1,1\nb,2,2\nc,3,7\n"})
    assert stream.windows[0].snapshot == at_once.windows[0].snapshot


@pytest.mark.parametrize(
    "kind", [pa.int32(), pa.string(), pa.float64(), pa.decimal128(38, 0), pa.decimal128(38, 2)]
)
def test_whole_numbers_and_text_identify_the_same_rows(
    make_stream: Callable[..., Any], parquet: Callable[[Any], bytes], kind: Any
) -> None:
    stream = make_stream(SCHEMA)
    stream.ingest({"1.csv": b"id,x\n7,1\n12,2\n"})
    row_ids = pa.array([12, 7], pa.int64()).cast(kind)
    stream.ingest({"2.parquet": parquet({"id": row_ids, "y": pa.array([0, 1])})})
    assert labels_by_id(stream, stream.windows[0]) == {"7": 1, "12": 0}


def test_ids_that_pandas_wrote_as_floats_meet_their_labels(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(SCHEMA)
    stream.ingest({"1.csv": b"id,x\n7.0,1\n,2\n12.0,3\n", "2.csv": b"id,y\n12,1\n7,0\n"})
    assert labels_by_id(stream, stream.windows[0]) == {"7": 0, "12": 1}


def test_the_note_of_a_label_file_says_which_cells_became_one_label(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(SCHEMA)
    (_, result) = stream.ingest({"1.csv": ROWS, "2.csv": b"id,y\na,1\nb,1.0\n"})
    assert result.note == "2 labels joined to w1; label column 'y': '1' and '1.0' are read as 1"


def test_a_label_that_contradicts_a_known_one_is_rejected_with_both(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(SCHEMA)
    stream.ingest({"1.csv": ROWS})
    (result,) = stream.ingest({"2.csv": b"id,y\nc,7\na,1\n"})
    assert result.note == "1 label joined to w1, 1 known already"
    (result,) = stream.ingest({"3.csv": b"id,y\nb,2\nc,8\n"})
    conflict = BadRow(row=1, reason="y 8 of id 'c': window w1 has 7 already", window="w1")
    assert result.bad_rows == (conflict,)
    assert stream.store.bad_rows("s", "w1") == (conflict,)
    assert labels_by_id(stream, stream.windows[0]) == {"a": 1, "b": 2, "c": 7}


def test_unusable_rows_of_a_label_file_are_rejected(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(SCHEMA)
    stream.ingest({"1.csv": ROWS})
    (result,) = stream.ingest({"2.csv": b"id,y\na,\n,3\nb,1\nb,1\nb,2\n"})
    assert [(bad.row, bad.reason) for bad in result.bad_rows] == [
        (0, "y is missing"),
        (1, "id is missing"),
        (3, "duplicate id of row 2"),
        (4, "duplicate id of row 2 with another label, 2"),
    ]
    assert labels_by_id(stream, stream.windows[0])["b"] == 1


def test_a_label_file_without_a_label_is_quarantined(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(SCHEMA)
    stream.ingest({"2.csv": b"id,y\na,\n"})
    (window,) = stream.windows
    assert (window.state, window.reason) == (
        WindowState.QUARANTINED,
        "no usable row: 1 row rejected: 1 y is missing",
    )


def test_labels_of_another_kind_than_a_windows_are_quarantined_whole(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(SCHEMA)
    stream.ingest({"1.csv": ROWS, "2.csv": b"id,y\na,cat\n"})
    assert "holds text such as 'cat'; the labels of this stream are integers" in stream.windows[1].reason
    assert labels_by_id(stream, stream.windows[0])["a"] is None


def test_labels_that_arrive_before_their_rows_wait_for_them(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(SCHEMA)
    (result,) = stream.ingest({"1.csv": b"id,y\na,1\nb,2\nz,9\n"})
    assert result.note == "0 labels joined, 3 of rows not seen yet, kept until these come"
    assert (stream.windows, pending_counts(stream)) == ([], [3])
    (result,) = stream.ingest({"2.csv": ROWS})
    assert result.note == "2 labels that came earlier met their rows"
    assert labels_by_id(stream, stream.windows[0]) == {"a": 1, "b": 2, "c": 7}
    assert stream.windows[0].labelled == 3
    assert pending_counts(stream) == [1]
    (result,) = stream.ingest({"3.csv": b"id,x,y\nz,3,8\n"})  # has its own label
    assert result.note == "1 label that came earlier dropped, because the row has another one: 'z'"
    assert (labels_by_id(stream, stream.windows[1]), pending_counts(stream)) == ({"z": 8}, [])


def test_pending_labels_sent_twice_wait_once_and_a_contradicting_one_is_rejected(
    make_stream: Callable[..., Any],
) -> None:
    stream = make_stream(SCHEMA)
    stream.ingest({"1.csv": b"id,y\na,1\n"})
    (result,) = stream.ingest({"2.csv": b"id,y\na,1\nb,1\n"})
    assert (result.note, pending_counts(stream)) == (
        "0 labels joined, 1 known already, 1 of rows not seen yet, kept until these come",
        [1, 1],
    )
    (result,) = stream.ingest({"3.csv": b"id,y\na,2\n"})
    assert result.bad_rows == (
        BadRow(row=0, reason="y 2 of id 'a': 1 came before it, and still waits for its row"),
    )


def test_labels_whose_rows_never_arrive_expire_with_a_note(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(SCHEMA)
    stream.stream = replace(
        stream.stream, job=replace(stream.stream.job, label_delay=LabelDelayConfig(timeout="2d"))
    )
    stream.ingest({"1.csv": b"id,y\na,1\nb,1\n"})
    stream.clock.advance(timedelta(days=2, seconds=1).total_seconds())
    (result,) = stream.ingest({"2.csv": b"id,x\na,1\n"})
    assert (result.note, pending_counts(stream)) == ("2 labels expired whose rows never came", [])
    assert labels_by_id(stream, stream.windows[0]) == {"a": None}


def test_a_repeated_row_id_in_a_file_or_an_open_window_is_an_error(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(SCHEMA, rows=4)
    (result,) = stream.ingest({"1.csv": b"id,x,y\na,1,\na,2,\n,3,\nb,1,\n"})
    assert [(bad.row, bad.reason) for bad in result.bad_rows] == [
        (1, "duplicate id of row 0"),
        (2, "id is missing"),
    ]
    (result,) = stream.ingest({"2.csv": b"id,x,y\nb,9,\nc,1,\n"})
    assert [bad.reason for bad in result.bad_rows] == ["duplicate of a row in window w1"]
    assert labels_by_id(stream, stream.windows[0]) == {"a": None, "b": None, "c": None}


def test_rows_with_equal_inputs_and_different_ids_are_two_rows(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(SCHEMA)
    stream.ingest({"1.csv": b"id,x,y\na,1,0\nb,1,0\n"})
    assert stream.windows[0].rows == 2


def test_a_window_that_is_still_open_takes_labels_and_then_more_rows(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(SCHEMA, rows=4)
    stream.ingest({"1.csv": ROWS, "2.csv": b"id,y\na,1\n", "3.csv": b"id,x,y\nd,4,\n"})
    (window,) = stream.windows
    assert (window.state, window.labelled) == (WindowState.ACCEPTED, 2)
    assert labels_by_id(stream, window) == {"a": 1, "b": None, "c": 7, "d": None}


@pytest.mark.parametrize("state", [WindowState.SKIPPED, WindowState.PROMOTED, WindowState.AWAITING_LABELS])
def test_a_window_takes_labels_whatever_its_state_and_keeps_it(
    make_stream: Callable[..., Any], state: WindowState
) -> None:
    stream = make_stream(SCHEMA)
    stream.ingest({"1.csv": ROWS})
    change_window(stream, 1, state=state, verdict=Verdict.STABLE, reason="r")
    stream.ingest({"2.csv": b"id,y\na,1\n"})
    (window,) = stream.windows
    assert (window.state, window.verdict, window.reason, window.labelled) == (state, Verdict.STABLE, "r", 2)


def test_rows_sent_again_get_their_label_where_they_are_newest(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(SCHEMA)
    stream.ingest({"1.csv": ROWS})
    stream.ingest({"2.csv": b"id,x,y\na,1,\nd,2,\n", "3.csv": b"id,y\na,1\n"})
    assert [labels_by_id(stream, window)["a"] for window in stream.windows] == [None, 1]


def test_rows_ingested_before_the_schema_had_an_id_column_stay_as_they_are(
    make_stream: Callable[..., Any],
) -> None:
    stream = make_stream(replace(SCHEMA, id_column=None))
    stream.ingest({"1.csv": ROWS})
    job = replace(stream.stream.job, schema=SCHEMA)
    stream.stream = stream.store.apply(job, stream.clock.now())
    stream.ingest({"2.csv": b"id,y\na,1\n"})
    assert stream.windows[0].labelled == 1
    assert pending_counts(stream) == [1]


def test_without_an_id_column_a_label_file_is_a_file_without_inputs(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(replace(SCHEMA, id_column=None))
    stream.ingest({"2.csv": b"id,y\na,1\n"})
    assert "column 'x' is missing" in stream.windows[0].reason


def test_row_ids_that_floats_cannot_distinguish_are_rejected(
    make_stream: Callable[..., Any], parquet: Callable[[Any], bytes]
) -> None:
    stream = make_stream(SCHEMA)
    stream.ingest({"1.parquet": parquet({"id": [2.0**60, None], "x": [1.0, 2.0]})})
    assert "column 'id' holds 1.15292e+18 as double, which cannot tell such" in stream.windows[0].reason


def test_rows_to_predict_need_no_id() -> None:
    rows, bad = read_table_rows({"a.csv": b"x\n1\n1\n"}, SCHEMA, for_prediction=True)
    assert (len(rows), rows.row_ids, bad) == (2, None, ())


def test_image_folders_have_no_id_column(make_stream: Callable[..., Any], png: Callable[..., bytes]) -> None:
    stream = make_stream(
        Schema(inputs={"i": InputColumn(type=InputType.IMAGE, shape=(1, 4, 4))}, id_column="id")
    )
    stream.ingest({"day": {"cat/1.png": png(), "dog/2.png": png(seed=1)}})
    reason = "a folder of images has no column 'id' for schema.id_column (leave id_column out"
    assert reason in stream.windows[0].reason


class ConcurrentStore:
    """A store that another process writes to between this one's read and its own write."""

    def __init__(self, stream: Any, files: dict[str, bytes]) -> None:
        self.stream, self.files = stream, files
        self.write = stream.store.record_ingest

    def record_ingest(self, ingested: IngestResult) -> bool:
        files, self.files = self.files, {}
        if files:
            self.stream.ingest(files)
        written: bool = self.write(ingested)
        return written


@pytest.mark.parametrize(("own_file", "concurrent_file"), [("1.csv", "2.csv"), ("2.csv", "1.csv")])
def test_rows_and_labels_ingested_at_once_are_joined(
    make_stream: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, own_file: str, concurrent_file: str
) -> None:
    files = {"1.csv": ROWS, "2.csv": b"id,y\na,1\nb,2\n"}
    stream = make_stream(SCHEMA)
    concurrent = ConcurrentStore(stream, {concurrent_file: files[concurrent_file]})
    monkeypatch.setattr(stream.store, "record_ingest", concurrent.record_ingest)
    stream.ingest({own_file: files[own_file]})
    assert labels_by_id(stream, stream.windows[0]) == {"a": 1, "b": 2, "c": 7}
    assert pending_counts(stream) == []


LABELS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), min_size=1)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(LABELS, max_size=4), place=st.integers(0, 4), cut=st.integers(1, 7))
def test_the_order_of_files_does_not_matter(
    make_stream: Callable[..., Any], files: list[dict[str, int]], place: int, cut: int
) -> None:
    """The first label of a row id is its label, whenever its row arrives."""
    names = "abcdefgh"
    rows = [
        "id,x\n" + "".join(f"{name},{ord(name)}\n" for name in part) for part in (names[:cut], names[cut:])
    ]
    labels = ["id,y\n" + "".join(f"{key},{label}\n" for key, label in file.items()) for file in files]
    contents = [*labels[:place], *rows, *labels[place:]]
    stream = make_stream(SCHEMA)
    for number, content in enumerate(contents):
        stream.ingest({f"{number}.csv": content.encode()})
    expected: dict[str, int] = {}
    for file in files:
        expected = {**file, **expected}
    joined = {key: label for window in stream.windows for key, label in labels_by_id(stream, window).items()}
    assert joined == {name: expected.get(name) for name in names}
    assert sum(window.labelled for window in stream.windows) == len(expected)
    assert pending_counts(stream) == []


def test_a_stored_window_keeps_its_row_ids(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(SCHEMA)
    stream.ingest({"1.csv": ROWS})
    content = stream.artifacts.get(stream.windows[0].snapshot)
    rows = from_parquet(content, SCHEMA)
    assert to_parquet(rows, SCHEMA) == content
    assert from_parquet(content, replace(SCHEMA, id_column=None)).row_ids is None
