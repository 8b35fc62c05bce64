"""The fastest executors of a loaded model, measured: one for a single row, one for larger batches."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from growlearn.network.devices import synchronize
from growlearn.network.model.execution.parts import BranchExecutor

MANY_ROWS = 64  # represents every batch of more than one row
_REPEATS = (30, 5)  # timings per executor, for one row and for many


@dataclass(frozen=True, eq=False)
class AutoExecutor:
    """The fastest executor for one row and for many rows, with their names."""

    single_row: BranchExecutor
    many_rows: BranchExecutor
    names: tuple[str, str]

    def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        """Tokens z [B, T, D] by stem -> pool(R_i(z)) [B, D] along the lineage."""
        is_single_row = all(len(z) == 1 for z in tokens.values())
        return (self.single_row if is_single_row else self.many_rows)(tokens, lineage)


def choose_fastest(
    executors: Mapping[str, BranchExecutor], tokens: Mapping[str, Tensor], lineage: Sequence[str]
) -> AutoExecutor:
    """Time every executor on tokens [1, T, D] of one row, and on MANY_ROWS copies of it."""
    many_tokens = {stem_id: z.expand(MANY_ROWS, -1, -1).contiguous() for stem_id, z in tokens.items()}
    names = (
        _fastest_name(executors, tokens, lineage, _REPEATS[0]),
        _fastest_name(executors, many_tokens, lineage, _REPEATS[1]),
    )
    return AutoExecutor(executors[names[0]], executors[names[1]], names)


def _fastest_name(
    executors: Mapping[str, BranchExecutor],
    tokens: Mapping[str, Tensor],
    lineage: Sequence[str],
    repeats: int,
) -> str:
    """The executor with the shortest time; other load on the machine can only lengthen a time."""
    shortest_s = dict.fromkeys(executors, float("inf"))
    with torch.no_grad():
        for _ in range(repeats):  # alternating, so that other load affects all executors alike
            for name, executor in executors.items():
                started = time.perf_counter()
                executor(tokens, lineage)
                for z in tokens.values():
                    synchronize(z.device)
                shortest_s[name] = min(shortest_s[name], time.perf_counter() - started)
    return min(executors, key=shortest_s.__getitem__)
