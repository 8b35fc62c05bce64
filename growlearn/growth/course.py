"""Epoch after epoch at the pace that the validation losses set, with a checkpoint after each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from growlearn.domain.growth import Epoch, Progress
from growlearn.domain.job import GrowthSpec
from growlearn.growth import checkpoint
from growlearn.growth.checkpoint import Course
from growlearn.growth.schedule import Pace, pace
from growlearn.ports import Report


@dataclass(frozen=True)
class Tuition:
    """What is done to the modules of a course.

    `begin` may improve on their birth before any epoch, and is undone where it does not. `epoch` is one pass
    over the training rows, counted from 1, and returns the mean loss in nats. `validate` says loss in nats
    and accuracy on validation rows.
    """

    begin: Callable[[], None]
    epoch: Callable[[torch.optim.Optimizer, int, Pace], float]
    validate: Callable[[], tuple[float, float]]


def run_course(
    modules: Sequence[nn.Module],
    spec: GrowthSpec,
    path: Path,
    tuition: Tuition,
    report: Report,
) -> Course:
    """Train the modules from the checkpoint at `path`, or from their birth where there is none."""
    optimizer = optimizer_of(modules, spec)
    course = checkpoint.resume(path, modules, optimizer)
    if course is None:
        course = begun(modules, tuition)
    while len(course.epochs) < (now := _pace(spec, course)).last:
        epoch, started = len(course.epochs) + 1, time.perf_counter()
        train_loss = tuition.epoch(optimizer, epoch, now)
        loss, accuracy = tuition.validate()
        done = Epoch(
            epoch=epoch,
            train_loss=train_loss,
            validation_loss=loss,
            validation_accuracy=accuracy,
            seconds=time.perf_counter() - started,
        )
        better = loss < course.best_loss
        course = Course(
            (*course.epochs, done),
            checkpoint.state_of(modules) if better else course.best,
            loss if better else course.best_loss,  # never NaN: a diverged epoch is not better
            course.birth_loss,
        )
        checkpoint.save(path, course, modules, optimizer)
        note = f"validation loss {loss:.4f}, accuracy {accuracy:.1%}"
        report(Progress(stage="training", done=epoch, total=spec.epochs, note=note))
    return course


def begun(modules: Sequence[nn.Module], tuition: Tuition) -> Course:
    """A course before its first epoch, from the better of birth and beginning."""
    birth, birth_loss = checkpoint.state_of(modules), tuition.validate()[0]
    tuition.begin()
    loss = tuition.validate()[0]
    if loss < birth_loss:  # never NaN
        return Course((), checkpoint.state_of(modules), loss, birth_loss)
    checkpoint.restore(modules, birth)
    return Course((), birth, birth_loss, birth_loss)


def _pace(spec: GrowthSpec, course: Course) -> Pace:
    return pace(spec, course.birth_loss, [epoch.validation_loss for epoch in course.epochs])


def optimizer_of(modules: Sequence[nn.Module], spec: GrowthSpec) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019); only matrices decay, not gates, norms, biases or positions."""
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for module in modules:
        for name, parameter in module.named_parameters():
            (matrices if name.endswith("weight") and parameter.ndim > 1 else others).append(parameter)
    groups = [
        {"params": matrices, "weight_decay": spec.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=spec.learning_rate)


def step(optimizer: torch.optim.Optimizer, loss: Tensor, rate: float) -> None:
    """One step at a learning rate, gradients clipped to a norm of 1."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    touched = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    torch.nn.utils.clip_grad_norm_(touched, 1.0)
    optimizer.step()
