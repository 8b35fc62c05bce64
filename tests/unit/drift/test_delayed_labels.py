"""Windows whose labels arrived after they were judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from growlearn.domain.delayed_labels import LabelJoinRecord
from growlearn.domain.drift import MonitorState
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.drift.delayed_labels import find_delayed_label_windows, with_delayed_labels
from growlearn.drift.sample import Sample
from growlearn.drift.task_data import TaskComparisonData

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SKIPPED = Window(
    stream="s", number=2, state=WindowState.SKIPPED, source="f", discovered_at=NOW, updated_at=NOW, rows=10,
    task="a", verdict=Verdict.STABLE, labelled=6,
)  # fmt: skip
JOINS = [LabelJoinRecord(window="w2", source="f", labels=labels, at=NOW) for labels in (4, 2)]
ROWS = Sample(outputs=np.ones((1, 1)), features=np.ones((1, 1)), inputs={}, kinds={}, targets=np.array([0]))


def test_a_skipped_window_with_only_delayed_labels_is_found() -> None:
    assert find_delayed_label_windows([SKIPPED], JOINS) == {"a": (SKIPPED,)}


@pytest.mark.parametrize(
    "changes",
    [
        {"labelled": 7},  # one label arrived with the rows, and was read with them
        {"labelled": None},
        {"state": WindowState.AWAITING_LABELS},
        {"verdict": Verdict.DRIFT},
        {"task": None},
    ],
)
def test_other_windows_are_not(changes: dict[str, object]) -> None:
    assert find_delayed_label_windows([replace(SKIPPED, **changes)], JOINS) == {}  # type: ignore[arg-type]


def test_delayed_labels_are_read_once() -> None:
    data = TaskComparisonData(task="a", reference_sample=ROWS, window_sample=ROWS)
    windows = {"a": (SKIPPED, replace(SKIPPED, number=3))}
    loaded: list[tuple[int, ...]] = []

    def load_sample(_: str, delayed: object) -> Sample:
        loaded.append(tuple(window.number for window in delayed))  # type: ignore[attr-defined]
        return ROWS

    (first,) = with_delayed_labels([data], windows, load_sample)
    (second,) = with_delayed_labels(
        [replace(data, monitor_state=MonitorState(delayed_label_windows=(2,)))], windows, load_sample
    )
    (third,) = with_delayed_labels(
        [replace(data, monitor_state=MonitorState(delayed_label_windows=(2, 3)))], windows, load_sample
    )
    assert loaded == [(2, 3), (3,)]
    assert (first.delayed_label_windows, second.delayed_label_windows, third.delayed_label_windows) == (
        (2, 3),
        (3,),
        (),
    )
    assert third.delayed_label_sample is None
