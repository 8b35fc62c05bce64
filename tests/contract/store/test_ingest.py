from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from growlearn.domain.errors import ConcurrentUpdate, IllegalTransition, NotFound
from growlearn.domain.job import Job
from growlearn.domain.window import BadRow, IngestResult, SourceFile, WindowState
from growlearn.ports import Store

MakeIngest = Callable[..., IngestResult]


@pytest.fixture(autouse=True)
def stream(store: Store, job: Job, at: datetime) -> None:
    store.apply(job, at)


def _again(ingested: IngestResult, fingerprint: str) -> IngestResult:
    return replace(ingested, file=replace(ingested.file, fingerprint=fingerprint))


def test_a_window_comes_back_as_it_was_taken_in(store: Store, make_ingest: MakeIngest) -> None:
    ingested = make_ingest()

    assert store.record_ingest(ingested)

    assert store.windows("digits") == ingested.windows
    assert store.window("digits", "w1") == ingested.windows[0]


def test_a_file_is_taken_in_once(store: Store, make_ingest: MakeIngest) -> None:
    store.record_ingest(make_ingest())

    assert not store.record_ingest(
        replace(make_ingest(), windows=make_ingest(2).windows, bad_rows=(BadRow(row=1, reason="r"),))
    )
    assert [window.id for window in store.windows("digits")] == ["w1"]
    assert store.bad_rows("digits", "w1") == ()


def test_seen_lists_every_reading_in_order(store: Store, make_ingest: MakeIngest) -> None:
    readings = [
        make_ingest(1),
        replace(make_ingest(2), sha256=None, rows=0, windows=()),
        _again(replace(make_ingest(1), windows=make_ingest(3).windows), "200-2"),
    ]
    for reading in readings:
        assert store.record_ingest(reading)

    assert store.ingested_files("digits") == tuple(reading.file_record for reading in readings)


def test_the_same_file_may_be_read_again_under_another_schema(store: Store, make_ingest: MakeIngest) -> None:
    assert store.record_ingest(replace(make_ingest(1), rows=0, windows=()))
    assert not store.record_ingest(replace(make_ingest(1), windows=()))
    assert store.record_ingest(replace(make_ingest(1), schema="1" * 16))
    assert [file.schema for file in store.ingested_files("digits")] == ["0" * 16, "1" * 16]


def test_a_file_that_becomes_again_what_it_was_is_one_more_reading(
    store: Store, make_ingest: MakeIngest
) -> None:
    for number, fingerprint in enumerate(("a", "b", "a"), 1):
        reading = _again(replace(make_ingest(1), windows=make_ingest(number).windows), fingerprint)
        assert store.record_ingest(reading)
        assert not store.record_ingest(reading)
    assert [(file.fingerprint, file.windows) for file in store.ingested_files("digits")] == [
        ("a", ("w1",)),
        ("b", ("w2",)),
        ("a", ("w3",)),
    ]


def test_a_touched_file_keeps_the_windows_of_its_rows(store: Store, make_ingest: MakeIngest) -> None:
    store.record_ingest(make_ingest(1))
    store.record_ingest(_again(replace(make_ingest(1), windows=(), previous_windows=("w1",)), "200-2"))
    assert [file.windows for file in store.ingested_files("digits")] == [("w1",), ("w1",)]


def test_a_refused_file_without_windows_is_seen(store: Store, at: datetime) -> None:
    file = SourceFile(
        url="/data/link", fingerprint="f", size_bytes=0, reject_reason="leads out of the folder"
    )

    assert store.record_ingest(
        IngestResult(
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
    assert [(seen.url, seen.fingerprint, seen.sha256) for seen in store.ingested_files("digits")] == [
        ("/data/link", "f", None)
    ]


def test_windows_are_listed_by_number_not_by_spelling(store: Store, make_ingest: MakeIngest) -> None:
    for number in (10, 2, 1, 9):
        store.record_ingest(make_ingest(number))

    assert [window.number for window in store.windows("digits")] == [1, 2, 9, 10]


def test_bad_rows_stay_in_order(store: Store, make_ingest: MakeIngest) -> None:
    bad = tuple(BadRow(row=row, reason=f"x is {row}", window="w1") for row in (7, 3, 99, 3))

    store.record_ingest(replace(make_ingest(), bad_rows=bad))

    assert store.bad_rows("digits", "w1") == bad


def test_bad_rows_are_listed_with_the_window_they_were_kept_out_of(
    store: Store, make_ingest: MakeIngest
) -> None:
    both = (*make_ingest(1).windows, *make_ingest(2).windows)
    bad = (BadRow(row=1, reason="r", window="w2"), BadRow(row=2, reason="r"))

    store.record_ingest(replace(make_ingest(1), windows=both, bad_rows=bad))

    assert store.bad_rows("digits", "w1") == ()
    assert store.bad_rows("digits", "w2") == bad[:1]


def test_an_open_window_is_filled_and_gathers_bad_rows(store: Store, make_ingest: MakeIngest) -> None:
    bad = BadRow(row=5, reason="a", window="w1")
    opened = replace(make_ingest(1, state=WindowState.OPEN, rows=60), bad_rows=(bad,))
    filled = replace(
        make_ingest(2), windows=make_ingest(1, rows=100, source="1 ... 2").windows,
        bad_rows=(replace(bad, row=2),), extended_windows=opened.windows,
    )  # fmt: skip

    store.record_ingest(opened)
    store.record_ingest(filled)

    assert store.windows("digits") == filled.windows
    assert [bad.row for bad in store.bad_rows("digits", "w1")] == [5, 2]


def test_an_open_window_may_stay_open(store: Store, make_ingest: MakeIngest) -> None:
    store.record_ingest(make_ingest(1, state=WindowState.OPEN, rows=60))

    store.record_ingest(
        replace(make_ingest(2), windows=make_ingest(1, state=WindowState.OPEN, rows=80).windows)
    )

    assert store.window("digits", "w1").rows == 80


def _closed(make_ingest: MakeIngest, _: datetime) -> IngestResult:
    return make_ingest(1)


def _numbered_by_another(make_ingest: MakeIngest, at: datetime) -> IngestResult:
    return make_ingest(1, state=WindowState.OPEN, discovered_at=at + timedelta(seconds=1))


def _filled_by_another(make_ingest: MakeIngest, _: datetime) -> IngestResult:
    return make_ingest(1, state=WindowState.OPEN, rows=70)


@pytest.mark.parametrize("earlier", [_closed, _numbered_by_another, _filled_by_another])
def test_a_window_written_by_another_process_meanwhile_is_a_lost_race_that_writes_nothing(
    store: Store,
    make_ingest: MakeIngest,
    at: datetime,
    earlier: Callable[[MakeIngest, datetime], IngestResult],
) -> None:
    store.record_ingest(earlier(make_ingest, at))
    late = replace(
        make_ingest(2), windows=(*make_ingest(2).windows, *make_ingest(1, rows=99).windows),
        extended_windows=make_ingest(1, state=WindowState.OPEN, rows=60).windows,
        bad_rows=(BadRow(row=1, reason="r"),),
    )  # fmt: skip

    with pytest.raises(ConcurrentUpdate, match="window w1 of stream 'digits'"):
        store.record_ingest(late)

    assert store.windows("digits") == earlier(make_ingest, at).windows
    assert [seen.url for seen in store.ingested_files("digits")] == ["/data/1.parquet"]
    assert store.bad_rows("digits", "w1") == ()


def test_an_open_window_cannot_skip_states(store: Store, make_ingest: MakeIngest) -> None:
    store.record_ingest(make_ingest(1, state=WindowState.OPEN))

    with pytest.raises(IllegalTransition, match="from open to growing"):
        store.record_ingest(
            replace(make_ingest(2), windows=make_ingest(1, state=WindowState.GROWING).windows)
        )


def test_ingest_into_an_unknown_stream(store: Store, make_ingest: MakeIngest) -> None:
    with pytest.raises(NotFound, match="'nowhere'"):
        store.record_ingest(replace(make_ingest(), stream="nowhere"))


@pytest.mark.parametrize("ask", ["window", "bad_rows", "window_record"])
def test_an_unknown_window_is_named_with_those_there_are(
    store: Store, make_ingest: MakeIngest, ask: str
) -> None:
    store.record_ingest(make_ingest(1))
    store.record_ingest(make_ingest(2))

    for window in ("w3", "w0", "3", "", "w-1", "w01", "w99999999999999999999"):
        with pytest.raises(NotFound, match=rf"'digits' has no window {window!r} \(it has w1 to w2\)"):
            getattr(store, ask)("digits", window)


def test_a_window_of_an_unknown_stream(store: Store) -> None:
    with pytest.raises(NotFound, match="'nowhere' has no window 'w1'"):
        store.window("nowhere", "w1")


def test_listings_of_an_unknown_stream_are_empty(store: Store) -> None:
    assert store.windows("nowhere") == ()
    assert store.ingested_files("nowhere") == ()


def test_a_reason_is_any_text_and_is_kept_printable(store: Store, make_ingest: MakeIngest) -> None:
    reason = "x is 'naïve' \U0001f333 \\ % :y \n \t"

    store.record_ingest(make_ingest(1, reason=reason))

    assert store.window("digits", "w1").reason == r"x is 'naïve' 🌳 \ % :y \n \t"


def test_file_names_that_no_database_can_store_do_not_stop_a_stream(
    store: Store, make_ingest: MakeIngest
) -> None:
    name = b"/data/\xff\x00.csv".decode(errors="surrogateescape")
    ingested = replace(make_ingest(1, source=name, reason=name), file=replace(make_ingest(1).file, url=name))

    assert store.record_ingest(ingested)
    assert not store.record_ingest(ingested)
    assert store.window("digits", "w1").reason is not None


def test_what_is_taken_once_gives_rows_once_however_far_it_was_read(
    store: Store, make_ingest: MakeIngest
) -> None:
    """Two processes read rows from one key on, to different ends."""
    first, second = (
        replace(each, file=replace(each.file, taken_once=True)) for each in (make_ingest(1), make_ingest(2))
    )
    second = replace(second, file=replace(second.file, url=first.file.url))
    assert store.record_ingest(replace(first, rows=0, windows=()))
    assert not store.record_ingest(_again(replace(first, windows=()), "300-3"))
    assert store.record_ingest(replace(first, schema="1" * 16))
    assert not store.record_ingest(replace(_again(second, "300-3"), schema="2" * 16))
    assert [file.rows > 0 for file in store.ingested_files("digits")] == [False, True]
