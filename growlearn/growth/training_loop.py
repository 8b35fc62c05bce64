"""The training loop: one epoch after another by the learning rate schedule, with a checkpoint after each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from growlearn.domain.growth import Epoch, Progress
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.metric import ACCURACY, Metric
from growlearn.growth import checkpoint
from growlearn.growth.checkpoint import TrainingState
from growlearn.growth.lr_schedule import LrSchedule, make_lr_schedule
from growlearn.growth.optimizers import AdamW
from growlearn.growth.validation_score import ValidationScore
from growlearn.growth.weight_average import track_averages, use_averages
from growlearn.ports import ProgressCallback


@dataclass(frozen=True)
class TrainingHooks:
    """The model-specific parts of the loop.

    `before_training` may improve the initial weights; the loop undoes it where the validation loss does not
    fall. `train_epoch` makes one pass over the training rows (epochs count from 1) and returns the mean loss
    in nats. `validate` scores validation rows; the best epoch is chosen by `metric`. `validate_initial` gives
    the score that an epoch has to improve on; None: that of the initial weights.
    """

    before_training: Callable[[], None]
    train_epoch: Callable[[torch.optim.Optimizer, int, LrSchedule], float]
    validate: Callable[[], ValidationScore]
    metric: Metric = ACCURACY
    validate_initial: Callable[[], ValidationScore] | None = None


def fit(
    modules: Sequence[nn.Module],
    config: GrowthConfig,
    checkpoint_path: Path,
    hooks: TrainingHooks,
    on_progress: ProgressCallback,
) -> TrainingState:
    """Train the modules from the checkpoint at `checkpoint_path`, or from their initial weights.

    Each epoch is validated, and the best one kept, with the moving average of the weights.
    """
    optimizer = make_optimizer(modules, config)
    track_averages(optimizer)
    checkpoint_path.parent.mkdir(parents=True, exist_ok=True)
    training_state = checkpoint.load_checkpoint(checkpoint_path, modules, optimizer)
    if training_state is None:
        training_state = initial_state(modules, hooks)
    while True:
        lr_schedule = _current_lr_schedule(config, training_state, hooks.metric)
        if len(training_state.epochs) >= lr_schedule.last_epoch:
            return training_state
        epoch, started = len(training_state.epochs) + 1, time.perf_counter()
        train_loss = hooks.train_epoch(optimizer, epoch, lr_schedule)
        with use_averages(optimizer):
            score, weights = hooks.validate(), checkpoint.copy_state(modules)
        epoch_result = Epoch(
            epoch=epoch,
            train_loss=train_loss,
            validation_loss=score.loss,
            validation_accuracy=score.accuracy,
            seconds=time.perf_counter() - started,
            validation_value=score.value,
        )
        training_state = replace(training_state, epochs=(*training_state.epochs, epoch_result))
        if _is_best(score, training_state, hooks.metric):
            training_state = replace(
                training_state,
                best=weights,
                best_epoch=epoch,
                best_loss=score.loss,
                best_cost=score.cost(hooks.metric),
            )
        checkpoint.save_checkpoint(checkpoint_path, training_state, modules, optimizer)
        note = _format_score(score, hooks.metric)
        on_progress(Progress(stage="training", done=epoch, total=config.max_epochs, note=note))


def _is_best(score: ValidationScore, training_state: TrainingState, metric: Metric) -> bool:
    """Whether an epoch is the best so far: it must reduce the loss too, as every branch must.

    Never where either is NaN: a diverged epoch is no improvement.
    """
    return score.cost(metric) < training_state.best_cost and score.loss < training_state.initial_loss


def _format_score(score: ValidationScore, metric: Metric) -> str:
    value = "" if score.value is None else f", {metric.name} {metric.format_value(score.value)}"
    return f"validation loss {score.loss:.4f}, accuracy {score.accuracy:.1%}{value}"


def initial_state(modules: Sequence[nn.Module], hooks: TrainingHooks) -> TrainingState:
    """The state before the first epoch, after `before_training` where that lowers the validation loss."""
    initial_weights, initial = checkpoint.copy_state(modules), (hooks.validate_initial or hooks.validate)()
    hooks.before_training()
    fitted = hooks.validate()
    is_fitted = fitted.loss < initial.loss  # never where it is NaN
    if not is_fitted:
        checkpoint.restore_state(modules, initial_weights)
    start = fitted if is_fitted else initial
    return TrainingState(
        epochs=(),
        best=checkpoint.copy_state(modules) if is_fitted else initial_weights,
        best_loss=start.loss,
        initial_loss=initial.loss,
        best_cost=start.cost(hooks.metric),
        initial_cost=initial.cost(hooks.metric),
    )


def _current_lr_schedule(config: GrowthConfig, training_state: TrainingState, metric: Metric) -> LrSchedule:
    costs = [
        ValidationScore(epoch.validation_loss, epoch.validation_accuracy, epoch.validation_value).cost(metric)
        for epoch in training_state.epochs
    ]
    return make_lr_schedule(config, training_state.initial_cost, costs)


def make_optimizer(modules: Sequence[nn.Module], config: GrowthConfig) -> torch.optim.Optimizer:
    """AdamW; weight decay on matrices only, not on gates, norms or biases."""
    matrices: list[Tensor] = []
    no_decay: list[Tensor] = []
    for module in modules:
        for name, parameter in module.named_parameters():
            (matrices if name.endswith("weight") and parameter.ndim > 1 else no_decay).append(parameter)
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": no_decay, "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=config.learning_rate)


def mean_loss(losses: Tensor, batches: Sequence[Tensor]) -> float:
    """The mean over rows of the losses [steps] of batches, read at once: a GPU need not wait after each step.

    They are one tensor: thousands of small ones, each made between the large ones of two steps, keep the heap
    from being used again, and an epoch of millions of rows took gigabytes.
    """
    total = 0.0
    for loss, index in zip(losses.tolist(), batches, strict=True):
        total += loss * len(index)
    return total / sum(map(len, batches))


def optimizer_step(optimizer: torch.optim.Optimizer, loss: Tensor, learning_rate: float) -> None:
    """One step at `learning_rate`, with gradients clipped to a norm of 1."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
