"""Windows whose labels came after they were judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from growlearn.domain.labels import LabelJoin
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.drift.reference import Reference
from growlearn.drift.sample import Sample
from growlearn.drift.watch import Carried
from growlearn.serving.late import late_windows, with_late_labels

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SETTLED = Window(
    stream="s", number=2, state=WindowState.SETTLED, source="f", discovered_at=NOW, updated_at=NOW, rows=10,
    task="a", verdict=Verdict.STABLE, labelled=6,
)  # fmt: skip
ALL_LATE = [LabelJoin(window="w2", source="f", labels=labels, at=NOW) for labels in (4, 2)]
ROWS = Sample(outputs=np.ones((1, 1)), features=np.ones((1, 1)), inputs={}, kinds={}, targets=np.array([0]))


def test_a_settled_window_all_of_whose_labels_came_late_is_one() -> None:
    assert late_windows([SETTLED], ALL_LATE) == {"a": (SETTLED,)}


@pytest.mark.parametrize(
    "changed",
    [
        {"labelled": 7},  # one came with the rows, and was read with them
        {"labelled": None},
        {"state": WindowState.WAITING},
        {"verdict": Verdict.DRIFT},
        {"task": None},
    ],
)
def test_others_are_none(changed: dict[str, object]) -> None:
    assert late_windows([replace(SETTLED, **changed)], ALL_LATE) == {}  # type: ignore[arg-type]


def test_what_was_read_is_not_read_again() -> None:
    fresh = Reference(task="a", reference=ROWS, window=ROWS)
    windows = {"a": (SETTLED, replace(SETTLED, number=3))}
    asked: list[tuple[int, ...]] = []

    def sample(_: str, late: object) -> Sample:
        asked.append(tuple(window.number for window in late))  # type: ignore[attr-defined]
        return ROWS

    (first,) = with_late_labels([fresh], windows, sample)
    (second,) = with_late_labels([replace(fresh, carried=Carried(read=(2,)))], windows, sample)
    (third,) = with_late_labels([replace(fresh, carried=Carried(read=(2, 3)))], windows, sample)
    assert asked == [(2, 3), (3,)]
    assert (first.late_windows, second.late_windows, third.late_windows) == ((2, 3), (3,), ())
    assert third.late is None
