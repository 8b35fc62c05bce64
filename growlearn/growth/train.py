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
from growlearn.domain.growth import ALONE, AloneAnswer, GrowthPlan, GrowthResult
from growlearn.domain.lineage import BranchWeights, RouterWeights
from growlearn.domain.metric import METRICS
from growlearn.growth import checkpoint
from growlearn.growth.branch_init import TrainableParts, init_trainable_parts, keep_first
from growlearn.growth.branch_storage import count_branch_parameters, count_parameters, store_branches
from growlearn.growth.calibration import CalibratedHead, calibrate_plan
from growlearn.growth.checkpoint import TrainingState
from growlearn.growth.combination import choose_option
from growlearn.growth.environment import capture_environment
from growlearn.growth.frozen_answer import FrozenAnswer, list_frozen_answers, load_frozen_answer
from growlearn.growth.head_fit import MAX_FIT_ROWS, fit_linear_head
from growlearn.growth.joined_answer import find_initial_answer, find_untrained_answer, join_answer
from growlearn.growth.known_answer import keep_known_answer
from growlearn.growth.linear_answer import join_linear_term
from growlearn.growth.lr_schedule import make_lr_schedule
from growlearn.growth.prefix_evaluation import (
    all_prefix_logits,
    append_branch_features,
    evaluate_prefixes,
    fewest_branches_within,
    make_prefix_curve,
    measure_logits,
)
from growlearn.growth.train_epoch import train_epoch
from growlearn.growth.training_data import CachedDataset, cache_dataset, to_class_indices
from growlearn.growth.training_loop import (
    TrainingHooks,
    fit,
    initial_state,
    make_optimizer,
)
from growlearn.growth.validation_score import ValidationScore
from growlearn.ingest.rows import Rows, from_parquet
from growlearn.network.devices import CPU_DEVICE
from growlearn.network.model import weights
from growlearn.network.model.network import INFERENCE_BATCH_SIZE, GrowingNetwork, load_network
from growlearn.network.router.router import add_task_to_router
from growlearn.network.stems.stem import evaluation_mode
from growlearn.ports import Artifacts, ProgressCallback

_TIMED_BATCHES = 4


def train_branch(
    plan: GrowthPlan,
    artifacts: Artifacts,
    scratch_dir: Path,
    on_progress: ProgressCallback,
    device: torch.device = CPU_DEVICE,
) -> GrowthResult:
    """Train the branch of a plan on a device; a call with the same plan resumes an interrupted one.

    `scratch_dir` is a folder for this plan alone; it holds the checkpoint. Stored weights are the CPU's.
    """
    checkpoint_path = scratch_dir / "checkpoint.safetensors"

    def train(trainable: TrainableParts, dataset: CachedDataset, validation: CachedDataset) -> TrainingState:
        hooks = _make_hooks(plan, trainable, dataset, validation)
        return fit(trainable.modules(), plan.growth, checkpoint_path, hooks, on_progress)

    return _train_and_store(plan, artifacts, train, device)


def init_without_training(
    plan: GrowthPlan, artifacts: Artifacts, device: torch.device = CPU_DEVICE
) -> GrowthResult:
    """The result of a plan without any epoch: only the head is fitted.

    It costs a fraction of training and replaces it in a backtest.
    """

    def skip_training(
        trainable: TrainableParts, dataset: CachedDataset, validation: CachedDataset
    ) -> TrainingState:
        return initial_state(trainable.modules(), _make_hooks(plan, trainable, dataset, validation))

    return _train_and_store(plan, artifacts, skip_training, device)


def measure_seconds_per_row(
    plan: GrowthPlan, artifacts: Artifacts, device: torch.device = CPU_DEVICE
) -> float:
    """Seconds that one row takes in one epoch of a plan on this machine, timed on a few batches.

    Features that are computed once do not count.
    """
    rows = from_parquet(artifacts.view(plan.train), plan.parent_manifest.schema)
    batch_size, _ = plan.growth.batching(len(rows))
    rows = rows.take(np.arange(min(len(rows), _TIMED_BATCHES * batch_size)))
    plan = replace(plan, growth=replace(plan.growth, batch_size=batch_size))
    network = load_network(plan.parent_manifest, artifacts.get, device=device)
    trainable = init_trainable_parts(plan, network, rows)
    frozen = load_frozen_answer(plan, network, rows, to_class_indices(rows.labels, plan.classes))
    dataset = cache_dataset(plan, network, trainable, rows, frozen)
    lr_schedule = make_lr_schedule(plan.growth, math.inf, ())
    optimizer = make_optimizer(trainable.modules(), plan.growth)
    train_epoch(trainable, dataset, plan, optimizer, 1, lr_schedule)  # warm-up: the first steps are slower
    started = time.perf_counter()
    train_epoch(trainable, dataset, plan, optimizer, 1, lr_schedule)
    return (time.perf_counter() - started) / len(dataset)


@dataclass(frozen=True, eq=False)
class _Training:
    """What a plan trains and on which rows, and the network and the answer that stay frozen.

    `answers` are the frozen ones that the branch may join, with their logits of the validation rows [N, C];
    the first is the one before training, with `initial_logits`. `frozen` is the one that the branch joins:
    the first too, unless the lineage is full.
    """

    network: GrowingNetwork
    trainable: TrainableParts
    answers: list[tuple[FrozenAnswer, Tensor]]
    initial_logits: Tensor | None
    frozen: FrozenAnswer | None
    rows: tuple[Rows, Rows]  # of training and validation
    train: CachedDataset
    validation: CachedDataset
    initial_branches: tuple[BranchWeights, ...]  # stored before training


def _prepare_training(plan: GrowthPlan, network: GrowingNetwork, artifacts: Artifacts) -> _Training:
    schema = plan.parent_manifest.schema
    rows = (
        from_parquet(artifacts.view(plan.train), schema),
        from_parquet(artifacts.view(plan.validation), schema),
    )
    trainable = init_trainable_parts(plan, network, rows[0])
    answers = list_frozen_answers(plan, network, rows[1], to_class_indices(rows[1].labels, plan.classes))
    frozen = answers[0][0] if answers else None
    through = None if plan.combination == ALONE else frozen  # what the branch is trained through
    train = cache_dataset(plan, network, trainable, rows[0], through)
    validation = cache_dataset(plan, network, trainable, rows[1], frozen)
    initial_branches = () if trainable.stem is None else store_branches(plan, trainable, artifacts)
    return _Training(
        network,
        trainable,
        answers,
        validation.frozen_logits,
        frozen,
        rows,
        train,
        validation,
        initial_branches,
    )


def _train_and_store(
    plan: GrowthPlan,
    artifacts: Artifacts,
    run_training: Callable[[TrainableParts, CachedDataset, CachedDataset], TrainingState],
    device: torch.device,
) -> GrowthResult:
    if plan.kept_task is not None:
        return keep_known_answer(plan, artifacts, device)
    started = time.perf_counter()
    network = load_network(plan.parent_manifest, artifacts.get, device=device)
    hashes_before = _hash_frozen_weights(network)
    training = _prepare_training(plan, network, artifacts)
    training_state = run_training(training.trainable, training.train, training.validation)
    if _hash_frozen_weights(network) != hashes_before:
        raise GrowLearnError("training changed frozen weights", hint="this is a defect: please report it")
    checkpoint.restore_state(training.trainable.modules(), training_state.best)
    return _store_result(plan, artifacts, _join_best_answer(plan, training), training_state, started)


def _store_result(
    plan: GrowthPlan, artifacts: Artifacts, training: _Training, training_state: TrainingState, started: float
) -> GrowthResult:
    """Store the best weights; `started` is when the growth began, by `time.perf_counter`."""
    network, frozen, validation = training.network, training.frozen, training.validation
    trainable, prefixes = _prune(plan, training.trainable, validation)
    head = _calibrate(plan, trainable, validation)
    losses = _find_losses(plan, training_state, head, training)
    own = validation.linear_combination
    lineage, answer = join_answer(plan, network, trainable, frozen, validation.combination, own)
    initial_lineage, initial_answer = find_initial_answer(
        plan, network, trainable, training.answers[0][0] if training.answers else None
    )
    return GrowthResult(
        branches=store_branches(plan, trainable, artifacts),
        branch_parameters=count_branch_parameters(trainable),
        head=artifacts.put(weights.dump_weights(answer.state_dict())),
        initial_head=artifacts.put(weights.dump_weights(initial_answer.state_dict())),
        lineage=lineage,
        epochs=training_state.epochs,
        best_epoch=training_state.best_epoch,
        initial_loss=losses[0],
        best_loss=losses[1],
        router=_extend_router(plan, training, artifacts) if plan.train_router else None,
        prefix_losses=tuple(score.loss for score in prefixes),
        prefix_accuracies=tuple(score.accuracy for score in prefixes),
        train_rows=len(training.train),
        validation_rows=len(validation),
        prefix_curve=make_prefix_curve(
            plan, network, training.trainable, frozen, (training.rows[1], validation)
        ),
        seconds=time.perf_counter() - started,
        peak_memory_bytes=peak_memory_bytes(),
        threads=torch.get_num_threads(),
        seed=plan.seed,
        initial_branches=training.initial_branches,
        environment=capture_environment(network.device),
        head_parameters=0 if trainable.branches else count_parameters(trainable.head),
        calibration=head.calibration,
        threshold=head.threshold,
        validation_value=head.value,
        combination=validation.combination,
        initial_lineage=initial_lineage,
        validation_loss=head.loss,
        alone=_measure_alone(plan, network, trainable, (validation, training_state), artifacts),
    )


def _prune(
    plan: GrowthPlan, trainable: TrainableParts, validation: CachedDataset
) -> tuple[TrainableParts, list[ValidationScore]]:
    """The fewest new branches within the plan's accuracy drop, and what every prefix of them measures."""
    scores = evaluate_prefixes(plan, trainable, validation, trainable.num_prefixes)
    if not trainable.branches:
        return trainable, scores
    merits = [score.merit(METRICS[plan.metric]) for score in scores]
    return keep_first(trainable, fewest_branches_within(merits, plan.max_accuracy_drop)), scores


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
        return measure_logits(plan, all_prefix_logits(trainable, validation, 1)[0], validation.targets)

    def validate_initial() -> ValidationScore:
        """The frozen answer, where the branch is trained through it: what it has to improve on."""
        if validation.frozen_logits is None or plan.combination == ALONE:
            return validate_whole()
        return measure_logits(plan, validation.frozen_logits, validation.targets)

    run_epoch = partial(train_epoch, trainable, train, plan)
    return TrainingHooks(fit_head, run_epoch, validate_whole, METRICS[plan.metric], validate_initial)


def _measure_alone(
    plan: GrowthPlan,
    network: GrowingNetwork,
    trainable: TrainableParts,
    trained: tuple[CachedDataset, TrainingState],
    artifacts: Artifacts,
) -> AloneAnswer | None:
    """The branch without the frozen answer; None where none enters, or the branch was trained through it."""
    validation, training_state = trained
    if not plan.combinations or plan.combination != ALONE:
        return None
    logits = all_prefix_logits(trainable, replace(validation, frozen_logits=None), 1)[0]
    head = calibrate_plan(plan, logits, validation.targets)
    lineage, answer = join_answer(plan, network, trainable, None, ALONE, validation.linear_combination)
    initial_lineage, initial_answer = find_untrained_answer(plan, network, trainable)
    return AloneAnswer(
        head=artifacts.put(weights.dump_weights(answer.state_dict())),
        lineage=lineage,
        calibration=head.calibration,
        threshold=head.threshold,
        validation_loss=head.loss,
        validation_value=head.value,
        best_loss=training_state.best_loss,
        initial_loss=training_state.initial_loss,
        initial_head=artifacts.put(weights.dump_weights(initial_answer.state_dict())),
        initial_lineage=initial_lineage,
    )


def _find_losses(
    plan: GrowthPlan, training_state: TrainingState, head: CalibratedHead, training: _Training
) -> tuple[float, float]:
    """The validation loss before and after training.

    Where a frozen answer enters, that of the frozen answer and that of the sum, both after a temperature:
    the combinations differ in scale.
    """
    before = training.initial_logits
    if before is None:
        return training_state.initial_loss, training_state.best_loss
    return calibrate_plan(plan, before, training.validation.targets).loss, head.loss


def _join_best_answer(plan: GrowthPlan, training: _Training) -> _Training:
    """The training with the frozen answer and the combination that are best on validation rows."""
    validation = join_linear_term(plan, training.trainable, training.validation)
    if (before := training.initial_logits) is None:
        return replace(training, validation=validation)
    new = all_prefix_logits(training.trainable, replace(validation, frozen_logits=None), 1)[0]  # h [N, C]
    index, combination = choose_option(
        plan, [logits for _, logits in training.answers], new, before, validation.targets
    )
    frozen, logits = training.answers[index]
    joined = replace(validation, frozen_logits=logits, combination=combination)
    return replace(training, frozen=frozen, validation=joined)


def _calibrate(plan: GrowthPlan, trainable: TrainableParts, validation: CachedDataset) -> CalibratedHead:
    """The temperature and threshold of the trained head, or of its sum with the frozen answer."""
    return calibrate_plan(plan, all_prefix_logits(trainable, validation, 1)[0], validation.targets)


def fit_initial_head(trainable: TrainableParts, train: CachedDataset, seed: int) -> None:
    """Fit the head to the untrained features of a sample of training rows."""
    sample = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))[:MAX_FIT_ROWS]
    with torch.no_grad(), evaluation_mode(trainable.stem):
        parts = [
            append_branch_features(trainable, *train.tokens(index, None))
            for index in torch.split(sample, INFERENCE_BATCH_SIZE)
        ]
    answer = partial(train.answer_at, sample)
    fit_linear_head(
        trainable.head, torch.cat(parts), train.targets_at(sample), train.weights_at(sample), answer
    )


def _extend_router(plan: GrowthPlan, training: _Training, artifacts: Artifacts) -> RouterWeights:
    """Add the task to the parent model's router; the first growth fits the router's features."""
    network = training.network
    root_stem = network.root_stem if network.stems else training.trainable.stem
    assert root_stem is not None, "a stream's first branches have a stem"
    root_stem.requires_grad_(False)
    return add_task_to_router(
        plan.parent_manifest,
        root_stem,
        plan.task,
        plan.classes,
        training.rows,
        artifacts.get,
        artifacts.put,
        plan.seed,
    )
