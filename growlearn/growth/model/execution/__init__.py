"""How the branches of a lineage are run: one file a plan, and the table of them.

Any plan's answers are within 1e-5 of the loop's, and one plan gives the same bits every time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from growlearn.growth.model.execution.loop import Loop
from growlearn.growth.model.execution.parts import Parts, Plan
from growlearn.growth.model.execution.stacked import stack
from growlearn.growth.model.execution.workers import spread

PLANS: Mapping[str, Callable[[Parts], Plan]] = MappingProxyType(
    {"loop": Loop, "stacked": stack, "workers": spread}
)
"""Plans by name."""

ALONE = ("loop", "stacked")
"""The plans that one process can run: those a measurement chooses among."""
