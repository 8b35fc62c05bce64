"""The table of actions on a verdict that needs growth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from growlearn.domain.window import Verdict

Action = Callable[[Verdict], str | None]
"""From the verdict to the reason for not growing; None to grow. The first task is always grown."""


def train_on_drift(_: Verdict) -> str | None:
    """Grow a branch, as the policy allows."""
    return None


def alert_on_drift(verdict: Verdict) -> str | None:
    """Record the drift for a person and leave the model unchanged."""
    return None if verdict is Verdict.FIRST else "it is only alerted on (drift.action)"


ACTIONS: Mapping[str, Action] = MappingProxyType({"grow": train_on_drift, "alert": alert_on_drift})
