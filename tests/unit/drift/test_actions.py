"""Actions on a verdict that needs growth."""

from __future__ import annotations

from growlearn.domain.window import Verdict
from growlearn.drift.actions import ACTIONS


def test_grow_never_vetoes() -> None:
    assert ACTIONS["grow"](Verdict.DRIFT) is None


def test_alert_grows_the_first_task_alone() -> None:
    assert ACTIONS["alert"](Verdict.FIRST) is None
    for verdict in (Verdict.DRIFT, Verdict.NEW_TASK):
        assert ACTIONS["alert"](verdict) == "it is only alerted on (drift.action)"
