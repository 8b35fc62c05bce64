"""Ingest beside another process, and of files that cannot be read."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from growlearn.domain.errors import ConcurrentUpdate, TemporarilyUnreadable
from growlearn.domain.growth import Progress
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import FileRecord, IngestResult, SourceFile, Verdict, Window, WindowState
from growlearn.ingest.rows import from_parquet
from growlearn.ingest.source_ingest import ingest_new_files

PLAIN = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, label="y")


def test_a_file_another_process_ingested_meanwhile_counts_for_that_process(
    make_stream: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = make_stream(PLAIN)
    stream.ingest({"a.csv": b"x,y\n1,0\n"})
    monkeypatch.setattr(stream.store, "ingested_files", lambda _: ())  # as this process read it
    assert stream.ingest({}) == ()
    assert len(stream.windows) == 1


def test_a_window_number_lost_to_another_process_is_counted_again(
    make_stream: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = make_stream(PLAIN)
    windows = stream.store.windows
    stream.ingest({"a.csv": b"x,y\n1,0\n"})
    answers: list[list[Window]] = [[]]  # what this process saw before the other wrote
    monkeypatch.setattr(stream.store, "windows", lambda name: answers.pop() if answers else windows(name))
    (result,) = stream.ingest({"b.csv": b"x,y\n2,0\n"})
    assert [window.id for window in result.windows] == ["w2"]
    assert [(window.id, window.source) for window in windows("s")] == [("w1", "a.csv"), ("w2", "b.csv")]


def test_rows_another_process_accumulated_meanwhile_are_not_overwritten(
    make_stream: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = make_stream(PLAIN, rows=5)
    stream.ingest({"a.csv": b"x,y\n1,0\n"})
    windows = stream.store.windows
    answers: list[Sequence[Window]] = [windows("s")]
    stream.ingest({"b.csv": b"x,y\n2,0\n"})
    monkeypatch.setattr(stream.store, "windows", lambda name: answers.pop() if answers else windows(name))
    stream.ingest({"c.csv": b"x,y\n3,0\n"})
    (window,) = windows("s")
    assert (window.rows, window.source) == (3, "a.csv ... c.csv")


def test_a_race_lost_every_time_is_raised(
    make_stream: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: IngestResult) -> bool:
        raise ConcurrentUpdate("w1 is result")

    stream = make_stream(PLAIN)
    monkeypatch.setattr(stream.store, "record_ingest", lost)
    with pytest.raises(ConcurrentUpdate):
        stream.ingest({"a.csv": b"x,y\n1,0\n"})


def test_a_file_still_being_written_is_skipped_and_those_behind_it_are_not(
    make_stream: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = make_stream(PLAIN)
    read = stream.source.read

    def busy(file: Any) -> Any:
        if file.url == "a.csv":
            raise TemporarilyUnreadable("a.csv changed while it was read")
        return read(file)

    monkeypatch.setattr(stream.source, "read", busy)
    (result,) = stream.ingest({"a.csv": b"x,y\n1,0\n", "b.csv": b"x,y\n2,0\n"})
    assert result.file.url == "b.csv"
    monkeypatch.undo()
    (result,) = ingest_new_files(stream.stream, stream.source, stream.store, stream.artifacts, stream.clock)
    assert result.file.url == "a.csv"


def test_rows_are_stored_before_the_window_is_recorded(
    make_stream: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between the two leaves an unreferenced file, never a window without rows."""
    stream = make_stream(PLAIN)

    def crash(ingested: IngestResult) -> bool:
        assert all(stream.artifacts.get(window.snapshot) for window in ingested.windows)
        raise KeyboardInterrupt

    monkeypatch.setattr(stream.store, "record_ingest", crash)
    with pytest.raises(KeyboardInterrupt):
        stream.ingest({"a.csv": b"x,y\n1,0\n"})
    monkeypatch.undo()
    assert stream.windows == []
    assert len(stream.ingest({})) == 1


# Files that arrive again ------------------------------------------------------------------------------

ROWS = b"x,y\n1,0\n2,1\n3,0\n"


class TouchedSource:
    """A source whose files get a new fingerprint without a new content."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.times = 0

    def touch(self) -> tuple[IngestResult, ...]:
        self.times += 1
        source, fingerprint = self.stream.source, f"touched-{self.times}"
        files = tuple(replace(file, fingerprint=fingerprint) for file in source.files())

        class Touched:
            def files(self, known: Sequence[FileRecord] = ()) -> tuple[SourceFile, ...]:
                return files

            def read(self, file: SourceFile) -> Mapping[str, bytes]:
                (listed,) = (listed for listed in source.files() if listed.url == file.url)
                content: Mapping[str, bytes] = source.read(listed)
                return content

        stream = self.stream
        return ingest_new_files(stream.stream, Touched(), stream.store, stream.artifacts, stream.clock)


def set_state(stream: Any, number: int, state: WindowState, verdict: Verdict | None = None) -> None:
    """Set the state that a cycle would have given a window."""
    windows = stream.store._states.get("s").windows
    windows[f"w{number}"] = replace(windows[f"w{number}"], state=state, verdict=verdict)


@pytest.mark.parametrize("rows", [None, 2])
def test_a_file_that_is_only_touched_is_not_ingested_twice(
    rows: int | None, make_stream: Callable[..., Any]
) -> None:
    stream = make_stream(PLAIN, rows=rows)
    stream.ingest({"a.csv": ROWS})
    before = stream.windows
    (result,) = TouchedSource(stream).touch()
    assert (result.windows, result.rows) == ((), 3)
    assert stream.windows == before


@pytest.mark.parametrize("rows", [None, 2])
def test_the_same_content_by_another_name_is_quarantined(
    rows: int | None, make_stream: Callable[..., Any]
) -> None:
    stream = make_stream(PLAIN, rows=rows)
    stream.ingest({"in/a.csv": ROWS})
    (result,) = stream.ingest({"in/b.csv": ROWS})
    (window,) = result.windows
    assert (window.state, window.reason) == (
        WindowState.QUARANTINED,
        "same content as a.csv, ingested before",
    )


@pytest.mark.parametrize(
    ("state", "verdict", "is_ingested"),
    [
        (WindowState.REJECTED, Verdict.DRIFT, True),
        (WindowState.SKIPPED, Verdict.NEW_TASK, True),  # not grown: nothing was learned
        (WindowState.SKIPPED, Verdict.STABLE, False),
        (WindowState.PROMOTED, Verdict.DRIFT, False),
        (WindowState.PENDING_APPROVAL, Verdict.DRIFT, False),
    ],
)
def test_rows_may_be_sent_again_where_nothing_was_learned_from_them(
    state: WindowState, verdict: Verdict, is_ingested: bool, make_stream: Callable[..., Any]
) -> None:
    stream = make_stream(PLAIN)
    stream.ingest({"a.csv": ROWS})
    set_state(stream, 1, state, verdict)
    (result,) = TouchedSource(stream).touch()
    assert [window.state for window in result.windows] == ([WindowState.ACCEPTED] if is_ingested else [])


def test_a_file_that_gets_its_old_content_back_is_read_once_more_only(
    make_stream: Callable[..., Any],
) -> None:
    stream = make_stream(PLAIN)
    stream.ingest({"a.csv": ROWS})
    stream.ingest({"a.csv": b"x,y\n9,0\n"})
    (result,) = stream.ingest({"a.csv": ROWS})
    assert (result.windows, result.rows) == ((), 3)
    assert stream.ingest({}) == ()


def test_windows_of_a_file_are_its_own_where_another_accumulated_file_names_it(
    make_stream: Callable[..., Any],
) -> None:
    stream = make_stream(PLAIN, rows=4)
    stream.ingest({"a.csv": ROWS})
    stream.ingest({"b.csv": b"x,y\n11,0\n12,1\n"})
    stream.ingest({"c.csv": b"x,y\n21,0\n22,1\n23,1\n"})
    # b's rows are in w1 (of "a ... b") and w2 (of "b ... c")
    set_state(stream, 1, WindowState.PROMOTED, Verdict.DRIFT)
    set_state(stream, 2, WindowState.REJECTED, Verdict.DRIFT)
    assert all(result.windows == () for result in TouchedSource(stream).touch() if result.file.url != "c.csv")


def test_an_unmounted_disk_is_a_warning_and_a_file_being_written_is_not(
    make_stream: Callable[..., Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = make_stream(PLAIN)

    def fail_to_read(_: SourceFile) -> Mapping[str, bytes]:
        try:
            raise OSError(5, "Input/output error")
        except OSError as error:
            raise TemporarilyUnreadable("a.csv cannot be read just now") from error

    monkeypatch.setattr(stream.source, "read", fail_to_read)
    assert stream.ingest({"a.csv": ROWS}) == ()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_an_unusable_file_is_read_again_once_the_schema_is_fixed(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(replace(PLAIN, label="target"))
    stream.ingest({"a.csv": b"x,targit\n1,0\n", "b.csv": b"x,target\n1,0\n"})
    assert stream.ingest({}) == ()
    job = replace(stream.stream.job, schema=replace(PLAIN, label="targit"))
    stream.stream = stream.store.apply(job, stream.clock.now())
    (result,) = stream.ingest({})
    assert (result.file.url, result.windows[0].state) == ("a.csv", WindowState.ACCEPTED)
    assert stream.ingest({}) == ()


def test_unclear_pixels_are_read_again_once_the_job_says_what_is_white(
    make_stream: Callable[..., Any],
) -> None:
    def schema(pixel_max: int | None) -> Schema:
        image = InputColumn(type=InputType.IMAGE, shape=(1, 1, 2), pixel_max=pixel_max)
        return Schema(inputs={"image": image}, label="label")

    sink = io.BytesIO()
    pq.write_table(pa.table({"image": [[0.0, 1.0], [1.0, 0.0]], "label": [0, 1]}), sink)
    stream = make_stream(schema(None))
    (result,) = stream.ingest({"a.parquet": sink.getvalue()})
    assert result.windows[0].state is WindowState.QUARANTINED
    stream.stream = stream.store.apply(replace(stream.stream.job, schema=schema(255)), stream.clock.now())
    (result,) = stream.ingest({})
    assert (result.windows[0].state, result.windows[0].rows) == (WindowState.ACCEPTED, 2)


def test_progress_is_reported_before_each_file_is_read(make_stream: Callable[..., Any]) -> None:
    stream = make_stream(PLAIN)
    for name in ("in/a.csv", "in/b.csv"):
        stream.source.put(name, ROWS + name.encode() + b",0\n")
    steps: list[Progress] = []
    ingest_new_files(stream.stream, stream.source, stream.store, stream.artifacts, stream.clock, steps.append)
    assert [(step.stage, step.done, step.total, step.note) for step in steps] == [
        ("reading files", 0, 2, "a.csv"),
        ("reading files", 1, 2, "b.csv"),
    ]


@pytest.mark.parametrize(
    ("first", "second", "labels"),
    [
        (b"x,y\n1,a\n2,b\n3,7\n", b"x,y\n4,7\n5,8\n", {"7", "8"}),
        (b"x,y\n1,0\n2,1\n", b"x,y\n3,1\n4,0\n5,unknown\n", {0, 1}),
    ],
)
def test_the_first_of_many_files_says_of_what_kind_the_labels_are(
    make_stream: Callable[..., Any], first: bytes, second: bytes, labels: set[Any]
) -> None:
    """Else each file that comes before anything is learned would choose by itself."""
    stream = make_stream(PLAIN)
    stream.ingest({"1.csv": first, "2.csv": second})
    rows = from_parquet(stream.artifacts.get(stream.windows[1].snapshot), PLAIN)
    assert {label for label in rows.labels if label is not None} == labels


class Ranges:
    """Files that follow from each other, as those of a query; the second cannot be read for now."""

    def files(self, _: Any = ()) -> list[SourceFile]:
        return [SourceFile(url=name, fingerprint="1", size_bytes=1, taken_once=True) for name in "abc"]

    def read(self, file: SourceFile) -> dict[str, bytes]:
        if file.url == "b":
            raise TemporarilyUnreadable("b is away")
        return {"rows.csv": b"x,y\n1,0\n" if file.url == "a" else b"x,y\n2,0\n"}


def test_what_follows_a_range_that_cannot_be_read_now_is_left_for_the_next_look(
    make_stream: Callable[..., Any],
) -> None:
    """Where it ends the next one begins: with a gap nothing behind it would ever be listed."""
    stream = make_stream(PLAIN)
    results = ingest_new_files(stream.stream, Ranges(), stream.store, stream.artifacts, stream.clock)
    assert [result.file.url for result in results] == ["a"]
