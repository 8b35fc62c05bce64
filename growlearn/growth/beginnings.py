"""What a branch with a stem of its own starts as: a copy of another's pair, or a new pair."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from growlearn.domain.job import ModelSpec
from growlearn.domain.schema import Schema
from growlearn.growth.model.branch import Branch
from growlearn.growth.model.network import GrowingNetwork, batches
from growlearn.growth.stems.stem import Stem, new_stem
from growlearn.ingest.rows import Rows


@dataclass(frozen=True)
class Beginning:
    """A stem and the branch that reads it, both trainable."""

    stem: Stem
    branch: Branch

    def pooled(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Features of N rows before any training: [N, 2, D], pool(z) and pool(R(z))."""
        parts = []
        with torch.no_grad():
            for batch in batches(rows):
                z = self.stem(self.stem.encode(batch))  # [B, T, D]
                parts.append(torch.stack([z.mean(1), self.branch.pooled(z)], dim=1))
        return torch.cat(parts).numpy()


def copied(network: GrowingNetwork, source: str, rows: Rows) -> Beginning:
    """A copy of a branch and the stem it reads, whose normalisation is learned anew from the rows.

    Inputs that moved as a whole are brought back to where they were.
    """
    stem = copy.deepcopy(network.stem(network.stem_of[source])).requires_grad_(True)
    stem.fit(stem.encode(rows))
    branch = copy.deepcopy(network.branches[source]).requires_grad_(True)
    assert isinstance(branch, Branch)
    return Beginning(stem, branch)


def fresh(schema: Schema, spec: ModelSpec, rows: Rows) -> Beginning:
    """A new stem and branch, drawn from torch's own generator."""
    return Beginning(new_stem(schema, spec, rows), Branch(spec))
