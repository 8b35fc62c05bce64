"""Labels and rows that come in files of their own, whichever is first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growlearn.domain.job import LabelSpec
from growlearn.domain.schema import Input, InputType, Label, Schema
from growlearn.domain.window import BadRow, IngestedFile, Verdict, Window, WindowState
from growlearn.ingest.rows import from_parquet, to_parquet
from growlearn.ingest.table_rows import read_table_rows

KEYED = Schema(inputs={"x": Input(type=InputType.NUMBER)}, label="y", key="id")
ROWS = b"id,x,y\na,1,\nb,2,\nc,3,7\n"


def known(stream: Any, window: Window) -> dict[str, Label | None]:
    """Labels by key as a window's snapshot has them."""
    assert window.snapshot is not None
    rows = from_parquet(stream.artifacts.get(window.snapshot), KEYED)
    assert rows.ids is not None
    return dict(zip(rows.ids.tolist(), rows.labels.tolist(), strict=True))


def joins(stream: Any) -> list[tuple[str, int]]:
    return [(join.window, join.labels) for join in stream.store.label_joins("s")]


def early(stream: Any) -> list[int]:
    return [each.labels for each in stream.store.early_labels("s")]


def put(stream: Any, number: int, **changes: Any) -> None:
    """Bring a window to where a cycle would."""
    kept = stream.store._kept["s"]
    kept.windows[f"w{number}"] = replace(kept.windows[f"w{number}"], **changes)


def test_labels_fill_what_was_null_in_a_new_snapshot_and_the_old_one_stays(
    intake: Callable[..., Any],
) -> None:
    stream = intake(KEYED)
    stream.take_in({"1.csv": ROWS})
    (before,) = stream.windows
    (taken,) = stream.take_in({"2.csv": b"y,id\n5,b\n"})
    (after,) = stream.windows
    assert known(stream, before) == {"a": None, "b": None, "c": 7}
    assert known(stream, after) == {"a": None, "b": 5, "c": 7}
    assert (before.labelled, after.labelled, after.rows) == (1, 2, 3)
    assert (taken.windows, taken.note) == ((), "1 label joined to w1")
    assert joins(stream) == [("w1", 1)]


def test_a_new_snapshot_has_the_bytes_its_rows_would_have_had(intake: Callable[..., Any]) -> None:
    stream, at_once = intake(KEYED), intake(KEYED)
    stream.take_in({"1.csv": ROWS, "2.csv": b"id,y\na,1\nb,2\n"})
    at_once.take_in({"1.csv": b"id,x,y\na,1,1\nb,2,2\nc,3,7\n"})
    assert stream.windows[0].snapshot == at_once.windows[0].snapshot


@pytest.mark.parametrize("kind", [pa.int32(), pa.string(), pa.float64()])
def test_whole_numbers_and_text_name_the_same_rows(
    intake: Callable[..., Any], parquet: Callable[[Any], bytes], kind: Any
) -> None:
    stream = intake(KEYED)
    stream.take_in({"1.csv": b"id,x\n7,1\n12,2\n"})
    keys = pa.array([12, 7], pa.int64()).cast(kind)
    stream.take_in({"2.parquet": parquet({"id": keys, "y": pa.array([0, 1])})})
    assert known(stream, stream.windows[0]) == {"7": 1, "12": 0}


def test_a_label_that_is_known_and_another_is_refused_and_told_which(intake: Callable[..., Any]) -> None:
    stream = intake(KEYED)
    stream.take_in({"1.csv": ROWS})
    (taken,) = stream.take_in({"2.csv": b"id,y\nc,7\na,1\n"})
    assert taken.note == "1 label joined to w1, 1 known already"
    (taken,) = stream.take_in({"3.csv": b"id,y\nb,2\nc,8\n"})
    refused = BadRow(row=1, reason="y 8 of id 'c': window w1 has 7 already", window="w1")
    assert taken.bad_rows == (refused,)
    assert stream.store.bad_rows("s", "w1") == (refused,)
    assert known(stream, stream.windows[0]) == {"a": 1, "b": 2, "c": 7}


def test_the_rows_of_a_label_file_that_say_nothing_are_kept_out(intake: Callable[..., Any]) -> None:
    stream = intake(KEYED)
    stream.take_in({"1.csv": ROWS})
    (taken,) = stream.take_in({"2.csv": b"id,y\na,\n,3\nb,1\nb,1\nb,2\n"})
    assert [(bad.row, bad.reason) for bad in taken.bad_rows] == [
        (0, "y is missing"),
        (1, "id is missing"),
        (3, "duplicate id of row 2"),
        (4, "duplicate id of row 2 with another label, 2"),
    ]
    assert known(stream, stream.windows[0])["b"] == 1


def test_a_label_file_without_a_label_is_quarantined(intake: Callable[..., Any]) -> None:
    stream = intake(KEYED)
    stream.take_in({"2.csv": b"id,y\na,\n"})
    (window,) = stream.windows
    assert (window.state, window.reason) == (
        WindowState.QUARANTINED,
        "no usable row: 1 row kept out: 1 y is missing",
    )


def test_labels_of_another_kind_than_a_windows_are_quarantined_whole(intake: Callable[..., Any]) -> None:
    stream = intake(KEYED)
    stream.take_in({"1.csv": ROWS, "2.csv": b"id,y\na,cat\n"})
    assert "labels are of another kind, integers or text, than those of w1" in stream.windows[1].reason
    assert known(stream, stream.windows[0])["a"] is None


def test_labels_that_come_before_their_rows_wait_for_them(intake: Callable[..., Any]) -> None:
    stream = intake(KEYED)
    (taken,) = stream.take_in({"1.csv": b"id,y\na,1\nb,2\nz,9\n"})
    assert taken.note == "0 labels joined, 3 of rows not seen yet, kept until these come"
    assert (stream.windows, early(stream)) == ([], [3])
    (taken,) = stream.take_in({"2.csv": ROWS})
    assert taken.note == "2 labels that came earlier met their rows"
    assert known(stream, stream.windows[0]) == {"a": 1, "b": 2, "c": 7}
    assert stream.windows[0].labelled == 3
    assert early(stream) == [1]
    stream.take_in({"3.csv": b"id,x,y\nz,3,8\n"})  # brings its own label
    assert (known(stream, stream.windows[1]), early(stream)) == ({"z": 8}, [])


def test_early_labels_sent_twice_wait_once_and_another_one_is_refused(intake: Callable[..., Any]) -> None:
    stream = intake(KEYED)
    stream.take_in({"1.csv": b"id,y\na,1\n"})
    (taken,) = stream.take_in({"2.csv": b"id,y\na,1\nb,1\n"})
    assert (taken.note, early(stream)) == (
        "0 labels joined, 1 known already, 1 of rows not seen yet, kept until these come",
        [1, 1],
    )
    (taken,) = stream.take_in({"3.csv": b"id,y\na,2\n"})
    assert taken.bad_rows == (
        BadRow(row=0, reason="y 2 of id 'a': 1 came before it, and still waits for its row"),
    )


def test_labels_whose_rows_never_come_are_forgotten_and_that_is_told(intake: Callable[..., Any]) -> None:
    stream = intake(KEYED)
    stream.stream = replace(stream.stream, job=replace(stream.stream.job, labels=LabelSpec(wait="2d")))
    stream.take_in({"1.csv": b"id,y\na,1\nb,1\n"})
    stream.clock.advance(timedelta(days=2, seconds=1).total_seconds())
    (taken,) = stream.take_in({"2.csv": b"id,x\na,1\n"})
    assert (taken.note, early(stream)) == ("2 labels forgotten whose rows never came", [])
    assert known(stream, stream.windows[0]) == {"a": None}


def test_a_key_that_stands_twice_in_a_file_or_an_open_window_is_a_flaw(intake: Callable[..., Any]) -> None:
    stream = intake(KEYED, rows=4)
    (taken,) = stream.take_in({"1.csv": b"id,x,y\na,1,\na,2,\n,3,\nb,1,\n"})
    assert [(bad.row, bad.reason) for bad in taken.bad_rows] == [
        (1, "duplicate id of row 0"),
        (2, "id is missing"),
    ]
    (taken,) = stream.take_in({"2.csv": b"id,x,y\nb,9,\nc,1,\n"})
    assert [bad.reason for bad in taken.bad_rows] == ["duplicate of a row in window w1"]
    assert known(stream, stream.windows[0]) == {"a": None, "b": None, "c": None}


def test_rows_of_the_same_inputs_are_two_where_their_keys_are(intake: Callable[..., Any]) -> None:
    stream = intake(KEYED)
    stream.take_in({"1.csv": b"id,x,y\na,1,0\nb,1,0\n"})
    assert stream.windows[0].rows == 2


def test_a_window_that_is_still_open_takes_labels_and_then_more_rows(intake: Callable[..., Any]) -> None:
    stream = intake(KEYED, rows=4)
    stream.take_in({"1.csv": ROWS, "2.csv": b"id,y\na,1\n", "3.csv": b"id,x,y\nd,4,\n"})
    (window,) = stream.windows
    assert (window.state, window.labelled) == (WindowState.ACCEPTED, 2)
    assert known(stream, window) == {"a": 1, "b": None, "c": 7, "d": None}


@pytest.mark.parametrize("state", [WindowState.SETTLED, WindowState.PROMOTED, WindowState.WAITING])
def test_a_window_takes_labels_whatever_its_state_and_keeps_it(
    intake: Callable[..., Any], state: WindowState
) -> None:
    stream = intake(KEYED)
    stream.take_in({"1.csv": ROWS})
    put(stream, 1, state=state, verdict=Verdict.STABLE, reason="r")
    stream.take_in({"2.csv": b"id,y\na,1\n"})
    (window,) = stream.windows
    assert (window.state, window.verdict, window.reason, window.labelled) == (state, Verdict.STABLE, "r", 2)


def test_rows_sent_again_get_their_label_where_they_are_newest(intake: Callable[..., Any]) -> None:
    stream = intake(KEYED)
    stream.take_in({"1.csv": ROWS})
    stream.take_in({"2.csv": b"id,x,y\na,1,\nd,2,\n", "3.csv": b"id,y\na,1\n"})
    assert [known(stream, window)["a"] for window in stream.windows] == [None, 1]


def test_rows_taken_in_before_the_schema_named_a_key_stay_as_they_are(intake: Callable[..., Any]) -> None:
    stream = intake(replace(KEYED, key=None))
    stream.take_in({"1.csv": ROWS})
    job = replace(stream.stream.job, schema=KEYED)
    stream.stream = stream.store.apply(job, stream.clock.now())
    stream.take_in({"2.csv": b"id,y\na,1\n"})
    assert stream.windows[0].labelled == 1
    assert early(stream) == [1]


def test_without_a_key_in_the_schema_a_label_file_is_one_without_inputs(intake: Callable[..., Any]) -> None:
    stream = intake(replace(KEYED, key=None))
    stream.take_in({"2.csv": b"id,y\na,1\n"})
    assert "column 'x' is missing" in stream.windows[0].reason


def test_keys_that_floats_cannot_tell_apart_are_not_trusted(
    intake: Callable[..., Any], parquet: Callable[[Any], bytes]
) -> None:
    stream = intake(KEYED)
    stream.take_in({"1.parquet": parquet({"id": [2.0**60, None], "x": [1.0, 2.0]})})
    assert "column 'id' holds keys as floats that large numbers do not fit into" in stream.windows[0].reason


def test_rows_to_be_predicted_need_no_key() -> None:
    rows, bad = read_table_rows({"a.csv": b"x\n1\n1\n"}, KEYED, for_prediction=True)
    assert (len(rows), rows.ids, bad) == (2, None, ())


def test_image_folders_have_no_key_column(intake: Callable[..., Any], png: Callable[..., bytes]) -> None:
    stream = intake(Schema(inputs={"i": Input(type=InputType.IMAGE, shape=(1, 4, 4))}, key="id"))
    stream.take_in({"day": {"cat/1.png": png(), "dog/2.png": png(seed=1)}})
    assert "a folder of images has no key column 'id' (leave key out" in stream.windows[0].reason


class Beside:
    """A store that another process writes to between this one's look and its own write."""

    def __init__(self, stream: Any, files: dict[str, bytes]) -> None:
        self.stream, self.files = stream, files
        self.write = stream.store.record_ingest

    def record_ingest(self, ingested: IngestedFile) -> bool:
        files, self.files = self.files, {}
        if files:
            self.stream.take_in(files)
        written: bool = self.write(ingested)
        return written


@pytest.mark.parametrize(("mine", "theirs"), [("1.csv", "2.csv"), ("2.csv", "1.csv")])
def test_rows_and_labels_taken_in_at_once_find_each_other(
    intake: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, mine: str, theirs: str
) -> None:
    files = {"1.csv": ROWS, "2.csv": b"id,y\na,1\nb,2\n"}
    stream = intake(KEYED)
    beside = Beside(stream, {theirs: files[theirs]})
    monkeypatch.setattr(stream.store, "record_ingest", beside.record_ingest)
    stream.take_in({mine: files[mine]})
    assert known(stream, stream.windows[0]) == {"a": 1, "b": 2, "c": 7}
    assert early(stream) == []


LABELS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), min_size=1)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(LABELS, max_size=4), place=st.integers(0, 4), cut=st.integers(1, 7))
def test_the_order_of_files_is_of_no_matter(
    intake: Callable[..., Any], files: list[dict[str, int]], place: int, cut: int
) -> None:
    """The first label told of a key is its label, come when its row may."""
    names = "abcdefgh"
    rows = [
        "id,x\n" + "".join(f"{name},{ord(name)}\n" for name in part) for part in (names[:cut], names[cut:])
    ]
    told = ["id,y\n" + "".join(f"{key},{label}\n" for key, label in file.items()) for file in files]
    contents = [*told[:place], *rows, *told[place:]]
    stream = intake(KEYED)
    for number, content in enumerate(contents):
        stream.take_in({f"{number}.csv": content.encode()})
    wanted: dict[str, int] = {}
    for file in files:
        wanted = {**file, **wanted}
    found = {key: label for window in stream.windows for key, label in known(stream, window).items()}
    assert found == {name: wanted.get(name) for name in names}
    assert sum(window.labelled for window in stream.windows) == len(wanted)
    assert early(stream) == []


def test_a_stored_window_keeps_what_its_rows_are_called(intake: Callable[..., Any]) -> None:
    stream = intake(KEYED)
    stream.take_in({"1.csv": ROWS})
    content = stream.artifacts.get(stream.windows[0].snapshot)
    rows = from_parquet(content, KEYED)
    assert to_parquet(rows, KEYED) == content
    assert from_parquet(content, replace(KEYED, key=None)).ids is None
