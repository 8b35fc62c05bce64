from __future__ import annotations

from typing import Any

import pytest

from growlearn.domain.backtest import Change, Replay, Replayed
from growlearn.domain.window import Verdict

FIRST, STABLE, DRIFT, KNOWN = Verdict.FIRST, Verdict.STABLE, Verdict.DRIFT, Verdict.KNOWN_TASK


def lived(*windows: tuple[str | None, Verdict, str | None], **more: Any) -> Replay:
    """A replay of (true regime, verdict, task); a window with a task and a verdict to grow was grown for."""
    return Replay(
        policy="p",
        windows=tuple(
            Replayed(
                window=f"w{number}",
                source="f",
                rows=10,
                verdict=verdict,
                task=task,
                reason=None,
                grown=verdict.calls_for_growth and task is not None,
                regime=regime,
                **more,
            )
            for number, (regime, verdict, task) in enumerate(windows, 1)
        ),
    )


STORY = lived(
    ("A", FIRST, "t1"),
    ("A", STABLE, "t1"),
    ("B", STABLE, "t1"),  # not seen yet
    ("B", DRIFT, None),  # seen, refused
    ("B", DRIFT, "t2"),
    ("A", KNOWN, "t1"),
    ("A", DRIFT, "t3"),  # a false alarm
    ("B", STABLE, "t3"),  # a return that is not recognised at once
    ("B", KNOWN, "t2"),
    ("C", STABLE, "t2"),  # missed for good
)


def test_alarms_and_trainings_are_counted_apart() -> None:
    assert (STORY.alarms, STORY.trainings) == (3, 3)  # the first task is a training and no alarm


def test_every_change_has_its_answer() -> None:
    assert STORY.changes == (
        Change(window="w3", regime="B", learned=False, answered="w4", delay=1),
        Change(window="w6", regime="A", learned=True, answered="w6", delay=0),
        Change(window="w8", regime="B", learned=True, answered="w9", delay=1),
        Change(window="w10", regime="C", learned=False, answered=None, delay=None),
    )


def test_the_figures_follow_from_the_changes() -> None:
    assert (STORY.delays, STORY.mean_delay, STORY.missed) == ((1,), 1.0, 1)
    assert (STORY.returns, STORY.recognised, STORY.false_alarms) == (2, 2, 1)


def test_a_return_that_is_grown_again_is_a_false_alarm_and_not_recognised() -> None:
    again = lived(("A", FIRST, "t1"), ("B", DRIFT, "t2"), ("A", DRIFT, "t3"), ("A", STABLE, "t3"))
    assert (again.returns, again.recognised, again.false_alarms) == (1, 0, 1)


def test_a_return_to_what_was_never_learned_is_to_be_alarmed_about_again() -> None:
    never = lived(("A", FIRST, "t1"), ("B", STABLE, "t1"), ("A", STABLE, "t1"), ("B", STABLE, "t1"))
    assert (never.missed, never.returns, never.recognised, never.mean_delay) == (2, 1, 1, None)


def test_a_task_of_before_the_history_is_at_home_where_it_is_first_matched() -> None:
    known = lived(("A", KNOWN, "old"), ("B", DRIFT, "t2"), ("A", KNOWN, "old"))
    assert (known.returns, known.recognised, known.false_alarms) == (1, 1, 0)


def test_windows_whose_regime_is_not_told_go_with_the_one_before() -> None:
    gaps = lived((None, FIRST, "t1"), ("A", STABLE, "t1"), (None, STABLE, "t1"), ("B", DRIFT, "t2"))
    assert [change.window for change in gaps.changes] == ["w4"]
    assert lived((None, FIRST, "t1"), (None, DRIFT, "t2")).changes == ()


def test_hours_and_accuracy_are_summed_over_windows() -> None:
    both = lived(("A", FIRST, "t1"), ("A", STABLE, "t1"), training_s=1800.0, correct=3, labelled=4)
    assert (both.hours, both.accuracy, both.labelled) == (1.0, 0.75, 8)
    assert lived(("A", FIRST, "t1")).accuracy is None


@pytest.mark.parametrize("verdict", [STABLE, Verdict.WARN, Verdict.CANNOT_JUDGE, KNOWN, FIRST])
def test_no_other_verdict_is_an_alarm(verdict: Verdict) -> None:
    assert lived(("A", verdict, "t1")).alarms == 0
