"""Moving averages of the trained weights, kept in the state of their optimiser.

The last steps of stochastic training scatter around a minimum, most of all with few rows or noisy labels; the
average of these weights lies closer to it than the last of them (Polyak and Juditsky 1992; Izmailov et al.
2018). A slot of the optimiser's state holds the average, so that a checkpoint holds it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_SLOT = "average"
_DECAY = 0.99  # an average over about 100 steps


def track_averages(optimizer: torch.optim.Optimizer) -> None:
    """Average every parameter over the steps of an optimiser of the Adam family from now on.

    average <- d * average + (1 - d) * parameter with d = min(0.99, (1 + t) / (10 + t)) after step t, so that
    the first steps are soon forgotten.
    """
    optimizer.register_step_post_hook(_update_averages)


def _update_averages(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    for parameter, slots in optimizer.state.items():
        step = float(slots["step"])
        average = slots.setdefault(_SLOT, parameter.detach().clone())
        average.lerp_(parameter.detach(), 1 - min(_DECAY, (1 + step) / (10 + step)))


@contextmanager
def use_averages(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Within the context every parameter that has been trained holds its average."""
    averages: dict[Tensor, Tensor] = {
        parameter: slots[_SLOT] for parameter, slots in optimizer.state.items() if _SLOT in slots
    }
    trained = {parameter: parameter.detach().clone() for parameter in averages}
    _copy(averages)
    try:
        yield
    finally:
        _copy(trained)


def _copy(values: dict[Tensor, Tensor]) -> None:
    with torch.no_grad():
        for parameter, value in values.items():
            parameter.copy_(value)
