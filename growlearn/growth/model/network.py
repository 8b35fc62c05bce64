"""The growing network, assembled from a manifest and stored weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from growlearn.domain.execution import Execution
from growlearn.domain.job import ModelSpec
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Label
from growlearn.growth.model import weights as stored
from growlearn.growth.model.branch import Branch
from growlearn.growth.model.execution import ALONE, PLANS
from growlearn.growth.model.execution.choice import measured
from growlearn.growth.model.execution.loop import Loop
from growlearn.growth.model.execution.parts import Parts, Plan
from growlearn.growth.model.head import Head
from growlearn.growth.stems.stem import Stem, stored_stem
from growlearn.ingest.rows import Rows

Logits = npt.NDArray[np.float32]

BATCH_ROWS = 512  # answers are computed in batches of this many rows, everywhere, to keep bits equal


class GrowingNetwork(nn.Module):
    """Stems and branches by branch id, heads by task name.

    phi_t(x) = g_0 * pool(z) + sum_i g_i * pool(R_i(z)) over the lineage of task t; branches outside
    the lineage never enter, so nothing grown later can change an answer.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec
        self.stems = nn.ModuleDict()
        self.branches = nn.ModuleDict()
        self.stem_of: dict[str, str] = {}
        self.heads = nn.ModuleList()
        self.lineages: list[tuple[str, ...]] = []
        self.classes: list[tuple[Label, ...]] = []
        self.task_index: dict[str, int] = {}
        self.plan: Plan = Loop(self._parts())

    def add_branch(self, branch_id: str, branch: Branch, stem_of: str, stem: Stem | None) -> None:
        """Add a branch that reads the stem of branch `stem_of`, its own where `stem` is given."""
        if stem is not None:
            self.stems[branch_id] = stem
        self.branches[branch_id] = branch
        self.stem_of[branch_id] = stem_of

    def add_task(self, name: str, classes: Sequence[Label], lineage: Sequence[str], head: Head) -> None:
        """Add a task's head over a lineage, root first."""
        self.task_index[name] = len(self.heads)
        self.heads.append(head)
        self.lineages.append(tuple(lineage))
        self.classes.append(tuple(classes))

    @property
    def root_stem(self) -> Stem:
        """The first stem: the one bare lineages and the router read."""
        return self.stem(next(iter(self.stems)))

    def stem_owner(self, lineage: Sequence[str]) -> str:
        """The branch whose stem the last of a lineage reads; the root's where there is none."""
        return self.stem_of[lineage[-1]] if lineage else next(iter(self.stems))

    def tokens(self, rows: Rows, lineage: Sequence[str]) -> dict[str, Tensor]:
        """B rows -> z [B, T, D] of every stem that a lineage reads, by the branch it belongs to."""
        owners = dict.fromkeys([*(self.stem_of[branch] for branch in lineage), self.stem_owner(lineage)])
        return {owner: self.stem(owner)(self.stem(owner).encode(rows)) for owner in owners}

    def residuals(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        """Tokens -> pool(R_i(z)) [B, D] of every branch of a lineage, each from the stem it reads."""
        return self.plan(tokens, lineage)

    def execute(self, how: str, example: Rows) -> None:
        """Run branches by this plan from now on; measured on one example row where that is asked for.

        Weights must not change any more.
        """
        if how != Execution.MEASURED:
            self.plan = PLANS[how](self._parts())
            return
        plans = {name: PLANS[name](self._parts()) for name in ALONE}
        longest = max(self.lineages, key=len, default=())
        with torch.no_grad():
            self.plan = measured(plans, self.tokens(example, longest), longest)

    def _parts(self) -> Parts:
        return Parts(self.branches, self.stem_of, tuple(dict.fromkeys(self.lineages)))

    def features(self, rows: Rows, lineage: Sequence[str]) -> Tensor:
        """B rows -> [B, 1 + k, D]: pool(z) of the last branch's stem, then pool(R_i(z)) along the lineage."""
        tokens = self.tokens(rows, lineage)
        z = tokens[self.stem_owner(lineage)]  # [B, T, D]
        return torch.stack([z.mean(1), *self.residuals(tokens, lineage)], dim=1)

    def forward(self, rows: Rows, task: str) -> Tensor:
        """B rows -> logits [B, C] in the order of the task's classes."""
        at = self.task_index[task]
        logits: Tensor = self.heads[at](self.features(rows, self.lineages[at]))
        return logits

    def logits(self, rows: Rows, task: str) -> Logits:
        """Answers for N rows as float32 [N, C], in batches of BATCH_ROWS."""
        self.eval()
        parts = [np.empty((0, len(self.classes[self.task_index[task]])), dtype=np.float32)]
        with torch.no_grad():
            for batch in batches(rows):
                parts.append(self.forward(batch, task).numpy())  # noqa: PERF401
        return np.concatenate(parts)

    def features_and_outputs(self, rows: Rows, task: str) -> tuple[Logits, Logits]:
        """What a task's head reads of N rows, float32 [N, (1 + k) D], and `outputs` of them, in one pass."""
        at = self.task_index[task]
        features = self.pooled(rows, self.lineages[at])  # [N, 1 + k, D]
        parts = [np.empty((0, len(self.classes[at])), dtype=np.float32)]
        with torch.no_grad():
            for start in range(0, len(features), BATCH_ROWS):
                batch = torch.from_numpy(features[start : start + BATCH_ROWS])
                parts.append(self.heads[at](batch).numpy())
        outputs = torch.softmax(torch.from_numpy(np.concatenate(parts)), dim=1).numpy()
        _, parts_read, width = features.shape
        return features.reshape(-1, parts_read * width), outputs

    def outputs(self, rows: Rows, task: str) -> Logits:
        """Softmax of the logits, float32 [N, C]."""
        return torch.softmax(torch.from_numpy(self.logits(rows, task)), dim=1).numpy()

    def pooled(self, rows: Rows, lineage: Sequence[str]) -> Logits:
        """Features of N rows along a lineage as float32 [N, 1 + k, D]."""
        self.eval()
        parts = [np.empty((0, 1 + len(lineage), self.spec.width), dtype=np.float32)]
        with torch.no_grad():
            for batch in batches(rows):
                parts.append(self.features(batch, lineage).numpy())  # noqa: PERF401
        return np.concatenate(parts)

    def branch_weights(self, branch_id: str) -> bytes:
        """One branch, buffers and own stem included, in its stored form."""
        own = {f"branch.{name}": value for name, value in self.branches[branch_id].state_dict().items()}
        if branch_id in self.stems:
            own |= {f"stem.{name}": value for name, value in self.stems[branch_id].state_dict().items()}
        return stored.dump(own)

    def head(self, task: str) -> Head:
        """The head of a task."""
        head = self.heads[self.task_index[task]]
        assert isinstance(head, Head)
        return head

    def stem(self, owner: str) -> Stem:
        """The stem that belongs to a branch."""
        stem = self.stems[owner]
        assert isinstance(stem, Stem)
        return stem


def batches(rows: Rows, size: int = BATCH_ROWS) -> Iterator[Rows]:
    """Rows cut into runs of at most `size`."""
    for start in range(0, len(rows), size):
        yield rows.take(np.arange(start, min(start + size, len(rows))))


def load_head(content: bytes) -> Head:
    """A head of its stored form."""
    weights = stored.load(content)
    branches, width = weights["gates"].shape
    head = Head(branches - 1, width, len(weights["linear.bias"]))
    head.load_state_dict(weights)
    return head


def load_network(manifest: Manifest, read: Callable[[str], bytes]) -> GrowingNetwork:
    """Build a frozen network; `read` gives the stored bytes of a sha256."""
    network = GrowingNetwork(manifest.model)
    for entry in manifest.branches:
        weights = stored.load(read(entry.sha256))
        branch = Branch(manifest.model)
        branch.load_state_dict(stored.under("branch.", weights))
        own = stored.under("stem.", weights)
        stem = stored_stem(manifest.schema, manifest.model, own) if own else None
        network.add_branch(entry.id, branch, entry.stem, stem)
    for task in manifest.tasks:
        network.add_task(task.name, task.classes, task.lineage, load_head(read(task.sha256)))
    return network.requires_grad_(False).eval()
