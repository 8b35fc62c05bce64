"""When the learning rate rises and falls, and when training ends: all from the validation losses so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from growlearn.domain.job import GrowthSpec

_WARM_UP = 0.1  # share of all epochs over which the learning rate rises


@dataclass(frozen=True)
class Pace:
    """Training ends after `last` epochs; from `stalled` epochs on the rate falls straight to zero there."""

    spec: GrowthSpec
    last: int
    stalled: int | None = None

    def rate(self, done: float) -> float:
        """Learning rate after so many epochs, parts of one included.

        One cycle: a linear rise, then half a cosine down to zero (Smith and Topin 2018), unless the
        validation loss stalled on the way.
        """
        if self.stalled is None or done < self.stalled:
            return self._cycle(done)
        return self._cycle(self.stalled) * (self.last - done) / (self.last - self.stalled)

    def _cycle(self, done: float) -> float:
        progress, peak = done / self.spec.epochs, self.spec.learning_rate
        if progress < _WARM_UP:
            return peak * (0.04 + 0.96 * progress / _WARM_UP)
        return peak * 0.5 * (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP)))


def pace(spec: GrowthSpec, birth_loss: float, losses: Sequence[float]) -> Pace:
    """The pace of what is left, after epochs with these validation losses.

    Where `patience` epochs have brought no better loss, the rate is brought down to zero over as many
    further ones, for a loss that has stalled at a high rate still falls as the rate does; then
    training ends. A function of the losses alone, so that a resumed training keeps the pace.
    """
    best, best_at = birth_loss, 0
    for at, loss in enumerate(losses, 1):
        if loss < best:
            best, best_at = loss, at
        elif at - best_at >= spec.patience and at < spec.epochs:
            return Pace(spec, min(spec.epochs, at + spec.patience), at)
    return Pace(spec, spec.epochs)
