"""What follows from a verdict that calls for growth."""

from __future__ import annotations

from growlearn.domain.window import Verdict
from growlearn.drift.actions import ACTIONS


def test_growing_is_never_refused() -> None:
    assert ACTIONS["grow"](Verdict.DRIFT) is None


def test_telling_grows_the_first_task_alone() -> None:
    assert ACTIONS["tell"](Verdict.FIRST) is None
    for verdict in (Verdict.DRIFT, Verdict.NEW_TASK):
        assert ACTIONS["tell"](verdict) == "it is only told (drift.action)"
