"""The plan chosen by measurement: one for a single row, one for many, kept for the loaded model's life."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from growlearn.growth.model.execution.parts import Plan

MANY_ROWS = 64  # stands for every batch of more than one row
_REPEATS = 5


@dataclass(frozen=True, eq=False)
class Measured:
    """The plan that was fastest for one row, and the one that was for many, with their names."""

    one: Plan
    many: Plan
    names: tuple[str, str]

    def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        """Tokens z [B, T, D] by stem -> pool(R_i(z)) [B, D] along the lineage."""
        single = all(len(z) == 1 for z in tokens.values())
        return (self.one if single else self.many)(tokens, lineage)


def measured(plans: Mapping[str, Plan], tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> Measured:
    """Time every plan on tokens [1, T, D] of one row, and on as many copies of it as stand for many."""
    many = {owner: z.expand(MANY_ROWS, -1, -1).contiguous() for owner, z in tokens.items()}
    names = (_fastest(plans, tokens, lineage), _fastest(plans, many, lineage))
    return Measured(plans[names[0]], plans[names[1]], names)


def _fastest(plans: Mapping[str, Plan], tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> str:
    """The plan with the smallest median; all take turns, so that a busy moment hits them alike."""
    times_s: dict[str, list[float]] = {name: [] for name in plans}
    with torch.no_grad():
        for repeat in range(1 + _REPEATS):
            for name, plan in plans.items():
                started = time.perf_counter()
                plan(tokens, lineage)
                if repeat > 0:  # the first turn only warms up
                    times_s[name].append(time.perf_counter() - started)
    return min(plans, key=lambda name: statistics.median(times_s[name]))
