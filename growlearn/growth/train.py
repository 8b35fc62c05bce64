"""Training of a growth plan: stored rows in, stored weights and a result out.

rows -> stem -> z [N, T, D] (cached where the stem is frozen, else trained)
     -> pooled features of the parents [N, 1 + P, D] (frozen and cached)
     -> new branches -> pooled residuals [B, n, D] -> gated prefixes -> logits [n, B, C] -> loss
"""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.growth import GrowthPlan, GrowthResult, PrefixPoint
from growlearn.domain.lineage import BranchWeights, RouterWeights
from growlearn.domain.metric import METRICS
from growlearn.domain.schema import Label
from growlearn.growth import checkpoint
from growlearn.growth.branch_init import TrainableParts, init_trainable_parts, keep_first
from growlearn.growth.calibration import CalibratedHead, calibrate_head
from growlearn.growth.checkpoint import TrainingState
from growlearn.growth.environment import capture_environment
from growlearn.growth.feature_cache import cache_frozen_features, encode_inputs
from growlearn.growth.head_fit import MAX_FIT_ROWS, cross_entropy, fit_linear_head
from growlearn.growth.lr_schedule import LrSchedule, make_lr_schedule
from growlearn.growth.prefix_metrics import HeadMetric, PrefixMetrics, fewest_branches_within
from growlearn.growth.training_loop import (
    TrainingHooks,
    ValidationScore,
    fit,
    initial_state,
    make_optimizer,
    optimizer_step,
)
from growlearn.ingest.rows import Column, Rows, from_parquet
from growlearn.network.model import weights
from growlearn.network.model.network import INFERENCE_BATCH_SIZE, GrowingNetwork, load_network
from growlearn.network.router.router import add_task_to_router
from growlearn.ports import Artifacts, ProgressCallback

_TIMED_BATCHES = 4


@dataclass(frozen=True)
class CachedDataset:
    """Training rows with cached features: `tokens` gives z [B, T, D] and parents' features [B, 1 + P, D]."""

    tokens: Callable[[Tensor], tuple[Tensor, Tensor]]
    targets: Tensor  # class indices [N]
    row_weights: Tensor | None = None  # in the loss, [N]; None: all 1

    def __len__(self) -> int:
        return len(self.targets)

    def weights_at(self, index: Tensor) -> Tensor | None:
        """The weights of the rows at `index` [B]."""
        return None if self.row_weights is None else self.row_weights[index]


def train_branch(
    plan: GrowthPlan, artifacts: Artifacts, scratch_dir: Path, on_progress: ProgressCallback
) -> GrowthResult:
    """Train the branch of a plan; a call with the same plan resumes an interrupted one.

    `scratch_dir` is a folder for this plan alone; it holds the checkpoint.
    """
    checkpoint_path = scratch_dir / "checkpoint.safetensors"

    def train(trainable: TrainableParts, dataset: CachedDataset, validation: CachedDataset) -> TrainingState:
        hooks = _make_hooks(plan, trainable, dataset, validation)
        return fit(trainable.modules(), plan.growth, checkpoint_path, hooks, on_progress)

    return _train_and_store(plan, artifacts, train)


def init_without_training(plan: GrowthPlan, artifacts: Artifacts) -> GrowthResult:
    """The result of a plan without any epoch: only the head is fitted.

    It costs a fraction of training and replaces it in a backtest.
    """

    def skip_training(
        trainable: TrainableParts, dataset: CachedDataset, validation: CachedDataset
    ) -> TrainingState:
        return initial_state(trainable.modules(), _make_hooks(plan, trainable, dataset, validation))

    return _train_and_store(plan, artifacts, skip_training)


def measure_seconds_per_row(plan: GrowthPlan, artifacts: Artifacts) -> float:
    """Seconds that one row takes in one epoch of a plan on this machine, timed on a few batches.

    Features that are computed once do not count.
    """
    rows = from_parquet(artifacts.view(plan.train), plan.parent_manifest.schema)
    batch_size, _ = plan.growth.batching(len(rows))
    rows = rows.take(np.arange(min(len(rows), _TIMED_BATCHES * batch_size)))
    plan = replace(plan, growth=replace(plan.growth, batch_size=batch_size))
    network = load_network(plan.parent_manifest, artifacts.get)
    trainable = init_trainable_parts(plan, network, rows)
    dataset = _cache_dataset(plan, network, trainable, rows)
    lr_schedule = make_lr_schedule(plan.growth, math.inf, ())
    optimizer = make_optimizer(trainable.modules(), plan.growth)
    _train_epoch(trainable, dataset, plan, optimizer, 1, lr_schedule)  # warm-up: the first steps are slower
    started = time.perf_counter()
    _train_epoch(trainable, dataset, plan, optimizer, 1, lr_schedule)
    return (time.perf_counter() - started) / len(dataset)


def _train_and_store(
    plan: GrowthPlan,
    artifacts: Artifacts,
    run_training: Callable[[TrainableParts, CachedDataset, CachedDataset], TrainingState],
) -> GrowthResult:
    started = time.perf_counter()
    schema = plan.parent_manifest.schema
    network = load_network(plan.parent_manifest, artifacts.get)
    hashes_before = _hash_frozen_weights(network)
    train_rows = from_parquet(artifacts.view(plan.train), schema)
    validation_rows = from_parquet(artifacts.view(plan.validation), schema)
    trainable = init_trainable_parts(plan, network, train_rows)
    train = _cache_dataset(plan, network, trainable, train_rows)
    validation = _cache_dataset(plan, network, trainable, validation_rows)
    initial_head = artifacts.put(weights.dump_weights(trainable.initial_head.state_dict()))
    initial_branches = () if trainable.stem is None else _store_branches(plan, trainable, artifacts)
    training_state = run_training(trainable, train, validation)
    if _hash_frozen_weights(network) != hashes_before:
        raise GrowLearnError("training changed frozen weights", hint="this is a defect: please report it")
    checkpoint.restore_state(trainable.modules(), training_state.best)
    prefixes = 1 + len(plan.lineage) + len(plan.new_branches)
    metrics = evaluate_prefixes(trainable, validation, prefixes, _make_head_metric(plan))
    new_metrics = metrics.last_prefixes(trainable.num_prefixes)
    if trainable.branches:
        num_kept = fewest_branches_within(new_metrics.merits(METRICS[plan.metric]), plan.max_accuracy_drop)
        trainable = keep_first(trainable, num_kept)
    head = _calibrate(plan, trainable, validation)
    branch_indices = range(len(trainable.branches))
    rows = (train_rows, validation_rows)
    return GrowthResult(
        branches=_store_branches(plan, trainable, artifacts),
        branch_parameters=tuple(_count_branch_parameters(trainable, index) for index in branch_indices),
        head=artifacts.put(weights.dump_weights(trainable.head.state_dict())),
        initial_head=initial_head,
        lineage=(*plan.lineage, *plan.new_branches[: len(trainable.branches)]),
        epochs=training_state.epochs,
        best_epoch=training_state.best_epoch,
        initial_loss=training_state.initial_loss,
        best_loss=training_state.best_loss,
        router=_extend_router(plan, network, trainable, rows, artifacts) if plan.train_router else None,
        prefix_losses=new_metrics.losses,
        prefix_accuracies=new_metrics.accuracies,
        train_rows=len(train),
        validation_rows=len(validation),
        seconds=time.perf_counter() - started,
        peak_memory_bytes=peak_memory_bytes(),
        threads=torch.get_num_threads(),
        seed=plan.seed,
        initial_branches=initial_branches,
        prefix_curve=_make_prefix_curve(plan, metrics),
        environment=capture_environment(),
        head_parameters=0 if trainable.branches else _num_parameters(trainable.head),
        calibration=head.calibration,
        threshold=head.threshold,
        validation_value=head.value,
    )


def _hash_frozen_weights(network: GrowingNetwork) -> list[bytes]:
    """A hash of every frozen branch, buffers included."""
    return [sha256(network.dump_branch(name)).digest() for name in network.branches]


def peak_memory_bytes() -> int:
    """The peak resident memory of this process in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB


def _make_hooks(
    plan: GrowthPlan, trainable: TrainableParts, train: CachedDataset, validation: CachedDataset
) -> TrainingHooks:
    def fit_head() -> None:
        fit_initial_head(trainable, train, plan.seed)

    def validate_whole() -> ValidationScore:
        metrics = evaluate_prefixes(trainable, validation, 1, _make_head_metric(plan))
        return ValidationScore(metrics.losses[-1], metrics.accuracies[-1], metrics.values[-1])

    train_epoch = partial(_train_epoch, trainable, train, plan)
    return TrainingHooks(fit_head, train_epoch, validate_whole, METRICS[plan.metric])


def _make_head_metric(plan: GrowthPlan) -> HeadMetric | None:
    """What measures a head's logits by the plan's metric; None for accuracy, which is counted anyway."""
    if METRICS[plan.metric].is_accuracy:
        return None
    return lambda logits, targets: _calibrate_logits(plan, logits, targets).value


def _calibrate(plan: GrowthPlan, trainable: TrainableParts, validation: CachedDataset) -> CalibratedHead:
    """The temperature and threshold of the trained head."""
    with torch.no_grad():
        indices = torch.split(torch.arange(len(validation)), INFERENCE_BATCH_SIZE)
        parts = [_last_prefix_logits(trainable, validation, index, 1)[0] for index in indices]
    return _calibrate_logits(plan, torch.cat(parts), validation.targets)


def _calibrate_logits(plan: GrowthPlan, logits: Tensor, targets: Tensor) -> CalibratedHead:
    positive = None if plan.positive_class is None else plan.classes.index(plan.positive_class)
    return calibrate_head(logits.numpy(), targets.numpy(), METRICS[plan.metric], plan.class_weights, positive)


def fit_initial_head(trainable: TrainableParts, train: CachedDataset, seed: int) -> None:
    """Fit the head to the untrained features of a sample of training rows."""
    sample = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))[:MAX_FIT_ROWS]
    with torch.no_grad():
        parts = [
            append_branch_features(trainable, *train.tokens(index))
            for index in torch.split(sample, INFERENCE_BATCH_SIZE)
        ]
    fit_linear_head(trainable.head, torch.cat(parts), train.targets[sample], train.weights_at(sample))


def _train_epoch(
    trainable: TrainableParts,
    train: CachedDataset,
    plan: GrowthPlan,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    lr_schedule: LrSchedule,
) -> float:
    """One pass over the rows in an order that depends only on seed and epoch; returns the mean loss."""
    total, (batch_size, rate_factor) = 0.0, plan.growth.batching(len(train))
    steps = math.ceil(len(train) / batch_size)
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(plan.seed * 1009 + epoch))
    for batch_index, index in enumerate(torch.split(order, batch_size)):
        logits = _last_prefix_logits(trainable, train, index, trainable.num_prefixes)  # [n, B, C]
        loss = prefix_losses(logits, train.targets[index], train.weights_at(index)).mean()
        rate = lr_schedule.learning_rate_at(epoch - 1 + batch_index / steps) * rate_factor
        optimizer_step(optimizer, loss, rate)
        total += loss.item() * len(index)
    return total / len(train)


def _last_prefix_logits(
    trainable: TrainableParts, dataset: CachedDataset, index: Tensor, prefixes: int
) -> Tensor:
    """The rows at `index` [B] -> logits [prefixes, B, C] of the last prefixes, the whole lineage last."""
    return trainable.head.prefix_logits(append_branch_features(trainable, *dataset.tokens(index)), prefixes)


def append_branch_features(trainable: TrainableParts, z: Tensor, pooled: Tensor) -> Tensor:
    """Append the new branches' features: z [B, T, D], pooled [B, 1 + P, D] -> [B, 1 + P + n, D]."""
    return torch.cat([pooled, *(branch.pooled(z)[:, None] for branch in trainable.branches)], dim=1)


def prefix_losses(logits: Tensor, targets: Tensor, row_weights: Tensor | None = None) -> Tensor:
    """Cross-entropy of every prefix: logits [n, B, C], targets and weights [B] -> [n]."""
    return torch.stack([cross_entropy(prefix, targets, row_weights) for prefix in logits])


def _make_prefix_curve(plan: GrowthPlan, metrics: PrefixMetrics) -> tuple[PrefixPoint, ...]:
    """A point for every prefix, the stem alone first, named by the branch that it ends in."""
    names = (None, *plan.lineage, *plan.new_branches)
    return tuple(
        PrefixPoint(branch=name, loss=loss, accuracy=accuracy)
        for name, loss, accuracy in zip(names, metrics.losses, metrics.accuracies, strict=True)
    )


def evaluate_prefixes(
    trainable: TrainableParts, dataset: CachedDataset, prefixes: int, head_metric: HeadMetric | None = None
) -> PrefixMetrics:
    """Loss, accuracy and value of the metric of the last prefixes on the rows of a dataset."""
    losses = torch.zeros(prefixes, dtype=torch.float64)  # [prefixes]
    correct = torch.zeros(prefixes, dtype=torch.int64)
    parts: list[Tensor] = []  # each [prefixes, B, C]
    with torch.no_grad():
        for index in torch.split(torch.arange(len(dataset)), INFERENCE_BATCH_SIZE):
            logits = _last_prefix_logits(trainable, dataset, index, prefixes)  # [prefixes, B, C]
            targets = dataset.targets[index]  # [B]
            losses += prefix_losses(logits, targets, dataset.weights_at(index)).double() * len(index)
            correct += (logits.argmax(2) == targets).sum(1)
            if head_metric is not None:
                parts.append(logits)
    return PrefixMetrics(
        tuple(float(loss) / len(dataset) for loss in losses),
        tuple(int(count) / len(dataset) for count in correct),
        tuple(head_metric(logits, dataset.targets) for logits in torch.cat(parts, 1))
        if head_metric is not None
        else (None,) * prefixes,
    )


def _cache_dataset(
    plan: GrowthPlan, network: GrowingNetwork, trainable: TrainableParts, rows: Rows
) -> CachedDataset:
    targets = to_class_indices(rows.labels, plan.classes)
    stem = trainable.stem
    frozen = cache_frozen_features(network, rows, plan.lineage, with_tokens=stem is None)
    inputs = None if stem is None else encode_inputs(stem, rows)

    def tokens(index: Tensor) -> tuple[Tensor, Tensor]:
        features = frozen(index)
        z = features.z if stem is None or inputs is None else stem(inputs(index))  # [B, T, D]
        assert z is not None
        return z, torch.cat([z.mean(1, keepdim=True), features.residuals], dim=1)

    row_weights = torch.tensor(plan.class_weights)[targets] if plan.class_weights else None
    return CachedDataset(tokens, targets, row_weights)


def to_class_indices(labels: Column, classes: tuple[Label, ...]) -> Tensor:
    """Labels [N] -> their indices in `classes`, int64 [N]."""
    class_index = {label: i for i, label in enumerate(classes)}
    return torch.tensor([class_index[label] for label in labels], dtype=torch.int64)


def _extend_router(
    plan: GrowthPlan,
    network: GrowingNetwork,
    trainable: TrainableParts,
    row_parts: tuple[Rows, Rows],
    artifacts: Artifacts,
) -> RouterWeights:
    """Add the task to the parent model's router; the first growth fits the router's features."""
    root_stem = network.root_stem if network.stems else trainable.stem
    assert root_stem is not None, "a stream's first branches have a stem"
    root_stem.requires_grad_(False)
    return add_task_to_router(
        plan.parent_manifest,
        root_stem,
        plan.task,
        plan.classes,
        row_parts,
        artifacts.get,
        artifacts.put,
        plan.seed,
    )


def _store_branches(
    plan: GrowthPlan, trainable: TrainableParts, artifacts: Artifacts
) -> tuple[BranchWeights, ...]:
    """Store each new branch, the first one with the new stem where the plan has one."""
    if not trainable.branches:
        return ()
    stem_ids = {entry.id: entry.stem for entry in plan.parent_manifest.branches}
    stem = plan.new_branches[0]
    if trainable.stem is None:
        stem = stem_ids[plan.lineage[-1]] if plan.lineage else plan.parent_manifest.branches[0].stem
    network = GrowingNetwork(plan.parent_manifest.model)
    entries: list[BranchWeights] = []
    parent = None if plan.parent_task is None else plan.parent_manifest.task(plan.parent_task).lineage[-1]
    for i, (name, branch) in enumerate(zip(plan.new_branches, trainable.branches, strict=False)):
        network.add_branch(name, branch, stem, trainable.stem if i == 0 else None)
        sha256 = artifacts.put(network.dump_branch(name))
        entries.append(BranchWeights(id=name, parent=parent, stem=stem, sha256=sha256))
        parent = name
    return tuple(entries)


def _count_branch_parameters(trainable: TrainableParts, index: int) -> int:
    """Parameters of one new branch, with its own stem if any; the last branch also counts the head."""
    modules: list[torch.nn.Module] = [trainable.branches[index]]
    if index == 0 and trainable.stem is not None:
        modules.append(trainable.stem)
    if index == len(trainable.branches) - 1:
        modules.append(trainable.head)
    return sum(map(_num_parameters, modules))


def _num_parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
