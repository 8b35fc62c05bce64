from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from growlearn.domain.errors import IllegalTransition, LostRace, UnknownName
from growlearn.domain.job import Job
from growlearn.domain.window import BadRow, IngestedFile, SourceFile, WindowState
from growlearn.ports import Store

Taken = Callable[..., IngestedFile]


@pytest.fixture(autouse=True)
def stream(store: Store, job: Job, at: datetime) -> None:
    store.apply(job, at)


def _again(ingested: IngestedFile, fingerprint: str) -> IngestedFile:
    return replace(ingested, file=replace(ingested.file, fingerprint=fingerprint))


def test_a_window_comes_back_as_it_was_taken_in(store: Store, taken: Taken) -> None:
    ingested = taken()

    assert store.record_ingest(ingested)

    assert store.windows("digits") == ingested.windows
    assert store.window("digits", "w1") == ingested.windows[0]


def test_a_file_is_taken_in_once(store: Store, taken: Taken) -> None:
    store.record_ingest(taken())

    assert not store.record_ingest(
        replace(taken(), windows=taken(2).windows, bad_rows=(BadRow(row=1, reason="r"),))
    )
    assert [window.id for window in store.windows("digits")] == ["w1"]
    assert store.bad_rows("digits", "w1") == ()


def test_seen_lists_every_reading_in_order(store: Store, taken: Taken) -> None:
    readings = [
        taken(1),
        replace(taken(2), sha256=None, rows=0, windows=()),
        _again(replace(taken(1), windows=taken(3).windows), "200-2"),
    ]
    for reading in readings:
        assert store.record_ingest(reading)

    assert store.seen("digits") == tuple(reading.seen for reading in readings)


def test_the_same_file_may_be_read_again_under_another_schema(store: Store, taken: Taken) -> None:
    assert store.record_ingest(replace(taken(1), rows=0, windows=()))
    assert not store.record_ingest(replace(taken(1), windows=()))
    assert store.record_ingest(replace(taken(1), schema="1" * 16))
    assert [file.schema for file in store.seen("digits")] == ["0" * 16, "1" * 16]


def test_a_file_that_becomes_again_what_it_was_is_one_more_reading(store: Store, taken: Taken) -> None:
    for number, fingerprint in enumerate(("a", "b", "a"), 1):
        reading = _again(replace(taken(1), windows=taken(number).windows), fingerprint)
        assert store.record_ingest(reading)
        assert not store.record_ingest(reading)
    assert [(file.fingerprint, file.windows) for file in store.seen("digits")] == [
        ("a", ("w1",)),
        ("b", ("w2",)),
        ("a", ("w3",)),
    ]


def test_a_touched_file_keeps_the_windows_of_its_rows(store: Store, taken: Taken) -> None:
    store.record_ingest(taken(1))
    store.record_ingest(_again(replace(taken(1), windows=(), before=("w1",)), "200-2"))
    assert [file.windows for file in store.seen("digits")] == [("w1",), ("w1",)]


def test_a_refused_file_without_windows_is_seen(store: Store, at: datetime) -> None:
    file = SourceFile(url="/data/link", fingerprint="f", size_bytes=0, refused="leads out of the folder")

    assert store.record_ingest(
        IngestedFile(
            stream="digits",
            file=file,
            sha256=None,
            schema="0" * 16,
            rows=1,
            windows=(),
            bad_rows=(BadRow(row=0, reason="r"),),
            at=at,
        )
    )
    assert [(seen.url, seen.fingerprint, seen.sha256) for seen in store.seen("digits")] == [
        ("/data/link", "f", None)
    ]


def test_windows_are_listed_by_number_not_by_spelling(store: Store, taken: Taken) -> None:
    for number in (10, 2, 1, 9):
        store.record_ingest(taken(number))

    assert [window.number for window in store.windows("digits")] == [1, 2, 9, 10]


def test_bad_rows_stay_in_order(store: Store, taken: Taken) -> None:
    bad = tuple(BadRow(row=row, reason=f"x is {row}", window="w1") for row in (7, 3, 99, 3))

    store.record_ingest(replace(taken(), bad_rows=bad))

    assert store.bad_rows("digits", "w1") == bad


def test_bad_rows_are_listed_with_the_window_they_were_kept_out_of(store: Store, taken: Taken) -> None:
    both = (*taken(1).windows, *taken(2).windows)
    bad = (BadRow(row=1, reason="r", window="w2"), BadRow(row=2, reason="r"))

    store.record_ingest(replace(taken(1), windows=both, bad_rows=bad))

    assert store.bad_rows("digits", "w1") == ()
    assert store.bad_rows("digits", "w2") == bad[:1]


def test_an_open_window_is_filled_and_gathers_bad_rows(store: Store, taken: Taken) -> None:
    bad = BadRow(row=5, reason="a", window="w1")
    opened = replace(taken(1, state=WindowState.DISCOVERED, rows=60), bad_rows=(bad,))
    filled = replace(
        taken(2), windows=taken(1, rows=100, source="1 ... 2").windows, bad_rows=(replace(bad, row=2),),
        filled=opened.windows,
    )  # fmt: skip

    store.record_ingest(opened)
    store.record_ingest(filled)

    assert store.windows("digits") == filled.windows
    assert [bad.row for bad in store.bad_rows("digits", "w1")] == [5, 2]


def test_an_open_window_may_stay_open(store: Store, taken: Taken) -> None:
    store.record_ingest(taken(1, state=WindowState.DISCOVERED, rows=60))

    store.record_ingest(replace(taken(2), windows=taken(1, state=WindowState.DISCOVERED, rows=80).windows))

    assert store.window("digits", "w1").rows == 80


def _closed(taken: Taken, _: datetime) -> IngestedFile:
    return taken(1)


def _numbered_by_another(taken: Taken, at: datetime) -> IngestedFile:
    return taken(1, state=WindowState.DISCOVERED, discovered_at=at + timedelta(seconds=1))


def _filled_by_another(taken: Taken, _: datetime) -> IngestedFile:
    return taken(1, state=WindowState.DISCOVERED, rows=70)


@pytest.mark.parametrize("there", [_closed, _numbered_by_another, _filled_by_another])
def test_a_window_written_by_another_process_meanwhile_is_a_lost_race_that_writes_nothing(
    store: Store, taken: Taken, at: datetime, there: Callable[[Taken, datetime], IngestedFile]
) -> None:
    store.record_ingest(there(taken, at))
    late = replace(
        taken(2), windows=(*taken(2).windows, *taken(1, rows=99).windows),
        filled=taken(1, state=WindowState.DISCOVERED, rows=60).windows, bad_rows=(BadRow(row=1, reason="r"),),
    )  # fmt: skip

    with pytest.raises(LostRace, match="window w1 of stream 'digits'"):
        store.record_ingest(late)

    assert store.windows("digits") == there(taken, at).windows
    assert [seen.url for seen in store.seen("digits")] == ["/data/1.parquet"]
    assert store.bad_rows("digits", "w1") == ()


def test_an_open_window_cannot_skip_states(store: Store, taken: Taken) -> None:
    store.record_ingest(taken(1, state=WindowState.DISCOVERED))

    with pytest.raises(IllegalTransition, match="from discovered to growing"):
        store.record_ingest(replace(taken(2), windows=taken(1, state=WindowState.GROWING).windows))


def test_ingest_into_an_unknown_stream(store: Store, taken: Taken) -> None:
    with pytest.raises(UnknownName, match="'nowhere'"):
        store.record_ingest(replace(taken(), stream="nowhere"))


@pytest.mark.parametrize("ask", ["window", "bad_rows", "record"])
def test_an_unknown_window_is_named_with_those_there_are(store: Store, taken: Taken, ask: str) -> None:
    store.record_ingest(taken(1))
    store.record_ingest(taken(2))

    for window in ("w3", "w0", "3", "", "w-1", "w01", "w99999999999999999999"):
        with pytest.raises(UnknownName, match=rf"'digits' has no window {window!r} \(it has w1 to w2\)"):
            getattr(store, ask)("digits", window)


def test_a_window_of_an_unknown_stream(store: Store) -> None:
    with pytest.raises(UnknownName, match="'nowhere' has no window 'w1'"):
        store.window("nowhere", "w1")


def test_listings_of_an_unknown_stream_are_empty(store: Store) -> None:
    assert store.windows("nowhere") == ()
    assert store.seen("nowhere") == ()


def test_any_text_may_be_a_reason(store: Store, taken: Taken) -> None:
    reason = "x is 'naïve' \U0001f333 \\ % :y \n \t"

    store.record_ingest(taken(1, reason=reason))

    assert store.window("digits", "w1").reason == reason


def test_file_names_that_no_database_can_store_do_not_stop_a_stream(store: Store, taken: Taken) -> None:
    name = b"/data/\xff\x00.csv".decode(errors="surrogateescape")
    ingested = replace(taken(1, source=name, reason=name), file=replace(taken(1).file, url=name))

    assert store.record_ingest(ingested)
    assert not store.record_ingest(ingested)
    assert store.window("digits", "w1").reason is not None
