"""The training loop: one epoch after another by the learning rate schedule, with a checkpoint after each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from growlearn.domain.growth import Epoch, Progress
from growlearn.domain.job import GrowthConfig
from growlearn.growth import checkpoint
from growlearn.growth.checkpoint import TrainingState
from growlearn.growth.lr_schedule import LrSchedule, make_lr_schedule
from growlearn.ports import ProgressCallback


@dataclass(frozen=True)
class TrainingHooks:
    """The model-specific parts of the loop.

    `before_training` may improve the initial weights; the loop undoes it where the validation loss does not
    fall. `train_epoch` makes one pass over the training rows (epochs count from 1) and returns the mean loss
    in nats. `validate` returns loss in nats and accuracy on validation rows.
    """

    before_training: Callable[[], None]
    train_epoch: Callable[[torch.optim.Optimizer, int, LrSchedule], float]
    validate: Callable[[], tuple[float, float]]


def fit(
    modules: Sequence[nn.Module],
    config: GrowthConfig,
    checkpoint_path: Path,
    hooks: TrainingHooks,
    on_progress: ProgressCallback,
) -> TrainingState:
    """Train the modules from the checkpoint at `checkpoint_path`, or from their initial weights."""
    optimizer = make_optimizer(modules, config)
    training_state = checkpoint.load_checkpoint(checkpoint_path, modules, optimizer)
    if training_state is None:
        training_state = initial_state(modules, hooks)
    while True:
        lr_schedule = _current_lr_schedule(config, training_state)
        if len(training_state.epochs) >= lr_schedule.last_epoch:
            return training_state
        epoch, started = len(training_state.epochs) + 1, time.perf_counter()
        train_loss = hooks.train_epoch(optimizer, epoch, lr_schedule)
        loss, accuracy = hooks.validate()
        epoch_result = Epoch(
            epoch=epoch,
            train_loss=train_loss,
            validation_loss=loss,
            validation_accuracy=accuracy,
            seconds=time.perf_counter() - started,
        )
        improved = loss < training_state.best_loss
        training_state = TrainingState(
            (*training_state.epochs, epoch_result),
            checkpoint.copy_state(modules) if improved else training_state.best,
            loss if improved else training_state.best_loss,  # never NaN: a diverged epoch is no improvement
            training_state.initial_loss,
        )
        checkpoint.save_checkpoint(checkpoint_path, training_state, modules, optimizer)
        note = f"validation loss {loss:.4f}, accuracy {accuracy:.1%}"
        on_progress(Progress(stage="training", done=epoch, total=config.epochs, note=note))


def initial_state(modules: Sequence[nn.Module], hooks: TrainingHooks) -> TrainingState:
    """The state before the first epoch, after `before_training` where that lowers the validation loss."""
    initial_weights, initial_loss = checkpoint.copy_state(modules), hooks.validate()[0]
    hooks.before_training()
    loss = hooks.validate()[0]
    if loss < initial_loss:  # never NaN
        return TrainingState((), checkpoint.copy_state(modules), loss, initial_loss)
    checkpoint.restore_state(modules, initial_weights)
    return TrainingState((), initial_weights, initial_loss, initial_loss)


def _current_lr_schedule(config: GrowthConfig, training_state: TrainingState) -> LrSchedule:
    return make_lr_schedule(
        config, training_state.initial_loss, [epoch.validation_loss for epoch in training_state.epochs]
    )


def make_optimizer(modules: Sequence[nn.Module], config: GrowthConfig) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019); weight decay on matrices only, not on gates, norms or biases."""
    matrices: list[Tensor] = []
    no_decay: list[Tensor] = []
    for module in modules:
        for name, parameter in module.named_parameters():
            (matrices if name.endswith("weight") and parameter.ndim > 1 else no_decay).append(parameter)
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": no_decay, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate)


def optimizer_step(optimizer: torch.optim.Optimizer, loss: Tensor, learning_rate: float) -> None:
    """One step at `learning_rate`, with gradients clipped to a norm of 1."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
