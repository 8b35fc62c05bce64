"""What a run reports of label files and of windows that wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from growlearn.adapters.memory.store import MemoryStore
from growlearn.app.run_summary import has_rejections, report_events
from growlearn.domain.window import BadRow, IngestResult, SourceFile, Verdict, Window, WindowState
from growlearn.pipeline.run import RunSummary

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_labels_joined_and_refused_and_windows_that_wait_are_told() -> None:
    file = IngestResult(
        stream="s", file=SourceFile(url="in/l.csv", fingerprint="1", size_bytes=1), sha256=None, schema="0",
        rows=2, windows=(), bad_rows=(BadRow(row=4, reason="y is missing"),), at=AT,
        note="2 labels joined to w1",
    )  # fmt: skip
    window = Window(
        stream="s", number=2, state=WindowState.AWAITING_LABELS, source="f", discovered_at=AT, updated_at=AT,
        rows=9, verdict=Verdict.DRIFT, reason="r; waits for labels: no row has a label yet",
    )  # fmt: skip
    lines: list[str] = []
    events = report_events("s", MemoryStore(), lines.append)
    events.on_file(file)
    events.on_claim(window)
    events.on_window(window)
    assert lines == [
        "s: 1 rows quarantined from in/l.csv, the first is row 4: y is missing",
        "s: in/l.csv: 2 labels joined to w1",
        "s w2, 9 rows, drift, waiting for labels: r; waits for labels: no row has a label yet",
    ]
    assert has_rejections(RunSummary((file,), (window,)))


def test_a_window_left_unfinished_is_told_as_it_is_taken_up() -> None:
    window = Window(
        stream="s", number=2, state=WindowState.GROWING, source="f", discovered_at=AT, updated_at=AT, claim=2
    )
    lines: list[str] = []
    report_events("s", MemoryStore(), lines.append).on_claim(window)
    assert lines == ["s w2, growing, was left unfinished and is taken up here"]


@pytest.mark.parametrize(("state", "told"), [(WindowState.QUARANTINED, True), (WindowState.REJECTED, False)])
def test_a_window_that_was_quarantined_as_it_was_judged_is_told_by_the_exit_code(
    state: WindowState, told: bool
) -> None:
    window = Window(stream="s", number=2, state=state, source="f", discovered_at=AT, updated_at=AT)
    assert has_rejections(RunSummary((), (window,))) is told
