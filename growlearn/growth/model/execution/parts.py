"""What a plan works on, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from growlearn.growth.model.branch import Branch

Lineage = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Parts:
    """Branches by id, whose stem each reads, and the lineages that tasks answer with."""

    branches: nn.ModuleDict
    stem_of: Mapping[str, str]
    lineages: tuple[Lineage, ...]

    def branch(self, branch_id: str) -> Branch:
        """The branch of that id."""
        branch = self.branches[branch_id]
        assert isinstance(branch, Branch)
        return branch


class Plan(Protocol):
    """A way to compute the pooled residuals of a lineage's branches."""

    def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        """Tokens z [B, T, D] by the branch whose stem gave it -> pool(R_i(z)) [B, D] along the lineage."""
