"""The learning rate and the number of epochs, both decided by the validation losses so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from growlearn.domain.growth_config import GrowthConfig

_WARMUP_FRACTION = 0.1  # share of all epochs over which the learning rate rises


@dataclass(frozen=True)
class LrSchedule:
    """A learning rate for each moment of training, which ends after `last_epoch` epochs.

    From `plateau_epoch` on the rate falls linearly to zero at `last_epoch`.
    """

    config: GrowthConfig
    last_epoch: int
    plateau_epoch: int | None = None

    def learning_rate_at(self, epochs_done: float) -> float:
        """Learning rate after a number of epochs, which need not be whole.

        One cycle: linear warm-up, then a cosine down to zero (Smith and Topin 2018); a plateau of the
        validation loss ends it early.
        """
        if self.plateau_epoch is None or epochs_done < self.plateau_epoch:
            return self._one_cycle_rate(epochs_done)
        return (
            self._one_cycle_rate(self.plateau_epoch)
            * (self.last_epoch - epochs_done)
            / (self.last_epoch - self.plateau_epoch)
        )

    def _one_cycle_rate(self, epochs_done: float) -> float:
        progress, peak = epochs_done / self.config.max_epochs, self.config.learning_rate
        if progress < _WARMUP_FRACTION:
            return peak * (0.04 + 0.96 * progress / _WARMUP_FRACTION)
        return peak * 0.5 * (1 + math.cos(math.pi * (progress - _WARMUP_FRACTION) / (1 - _WARMUP_FRACTION)))


def make_lr_schedule(config: GrowthConfig, initial_loss: float, losses: Sequence[float]) -> LrSchedule:
    """The schedule of the remaining epochs, given the validation losses of the epochs done.

    Where the best epoch is chosen by a metric, the losses are its values, turned so that less is better.
    After `patience` epochs without a better loss the rate falls to zero over as many further epochs, since a
    loss that stalls at a high rate still falls with the rate; then training ends. Only the losses decide,
    so a resumed training keeps its schedule.
    """
    best_loss, best_epoch = initial_loss, 0
    for epoch, loss in enumerate(losses, 1):
        if loss < best_loss:
            best_loss, best_epoch = loss, epoch
        elif epoch - best_epoch >= config.max_patience and epoch < config.max_epochs:
            return LrSchedule(config, min(config.max_epochs, epoch + config.max_patience), epoch)
    return LrSchedule(config, config.max_epochs)
