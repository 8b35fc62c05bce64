"""Taking in beside another process, and when the store is not to be had."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from growlearn.domain.errors import LostRace, StillWriting
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.domain.window import IngestedFile, Window
from growlearn.ingest.take_in import take_in

PLAIN = Schema(inputs={"x": Input(type=InputType.NUMBER)}, label="y")


def test_a_file_another_process_took_in_meanwhile_counts_for_that_process(
    intake: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = intake(PLAIN)
    stream.take_in({"a.csv": b"x,y\n1,0\n"})
    monkeypatch.setattr(stream.store, "seen", lambda _: {})  # as it was when this process asked
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
            raise StillWriting("a.csv changed while it was read")
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
