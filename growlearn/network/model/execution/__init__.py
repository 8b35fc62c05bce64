"""Executors of a lineage's branches: one file per executor, and their table.

Outputs of any executor are within 1e-5 of the loop's, and one executor is bitwise deterministic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from growlearn.network.model.execution.loop import LoopExecutor
from growlearn.network.model.execution.parts import BranchExecutor, BranchSet
from growlearn.network.model.execution.stacked import stack_branches
from growlearn.network.model.execution.workers import spread_over_workers

EXECUTORS: Mapping[str, Callable[[BranchSet], BranchExecutor]] = MappingProxyType(
    {"loop": LoopExecutor, "stacked": stack_branches, "workers": spread_over_workers}
)
"""Executors by name; `auto` chooses among them."""
