"""The plan chosen by measurement: one for a single row, one for many, kept for the loaded model's life."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from growlearn.growth.model.execution.parts import Plan

MANY_ROWS = 64  # stands for every batch of more than one row
_TURNS = (30, 5)  # of each plan, for one row and for many


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
    names = (
        _fastest(plans, tokens, lineage, _TURNS[0]),
        _fastest(plans, many, lineage, _TURNS[1]),
    )
    return Measured(plans[names[0]], plans[names[1]], names)


def _fastest(
    plans: Mapping[str, Plan], tokens: Mapping[str, Tensor], lineage: Sequence[str], turns: int
) -> str:
    """The plan with the shortest time: whatever else a machine does only adds to it."""
    shortest_s = dict.fromkeys(plans, float("inf"))
    with torch.no_grad():
        for _ in range(turns):  # by turns, so that a busy moment hits all plans alike
            for name, plan in plans.items():
                started = time.perf_counter()
                plan(tokens, lineage)
                shortest_s[name] = min(shortest_s[name], time.perf_counter() - started)
    return min(plans, key=shortest_s.__getitem__)
