"""The table of actions: what follows from a verdict that calls for growth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from growlearn.domain.window import Verdict

Action = Callable[[Verdict], str | None]
"""From the verdict to why nothing is grown for it; None where something is. The first task always is."""


def grow(_: Verdict) -> str | None:
    """Grow a branch, as the policy allows."""
    return None


def tell(verdict: Verdict) -> str | None:
    """Record the drift and leave the model as it is, for a person to look at."""
    return None if verdict is Verdict.FIRST else "it is only told (drift.action)"


ACTIONS: Mapping[str, Action] = MappingProxyType({"grow": grow, "tell": tell})
