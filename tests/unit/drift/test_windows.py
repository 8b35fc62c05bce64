"""Which rows are held against the references."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from growlearn.domain.drift_spec import DriftSpec
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.drift.windows import WINDOWS
from growlearn.ingest.rows import Rows, object_column

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STABLE, WARN, DRIFT = Verdict.STABLE, Verdict.WARN, Verdict.DRIFT


def rows(number: int) -> Rows:
    """One row that tells its window."""
    return Rows({"x": np.array([float(number)])}, object_column([None]), None, np.array([number], np.uint64))


def compared(name: str, *verdicts: Verdict | None, windows: int = 3, stored: bool = True) -> list[float]:
    earlier = [
        Window(
            stream="s", number=number, state=WindowState.SETTLED, source="f", discovered_at=NOW,
            updated_at=NOW, verdict=verdict, snapshot="a" * 64 if stored else None,
        )
        for number, verdict in enumerate(verdicts, start=1)
    ]  # fmt: skip
    found = WINDOWS[name](rows(0), earlier, lambda window: rows(window.number), DriftSpec(windows=windows))
    return [float(value) for value in found.inputs["x"]]


def test_the_latest_window_stands_alone() -> None:
    assert compared("latest", STABLE, STABLE) == [0]


@pytest.mark.parametrize(
    ("verdicts", "found"),
    [
        ((), [0]),
        ((STABLE,), [0, 1]),
        ((STABLE, STABLE, STABLE), [0, 3, 2]),
        ((STABLE, DRIFT, WARN), [0, 3]),
        ((STABLE, None), [0]),
    ],
)
def test_a_sliding_window_goes_back_over_stable_ones(
    verdicts: tuple[Verdict, ...], found: list[float]
) -> None:
    assert compared("sliding", *verdicts) == found


def test_windows_without_rows_end_it() -> None:
    assert compared("sliding", STABLE, stored=False) == [0]


def test_evidence_counts_every_window_once() -> None:
    with pytest.raises(ValueError, match="window must be latest for decision anytime"):
        DriftSpec(window="sliding", decision="anytime")
