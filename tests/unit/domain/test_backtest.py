from __future__ import annotations

from typing import Any

import pytest

from growlearn.domain.backtest import DriftEvent, Replay, WindowReplay
from growlearn.domain.window import Verdict

FIRST, STABLE, DRIFT, KNOWN = Verdict.FIRST, Verdict.STABLE, Verdict.DRIFT, Verdict.KNOWN_TASK


def make_replay(*windows: tuple[str | None, Verdict, str | None], **fields: Any) -> Replay:
    """A replay of (true regime, verdict, task); a window with a task grows where its verdict says so."""
    return Replay(
        policy="p",
        windows=tuple(
            WindowReplay(
                window=f"w{number}",
                source="f",
                rows=10,
                verdict=verdict,
                task=task,
                reason=None,
                grown=verdict.needs_growth and task is not None,
                regime=regime,
                **fields,
            )
            for number, (regime, verdict, task) in enumerate(windows, 1)
        ),
    )


REPLAY = make_replay(
    ("A", FIRST, "t1"),
    ("A", STABLE, "t1"),
    ("B", STABLE, "t1"),  # not detected yet
    ("B", DRIFT, None),  # detected, vetoed
    ("B", DRIFT, "t2"),
    ("A", KNOWN, "t1"),
    ("A", DRIFT, "t3"),  # a false alarm
    ("B", STABLE, "t3"),  # a recurrence that is not detected at once
    ("B", KNOWN, "t2"),
    ("C", STABLE, "t2"),  # missed
)


def test_alarms_and_trainings_are_counted_apart() -> None:
    assert (REPLAY.alarms, REPLAY.trainings) == (3, 3)  # the first task is a training and no alarm


def test_every_change_has_its_drift_event() -> None:
    assert REPLAY.drift_events == (
        DriftEvent(window="w3", regime="B", known_task=False, detected_in="w4", delay=1),
        DriftEvent(window="w6", regime="A", known_task=True, detected_in="w6", delay=0),
        DriftEvent(window="w8", regime="B", known_task=True, detected_in="w9", delay=1),
        DriftEvent(window="w10", regime="C", known_task=False, detected_in=None, delay=None),
    )


def test_the_metrics_follow_from_the_drift_events() -> None:
    assert (REPLAY.delays, REPLAY.mean_delay, REPLAY.missed) == ((1,), 1.0, 1)
    assert (REPLAY.recurrences, REPLAY.recurrences_detected, REPLAY.false_alarms) == (2, 2, 1)


def test_a_recurrence_that_is_grown_again_is_a_false_alarm_and_not_detected() -> None:
    again = make_replay(("A", FIRST, "t1"), ("B", DRIFT, "t2"), ("A", DRIFT, "t3"), ("A", STABLE, "t3"))
    assert (again.recurrences, again.recurrences_detected, again.false_alarms) == (1, 0, 1)


def test_a_recurrence_of_a_regime_never_learned_still_needs_an_alarm() -> None:
    never = make_replay(("A", FIRST, "t1"), ("B", STABLE, "t1"), ("A", STABLE, "t1"), ("B", STABLE, "t1"))
    assert (never.missed, never.recurrences, never.recurrences_detected, never.mean_delay) == (2, 1, 1, None)


def test_a_task_from_before_the_history_belongs_to_the_regime_it_first_matches() -> None:
    known = make_replay(("A", KNOWN, "old"), ("B", DRIFT, "t2"), ("A", KNOWN, "old"))
    assert (known.recurrences, known.recurrences_detected, known.false_alarms) == (1, 1, 0)


def test_a_window_without_a_regime_has_that_of_the_window_before() -> None:
    gaps = make_replay((None, FIRST, "t1"), ("A", STABLE, "t1"), (None, STABLE, "t1"), ("B", DRIFT, "t2"))
    assert [event.window for event in gaps.drift_events] == ["w4"]
    assert make_replay((None, FIRST, "t1"), (None, DRIFT, "t2")).drift_events == ()


def test_hours_and_accuracy_are_summed_over_windows() -> None:
    both = make_replay(("A", FIRST, "t1"), ("A", STABLE, "t1"), training_s=1800.0, correct=3, labelled=4)
    assert (both.training_hours, both.accuracy, both.labelled) == (1.0, 0.75, 8)
    assert make_replay(("A", FIRST, "t1")).accuracy is None


@pytest.mark.parametrize("verdict", [STABLE, Verdict.WARN, Verdict.INCONCLUSIVE, KNOWN, FIRST])
def test_no_other_verdict_is_an_alarm(verdict: Verdict) -> None:
    assert make_replay(("A", verdict, "t1")).alarms == 0
