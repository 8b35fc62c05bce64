"""The growing network, assembled from a manifest and stored weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from growlearn.domain.execution import Execution
from growlearn.domain.lineage import Manifest
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import Label
from growlearn.ingest.rows import Rows
from growlearn.network.devices import CPU_DEVICE
from growlearn.network.encoders.features import open_encoder_of
from growlearn.network.model import weights as stored
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.execution import EXECUTORS
from growlearn.network.model.execution.choice import choose_fastest
from growlearn.network.model.execution.loop import LoopExecutor
from growlearn.network.model.execution.parts import BranchExecutor, BranchSet
from growlearn.network.model.head import Head
from growlearn.network.model.head_sum import Answer, HeadSum, load_answer
from growlearn.network.model.lineage_features import Feature, list_features
from growlearn.network.stems.stem import Stem, load_stem
from growlearn.network.transfer import to_device

Logits = npt.NDArray[np.float32]

INFERENCE_BATCH_SIZE = 512  # the same for every inference, so that logits are bit-equal
MIN_INFERENCE_ROWS = 4


class GrowingNetwork(nn.Module):
    """Stems and branches by branch id, heads by task name.

    The answer of task t is a head, or a sum of heads, over the features of its lineage; branches outside the
    lineage do not enter, so no later growth can change an earlier task's logits.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.stems = nn.ModuleDict()
        self.branches = nn.ModuleDict()
        self.stem_ids: dict[str, str] = {}
        self.heads = nn.ModuleList()
        self.lineages: list[tuple[str, ...]] = []
        self.classes: list[tuple[Label, ...]] = []
        self.task_index: dict[str, int] = {}
        self.register_buffer("place", torch.empty(0), persistent=False)  # moves as weights do
        self.place: Tensor
        self.executor: BranchExecutor = LoopExecutor(self._branch_set())

    def add_branch(self, branch_id: str, branch: ResidualBranch, stem_id: str, stem: Stem | None) -> None:
        """Add a branch that reads the stem of branch `stem_id`, or its own `stem` where given."""
        if stem is not None:
            self.stems[branch_id] = stem
        self.branches[branch_id] = branch
        self.stem_ids[branch_id] = stem_id

    def add_task(self, name: str, classes: Sequence[Label], lineage: Sequence[str], head: Answer) -> None:
        """Add a task's head over a lineage, root first."""
        self.task_index[name] = len(self.heads)
        self.heads.append(head)
        self.lineages.append(tuple(lineage))
        self.classes.append(tuple(classes))

    @property
    def device(self) -> torch.device:
        """The device of the weights; what a method returns is there, unless it is a NumPy array."""
        return self.place.device

    @property
    def root_stem(self) -> Stem:
        """The first stem, which empty lineages and the router read."""
        return self.stem(next(iter(self.stems)))

    def get_stem_id(self, lineage: Sequence[str]) -> str:
        """The branch whose stem the last branch of a lineage reads; the root for an empty lineage."""
        return self.stem_ids[lineage[-1]] if lineage else next(iter(self.stems))

    def list_features(self, lineage: Sequence[str]) -> tuple[Feature, ...]:
        """The features of a lineage, in their order."""
        return list_features(lineage, self.stem_ids, next(iter(self.stems)))

    def tokens(self, rows: Rows, *lineages: Sequence[str]) -> dict[str, Tensor]:
        """B rows -> z [B, T, D] of every stem that a lineage reads, by the branch that owns the stem.

        A stem that several lineages read is computed once.
        """
        features = [feature for lineage in lineages for feature in self.list_features(lineage)]
        stem_ids = dict.fromkeys(feature.branch for feature in features if feature.is_stem)
        return {stem_id: self.stem(stem_id)(self.stem(stem_id).encode(rows)) for stem_id in stem_ids}

    def residuals(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        """Tokens -> pool(R_i(z)) [B, D] of every branch of a lineage, each from the stem it reads."""
        return self.executor(tokens, lineage)

    def set_execution(self, execution: str, example: Rows) -> None:
        """Run branches with this executor from now on; `auto` times the executors on one example row.

        Weights must not change afterwards.
        """
        if execution != Execution.AUTO:
            self.executor = EXECUTORS[execution](self._branch_set())
            return
        executors = {name: EXECUTORS[name](self._branch_set()) for name in EXECUTORS}
        longest = max(self.lineages, key=len, default=())
        with torch.no_grad():
            self.executor = choose_fastest(executors, self.tokens(example, longest), longest)

    def _branch_set(self) -> BranchSet:
        return BranchSet(self.branches, self.stem_ids, tuple(dict.fromkeys(self.lineages)))

    def features(self, rows: Rows, lineage: Sequence[str]) -> Tensor:
        """B rows -> the F features of a lineage [B, F, D]: pool(z) of its stems and pool(R_i(z))."""
        tokens = self.tokens(rows, lineage)
        residuals = dict(zip(lineage, self.residuals(tokens, lineage), strict=True))
        return self.stack_features(tokens, residuals, lineage)

    def stack_features(
        self, tokens: Mapping[str, Tensor], residuals: Mapping[str, Tensor], lineage: Sequence[str]
    ) -> Tensor:
        """Tokens z [B, T, D] by stem and pool(R_i(z)) [B, D] by branch -> features of a lineage [B, F, D]."""
        return torch.stack(
            [
                tokens[feature.branch].mean(1) if feature.is_stem else residuals[feature.branch]
                for feature in self.list_features(lineage)
            ],
            dim=1,
        )

    def forward(self, rows: Rows, task: str) -> Tensor:
        """B rows -> logits [B, C] in the order of the task's classes."""
        index = self.task_index[task]
        logits: Tensor = self.heads[index](self.features(rows, self.lineages[index]))
        return logits

    def logits(self, rows: Rows, task: str) -> Logits:
        """Logits of N rows, float32 [N, C], in batches of INFERENCE_BATCH_SIZE."""
        self._stop_training()
        parts = [torch.empty(0, len(self.classes[self.task_index[task]]), device=self.device)]
        with torch.no_grad():
            parts += [self.forward(fill_batch(batch), task)[: len(batch)] for batch in iter_batches(rows)]
        return _to_numpy(parts)

    def features_and_probabilities(self, rows: Rows, task: str) -> tuple[Logits, Logits]:
        """Features [N, F D] and probabilities [N, C] of N rows for a task, in one pass; float32."""
        index = self.task_index[task]
        features = self.pooled_features(rows, self.lineages[index])  # [N, F, D]
        parts = [torch.empty(0, len(self.classes[index]), device=self.device)]
        with torch.no_grad():
            for start in range(0, len(features), INFERENCE_BATCH_SIZE):
                batch = torch.from_numpy(features[start : start + INFERENCE_BATCH_SIZE])
                parts.append(self.heads[index](to_device(batch, self.device)))
        probabilities = torch.softmax(torch.from_numpy(_to_numpy(parts)), dim=1).numpy()
        _, num_features, width = features.shape
        return features.reshape(-1, num_features * width), probabilities

    def _stop_training(self) -> None:
        """Evaluation mode; a walk over all modules, so only where it is not set."""
        if self.training:
            self.eval()

    def probabilities(self, rows: Rows, task: str) -> Logits:
        """Softmax of the logits, float32 [N, C]."""
        return torch.softmax(torch.from_numpy(self.logits(rows, task)), dim=1).numpy()

    def pooled_features(self, rows: Rows, lineage: Sequence[str]) -> Logits:
        """Features of N rows along a lineage as float32 [N, F, D]."""
        self._stop_training()
        shape = (0, len(self.list_features(lineage)), self.config.embed_dim)
        parts = [torch.empty(shape, device=self.device)]
        with torch.no_grad():
            parts += [self.features(batch, lineage) for batch in iter_batches(rows)]
        return _to_numpy(parts)

    def dump_branch(self, branch_id: str) -> bytes:
        """One branch with its buffers and own stem as safetensors bytes."""
        state = {f"branch.{name}": value for name, value in self.branches[branch_id].state_dict().items()}
        if branch_id in self.stems:
            state |= {f"stem.{name}": value for name, value in self.stems[branch_id].state_dict().items()}
        return stored.dump_weights(state)

    def head(self, task: str) -> Answer:
        """The head of a task, or its sum of heads."""
        head = self.heads[self.task_index[task]]
        assert isinstance(head, Head | HeadSum)
        return head

    def branch(self, branch_id: str) -> ResidualBranch:
        """One branch without its stem."""
        branch = self.branches[branch_id]
        assert isinstance(branch, ResidualBranch)
        return branch

    def own_stem(self, branch_id: str) -> Stem | None:
        """The own stem of a branch, if any."""
        return self.stem(branch_id) if branch_id in self.stems else None

    def stem(self, stem_id: str) -> Stem:
        """The stem of the branch `stem_id`."""
        stem = self.stems[stem_id]
        assert isinstance(stem, Stem)
        return stem


def _to_numpy(parts: Sequence[Tensor]) -> Logits:
    """Batches [B, ...] of one device as one array; copied once, so that no batch waits for another's copy."""
    return torch.cat(list(parts)).cpu().numpy()


def iter_batches(rows: Rows, size: int = INFERENCE_BATCH_SIZE) -> Iterator[Rows]:
    """Consecutive batches of at most `size` rows."""
    for start in range(0, len(rows), size):
        yield rows.take(np.arange(start, min(start + size, len(rows))))


def fill_batch(rows: Rows) -> Rows:
    """Fewer than MIN_INFERENCE_ROWS rows, repeated until there are so many; any other number as it is.

    A product with few rows is summed in another order than one with many: repeated, a row has the same bits
    as in every larger batch on the CPUs where that was measured (docs/adr/0025).
    """
    if not 0 < len(rows) < MIN_INFERENCE_ROWS:
        return rows
    return rows.take(np.arange(MIN_INFERENCE_ROWS) % len(rows))


def load_network(
    manifest: Manifest,
    read_artifact: Callable[[str], bytes],
    open_models: Sequence[tuple[Manifest, GrowingNetwork]] = (),
    device: torch.device = CPU_DEVICE,
) -> GrowingNetwork:
    """Build a frozen network on a device; `read_artifact` gives the stored bytes of a sha256.

    Branches and heads of `open_models`, on that device too, are shared with them: equal sha256 are equal
    bytes.
    """
    network = GrowingNetwork(manifest.model)
    open_encoder_of(manifest.model, read_artifact)
    branches = {entry.sha256: (model, entry.id) for known, model in open_models for entry in known.branches}
    heads = {task.sha256: model.head(task.name) for known, model in open_models for task in known.tasks}
    for entry in manifest.branches:
        if entry.sha256 in branches:
            model, branch_id = branches[entry.sha256]
            branch, stem = model.branch(branch_id), model.own_stem(branch_id)
        else:
            branch, stem = load_branch(manifest, read_artifact(entry.sha256))
        network.add_branch(entry.id, branch, entry.stem, stem)
    for task in manifest.tasks:
        head = heads[task.sha256] if task.sha256 in heads else load_answer(read_artifact(task.sha256))
        network.add_task(task.name, task.classes, task.lineage, head)
    return network.requires_grad_(False).eval().to(device)


def load_branch(manifest: Manifest, content: bytes) -> tuple[ResidualBranch, Stem | None]:
    """A branch of its stored form, and the stem that it brings along, if any."""
    weights = stored.load_weights(content)
    branch = ResidualBranch(manifest.model)
    branch.load_state_dict(stored.with_prefix("branch.", weights))
    stem_weights = stored.with_prefix("stem.", weights)
    return branch, load_stem(manifest.schema, manifest.model, stem_weights) if stem_weights else None
