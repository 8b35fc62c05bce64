"""The input of an executor, and its interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from growlearn.network.model.branch import ResidualBranch

Lineage = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class BranchSet:
    """Branches by id, the stem that each reads, and the lineages of the tasks."""

    branches: nn.ModuleDict
    stem_ids: Mapping[str, str]
    lineages: tuple[Lineage, ...]

    def get_branch(self, branch_id: str) -> ResidualBranch:
        """The branch with this id."""
        branch = self.branches[branch_id]
        assert isinstance(branch, ResidualBranch)
        return branch


class BranchExecutor(Protocol):
    """A way to compute the pooled residuals of a lineage's branches."""

    def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        """Tokens z [B, T, D] by stem -> pool(R_i(z)) [B, D] along the lineage."""
