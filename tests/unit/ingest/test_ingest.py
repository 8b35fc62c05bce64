"""Files become windows: by file, by task, by row count."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growlearn.domain.job import Job, SourceConfig, WindowingConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import BadRow, Window, WindowState
from growlearn.ingest.rows import from_parquet

ACCEPTED, OPEN, QUARANTINED = WindowState.ACCEPTED, WindowState.OPEN, WindowState.QUARANTINED
PLAIN = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, label="y")


def csv(values: list[Any], task: str | list[str] | None = None, labels: list[Any] | None = None) -> bytes:
    """Rows x, y (and task) as CSV."""
    labels = labels or [0] * len(values)
    lines = [f"{x},{y}" for x, y in zip(values, labels, strict=True)]
    if task is not None:
        tasks = [task] * len(values) if isinstance(task, str) else task
        lines = [f"{line},{name}" for line, name in zip(lines, tasks, strict=True)]
    return "\n".join(["x,y" if task is None else "x,y,task", *lines, ""]).encode()


def numbers(stream: Any, window: Window) -> list[float]:
    assert window.snapshot is not None
    rows = from_parquet(stream.artifacts.get(window.snapshot), stream.stream.job.schema)
    return [float(x) for x in rows.inputs["x"]]


def brief(windows: list[Window]) -> list[tuple[str, WindowState, int]]:
    return [(window.id, window.state, window.rows) for window in windows]


class TestByFile:
    def test_each_file_is_one_window_numbered_in_order(self, make_stream: Callable[..., Any]) -> None:
        stream = make_stream(PLAIN)
        stream.ingest({"b.csv": csv([3]), "a.csv": csv([1, 2])})
        stream.ingest({"0.csv": csv([4])})
        assert brief(stream.windows) == [("w1", ACCEPTED, 2), ("w2", ACCEPTED, 1), ("w3", ACCEPTED, 1)]
        assert [window.source for window in stream.windows] == ["a.csv", "b.csv", "0.csv"]
        assert [numbers(stream, window) for window in stream.windows] == [[1, 2], [3], [4]]

    def test_a_file_is_ingested_once_and_again_when_it_changed(self, make_stream: Callable[..., Any]) -> None:
        stream = make_stream(PLAIN)
        assert len(stream.ingest({"a.csv": csv([1])})) == 1
        assert stream.ingest({}) == ()
        assert len(stream.ingest({"a.csv": csv([1, 2])})) == 1
        assert brief(stream.windows) == [("w1", ACCEPTED, 1), ("w2", ACCEPTED, 2)]

    def test_a_quarantined_file_does_not_count_as_the_same_rows(
        self, make_stream: Callable[..., Any]
    ) -> None:
        stream = make_stream(PLAIN)
        again = [csv([1]).replace(b"\n", ending) for ending in (b"\r\n", b"\n\n")]  # other bytes
        stream.ingest({"a.csv": csv([1]), "b.csv": again[0], "c.csv": again[1]})
        assert [window.reason for window in stream.windows] == [
            None,
            "same rows as window w1 (a.csv)",
            "same rows as window w1 (a.csv)",
        ]

    def test_the_summary_names_every_kind_of_error_once(self, make_stream: Callable[..., Any]) -> None:
        stream = make_stream(PLAIN, duplicates="drop")
        (result,) = stream.ingest({"a.csv": csv([1, "inf", 2, "oops", "inf", 1])})
        (window,) = result.windows
        assert window.reason == "4 rows rejected: 2 x is infinite, 1 x is not a number, 1 duplicate"
        assert (window.rows, window.quarantined_rows) == (2, 4)
        assert result.bad_rows == (
            BadRow(row=1, reason="x is infinite", window="w1"),
            BadRow(row=3, reason="x is not a number: 'oops'", window="w1"),
            BadRow(row=4, reason="x is infinite", window="w1"),
            BadRow(row=5, reason="duplicate of row 0", window="w1"),
        )

    def test_a_file_without_labels_says_so(self, make_stream: Callable[..., Any]) -> None:
        stream = make_stream(PLAIN)
        stream.ingest({"a.csv": b"x\n1\n"})
        assert stream.windows[0].state is ACCEPTED
        assert stream.windows[0].reason == "no column 'y': the rows have no labels yet"


class TestByTask:
    def test_a_file_of_several_tasks_is_one_window_a_task_in_order_of_appearance(
        self, make_stream: Callable[..., Any], task_schema: Schema
    ) -> None:
        stream = make_stream(task_schema)
        stream.ingest({"a.csv": csv([1, 2, 3, 4, "inf"], ["b", "a", "b", "c", "a"])})
        assert [(w.id, w.task, w.rows, w.quarantined_rows) for w in stream.windows] == [
            ("w1", "b", 2, 0),
            ("w2", "a", 1, 1),
            ("w3", "c", 1, 0),
        ]
        assert numbers(stream, stream.windows[0]) == [1, 3]

    def test_a_task_none_of_whose_rows_can_be_used_is_quarantined_and_the_others_are_not(
        self, make_stream: Callable[..., Any], task_schema: Schema
    ) -> None:
        stream = make_stream(task_schema)
        stream.ingest({"a.csv": csv(["inf", 2], ["b", "a"])})
        assert brief(stream.windows) == [("w1", QUARANTINED, 0), ("w2", ACCEPTED, 1)]
        assert stream.windows[0].reason == "no usable row: 1 row rejected: 1 x is infinite"

    def test_rows_without_a_task_count_in_the_first_window(
        self, make_stream: Callable[..., Any], task_schema: Schema
    ) -> None:
        stream = make_stream(task_schema)
        (result,) = stream.ingest({"a.csv": csv([1, 2], ["", "a"])})
        assert brief(stream.windows) == [("w1", ACCEPTED, 1)]
        assert result.bad_rows == (BadRow(row=0, reason="task is missing", window="w1"),)

    def test_a_file_without_any_task_is_one_quarantined_window(
        self, make_stream: Callable[..., Any], task_schema: Schema
    ) -> None:
        stream = make_stream(task_schema)
        stream.ingest({"a.csv": csv([1, 2], ["", ""])})
        assert brief(stream.windows) == [("w1", QUARANTINED, 0)]


class TestByRowCount:
    def test_rows_accumulate_in_one_open_window_until_it_is_full(
        self, make_stream: Callable[..., Any]
    ) -> None:
        stream = make_stream(PLAIN, rows=3)
        stream.ingest({"a.csv": csv([1])})
        assert brief(stream.windows) == [("w1", OPEN, 1)]
        assert stream.windows[0].reason == "1 of 3 rows"
        stream.ingest({"b.csv": csv([2])})
        assert brief(stream.windows) == [("w1", OPEN, 2)]
        stream.ingest({"c.csv": csv([3, 4, 5, 6, 7])})
        assert brief(stream.windows) == [("w1", ACCEPTED, 3), ("w2", ACCEPTED, 3), ("w3", OPEN, 1)]
        assert [numbers(stream, window) for window in stream.windows] == [[1, 2, 3], [4, 5, 6], [7]]
        assert [w.source for w in stream.windows] == ["a.csv ... c.csv", "c.csv", "c.csv"]
        assert stream.windows[0].reason is None

    def test_a_window_keeps_the_time_it_was_opened(self, make_stream: Callable[..., Any]) -> None:
        stream = make_stream(PLAIN, rows=2)
        stream.ingest({"a.csv": csv([1])})
        stream.clock.advance(60)
        stream.ingest({"b.csv": csv([2])})
        (window,) = stream.windows
        assert (window.updated_at - window.discovered_at).total_seconds() == 60

    def test_each_task_has_an_open_window_of_its_own(
        self, make_stream: Callable[..., Any], task_schema: Schema
    ) -> None:
        stream = make_stream(task_schema, rows=2)
        stream.ingest({"a.csv": csv([1, 2], ["a", "b"])})
        stream.ingest({"b.csv": csv([3, 4, 5], ["b", "b", "a"])})
        assert [(w.id, w.task, w.state) for w in stream.windows] == [
            ("w1", "a", ACCEPTED),
            ("w2", "b", ACCEPTED),
            ("w3", "b", OPEN),
        ]
        assert [numbers(stream, window) for window in stream.windows] == [[1, 5], [2, 3], [4]]

    def test_a_row_the_open_window_already_holds_is_rejected_where_duplicates_are_dropped(
        self, make_stream: Callable[..., Any]
    ) -> None:
        stream = make_stream(PLAIN, rows=4, duplicates="drop")
        stream.ingest({"a.csv": csv([1, 2])})
        (result,) = stream.ingest({"b.csv": csv(["inf", 2, 3])})
        assert result.bad_rows == (
            BadRow(row=0, reason="x is infinite", window="w1"),
            BadRow(row=1, reason="duplicate of a row in window w1", window="w1"),
        )
        (window,) = stream.windows
        assert (window.rows, window.quarantined_rows) == (3, 2)
        assert window.reason == "3 of 4 rows; 2 rows rejected: 1 x is infinite, 1 duplicate"

    def test_a_bad_file_becomes_a_window_of_its_own_and_the_open_one_waits(
        self, make_stream: Callable[..., Any]
    ) -> None:
        stream = make_stream(PLAIN, rows=3, duplicates="drop")
        stream.ingest({"a.csv": csv([1])})
        stream.ingest({"b.csv": b"", "c.csv": csv([1]) + b"\n", "d.csv": csv([2])})
        assert brief(stream.windows) == [
            ("w1", OPEN, 2),
            ("w2", QUARANTINED, 0),
            ("w3", QUARANTINED, 0),
        ]
        assert stream.windows[2].reason == "no usable row: 1 row rejected: 1 duplicate"

    def test_labels_of_another_kind_are_not_mixed_in(self, make_stream: Callable[..., Any]) -> None:
        stream = make_stream(PLAIN, rows=3)
        stream.ingest({"a.csv": csv([1]), "b.csv": csv([2], labels=["cat"])})
        assert brief(stream.windows) == [("w1", OPEN, 1), ("w2", QUARANTINED, 0)]
        reason = "label column 'y' holds text such as 'cat'; the labels of this stream are integers"
        assert stream.windows[1].reason == reason

    def test_an_open_window_of_another_schema_is_quarantined(self, make_stream: Callable[..., Any]) -> None:
        stream = make_stream(PLAIN, rows=3)
        stream.ingest({"a.csv": csv([1])})
        schema = Schema(inputs={"z": InputColumn(type=InputType.NUMBER)}, label="y")
        job = Job(name="s", source=SourceConfig(url="in"), schema=schema, windowing=WindowingConfig(rows=3))
        stream.stream = stream.store.apply(job, stream.clock.now())
        stream.ingest({"b.csv": b"z,y\n1,0\n"})
        assert brief(stream.windows) == [("w1", QUARANTINED, 0), ("w2", OPEN, 1)]
        assert stream.windows[0].reason == (
            "the schema changed while its rows were being accumulated: column 'z' is a new input"
        )

    # The fixture is a class, so it needs no reset between examples.
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6), size=st.integers(1, 7))
    def test_no_row_is_lost_doubled_or_moved(
        self, make_stream: Callable[..., Any], sizes: list[int], size: int
    ) -> None:
        stream = make_stream(PLAIN, rows=size)
        values = iter(range(1000))
        for i, n in enumerate(sizes):
            stream.ingest({f"{i:02}.csv": csv([next(values) for _ in range(n)])})
        windows = stream.windows
        assert [x for window in windows for x in numbers(stream, window)] == list(range(sum(sizes)))
        assert [window.rows for window in windows[:-1]] == [size] * (len(windows) - 1)
        assert [window.state for window in windows[:-1]] == [ACCEPTED] * (len(windows) - 1)
        assert windows[-1].state is (ACCEPTED if windows[-1].rows == size else OPEN)


def test_the_snapshot_holds_every_row_as_validated(
    make_stream: Callable[..., Any], table_schema: Schema, parquet: Callable[[Any], bytes]
) -> None:
    stream = make_stream(table_schema)
    stream.ingest(
        {"a.parquet": parquet({"x": [2.0, 1.0], "colour": ["b", "a"], "y": ["no", None], "more": [0, 0]})}
    )
    snapshot = stream.windows[0].snapshot
    rows = from_parquet(stream.artifacts.get(snapshot), table_schema)
    assert np.array_equal(rows.inputs["x"], [2.0, 1.0])
    assert rows.inputs["colour"].tolist() == ["b", "a"]
    assert rows.labels.tolist() == ["no", None]


@pytest.mark.parametrize("content", [csv([1, 2]), b""])
def test_the_hash_of_the_file_itself_is_stored(make_stream: Callable[..., Any], content: bytes) -> None:
    (result,) = make_stream(PLAIN).ingest({"a.csv": content})
    assert result.sha256 == sha256(content).hexdigest()
