"""Taking in beside another process, and when the store is not to be had."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.errors import LostRace, NotReadable
from growlearn.domain.growth import Progress
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.domain.window import IngestedFile, SourceFile, Verdict, Window, WindowState
from growlearn.ingest.take_in import take_in

PLAIN = Schema(inputs={"x": Input(type=InputType.NUMBER)}, label="y")


def test_a_file_another_process_took_in_meanwhile_counts_for_that_process(
    intake: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = intake(PLAIN)
    stream.take_in({"a.csv": b"x,y\n1,0\n"})
    monkeypatch.setattr(stream.store, "seen", lambda _: ())  # as it was when this process asked
    assert stream.take_in({}) == ()
    assert len(stream.windows) == 1


def test_a_window_number_lost_to_another_process_is_counted_again(
    intake: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = intake(PLAIN)
    windows = stream.store.windows
    stream.take_in({"a.csv": b"x,y\n1,0\n"})
    answers: list[list[Window]] = [[]]  # what this process saw before the other wrote
    monkeypatch.setattr(stream.store, "windows", lambda name: answers.pop() if answers else windows(name))
    (taken,) = stream.take_in({"b.csv": b"x,y\n2,0\n"})
    assert [window.id for window in taken.windows] == ["w2"]
    assert [(window.id, window.source) for window in windows("s")] == [("w1", "a.csv"), ("w2", "b.csv")]


def test_rows_another_process_gathered_meanwhile_are_not_written_over(
    intake: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = intake(PLAIN, rows=5)
    stream.take_in({"a.csv": b"x,y\n1,0\n"})
    windows = stream.store.windows
    answers: list[Sequence[Window]] = [windows("s")]
    stream.take_in({"b.csv": b"x,y\n2,0\n"})
    monkeypatch.setattr(stream.store, "windows", lambda name: answers.pop() if answers else windows(name))
    stream.take_in({"c.csv": b"x,y\n3,0\n"})
    (window,) = windows("s")
    assert (window.rows, window.source) == (3, "a.csv ... c.csv")


def test_a_race_lost_every_time_is_told(intake: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(_: IngestedFile) -> bool:
        raise LostRace("w1 is taken")

    stream = intake(PLAIN)
    monkeypatch.setattr(stream.store, "record_ingest", lost)
    with pytest.raises(LostRace):
        stream.take_in({"a.csv": b"x,y\n1,0\n"})


def test_a_file_still_being_written_is_skipped_and_those_behind_it_are_not(
    intake: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = intake(PLAIN)
    read = stream.source.read

    def busy(file: Any) -> Any:
        if file.url == "a.csv":
            raise NotReadable("a.csv changed while it was read")
        return read(file)

    monkeypatch.setattr(stream.source, "read", busy)
    (taken,) = stream.take_in({"a.csv": b"x,y\n1,0\n", "b.csv": b"x,y\n2,0\n"})
    assert taken.file.url == "b.csv"
    monkeypatch.undo()
    (taken,) = take_in(stream.stream, stream.source, stream.store, stream.artifacts, stream.clock)
    assert taken.file.url == "a.csv"


def test_rows_are_stored_before_the_window_is_recorded(
    intake: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between the two leaves an unreferenced file, never a window without rows."""
    stream = intake(PLAIN)

    def crash(ingested: IngestedFile) -> bool:
        assert all(stream.artifacts.get(window.snapshot) for window in ingested.windows)
        raise KeyboardInterrupt

    monkeypatch.setattr(stream.store, "record_ingest", crash)
    with pytest.raises(KeyboardInterrupt):
        stream.take_in({"a.csv": b"x,y\n1,0\n"})
    monkeypatch.undo()
    assert stream.windows == []
    assert len(stream.take_in({})) == 1


# Files that come again ------------------------------------------------------------------------------

ROWS = b"x,y\n1,0\n2,1\n3,0\n"


class Touched:
    """A source whose files get a new fingerprint without a new content."""

    def __init__(self, intake: Any) -> None:
        self.intake = intake
        self.times = 0

    def touch(self) -> tuple[IngestedFile, ...]:
        self.times += 1
        source, stamp = self.intake.source, f"touched-{self.times}"
        files = tuple(replace(file, fingerprint=stamp) for file in source.files())

        class Again:
            def files(self) -> tuple[SourceFile, ...]:
                return files

            def read(self, file: SourceFile) -> Mapping[str, bytes]:
                (listed,) = (each for each in source.files() if each.url == file.url)
                content: Mapping[str, bytes] = source.read(listed)
                return content

        parts = self.intake
        return take_in(parts.stream, Again(), parts.store, parts.artifacts, parts.clock)


def state(stream: Any, number: int, state: WindowState, verdict: Verdict | None = None) -> None:
    """Bring a window where a cycle would have brought it."""
    kept = stream.store._kept["s"].windows
    kept[f"w{number}"] = replace(kept[f"w{number}"], state=state, verdict=verdict)


@pytest.mark.parametrize("rows", [None, 2])
def test_a_file_that_is_only_touched_is_not_taken_in_twice(
    rows: int | None, intake: Callable[..., Any]
) -> None:
    stream = intake(PLAIN, rows=rows)
    stream.take_in({"a.csv": ROWS})
    before = stream.windows
    (taken,) = Touched(stream).touch()
    assert (taken.windows, taken.rows) == ((), 3)
    assert stream.windows == before


@pytest.mark.parametrize("rows", [None, 2])
def test_the_same_content_by_another_name_is_quarantined(
    rows: int | None, intake: Callable[..., Any]
) -> None:
    stream = intake(PLAIN, rows=rows)
    stream.take_in({"in/a.csv": ROWS})
    (taken,) = stream.take_in({"in/b.csv": ROWS})
    (window,) = taken.windows
    assert (window.state, window.reason) == (
        WindowState.QUARANTINED,
        "same content as a.csv, taken in before",
    )


@pytest.mark.parametrize(
    ("end", "verdict", "again"),
    [
        (WindowState.REJECTED, Verdict.DRIFT, True),
        (WindowState.SETTLED, Verdict.NEW_TASK, True),  # not grown: nothing was learned
        (WindowState.SETTLED, Verdict.STABLE, False),
        (WindowState.PROMOTED, Verdict.DRIFT, False),
        (WindowState.HELD, Verdict.DRIFT, False),
    ],
)
def test_rows_may_come_again_where_nothing_was_learned_from_them(
    end: WindowState, verdict: Verdict, again: bool, intake: Callable[..., Any]
) -> None:
    stream = intake(PLAIN)
    stream.take_in({"a.csv": ROWS})
    state(stream, 1, end, verdict)
    (taken,) = Touched(stream).touch()
    assert [window.state for window in taken.windows] == ([WindowState.ACCEPTED] if again else [])


def test_a_file_that_becomes_again_what_it_was_is_read_once_more_only(intake: Callable[..., Any]) -> None:
    stream = intake(PLAIN)
    stream.take_in({"a.csv": ROWS})
    stream.take_in({"a.csv": b"x,y\n9,0\n"})
    (taken,) = stream.take_in({"a.csv": ROWS})
    assert (taken.windows, taken.rows) == ((), 3)
    assert stream.take_in({}) == ()


def test_windows_of_a_file_are_its_own_where_another_gathered_file_names_it(
    intake: Callable[..., Any],
) -> None:
    stream = intake(PLAIN, rows=4)
    stream.take_in({"a.csv": ROWS})
    stream.take_in({"b.csv": b"x,y\n11,0\n12,1\n"})
    stream.take_in({"c.csv": b"x,y\n21,0\n22,1\n23,1\n"})
    # b's rows lie in w1 (of "a ... b") and w2 (of "b ... c")
    state(stream, 1, WindowState.PROMOTED, Verdict.DRIFT)
    state(stream, 2, WindowState.REJECTED, Verdict.DRIFT)
    assert all(taken.windows == () for taken in Touched(stream).touch() if taken.file.url != "c.csv")


def test_a_disk_that_is_away_is_told_and_a_file_being_written_is_not(
    intake: Callable[..., Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = intake(PLAIN)

    def away(_: SourceFile) -> Mapping[str, bytes]:
        try:
            raise OSError(5, "Input/output error")
        except OSError as error:
            raise NotReadable("a.csv cannot be read just now") from error

    monkeypatch.setattr(stream.source, "read", away)
    assert stream.take_in({"a.csv": ROWS}) == ()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_file_of_no_use_is_read_again_once_the_schema_is_mended(intake: Callable[..., Any]) -> None:
    stream = intake(replace(PLAIN, label="target"))
    stream.take_in({"a.csv": b"x,targit\n1,0\n", "b.csv": b"x,target\n1,0\n"})
    assert stream.take_in({}) == ()
    job = replace(stream.stream.job, schema=replace(PLAIN, label="targit"))
    stream.stream = stream.store.apply(job, stream.clock.now())
    (taken,) = stream.take_in({})
    assert (taken.file.url, taken.windows[0].state) == ("a.csv", WindowState.ACCEPTED)
    assert stream.take_in({}) == ()


def test_every_file_is_told_before_it_is_read(intake: Callable[..., Any]) -> None:
    stream = intake(PLAIN)
    for name in ("in/a.csv", "in/b.csv"):
        stream.source.put(name, ROWS + name.encode() + b",0\n")
    told: list[Progress] = []
    take_in(stream.stream, stream.source, stream.store, stream.artifacts, stream.clock, told.append)
    assert [(step.stage, step.done, step.total, step.note) for step in told] == [
        ("reading files", 0, 2, "a.csv"),
        ("reading files", 1, 2, "b.csv"),
    ]
