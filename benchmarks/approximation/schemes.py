"""Training schemes for parallel branches: which losses are minimised, over which weights, in how many steps.

- `joint`: the loss of the whole alone.
- `averaged`, this project's: the mean of all prefixes' losses, in one backward pass.
- `stepwise`, as in the released code of ParaFormer (Wang, Wei and Li 2025): for each batch one optimiser
  step on every prefix 1 .. K, then a second pass over the data on the whole. It costs (K + 3) / 2 of joint.
- `supervised`: the sum of all prefixes' losses, each prefix with a head of its own where the form has them
  (Lee et al. 2015, "Deeply-supervised nets").
- `greedy`: one branch after the other, earlier ones frozen (Bengio et al. 2007; Belilovsky et al. 2019);
  each gets the same number of steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Step:
    """One optimiser step on the losses of the prefixes of first .. last branches.

    `branch` (from 0) is the only one that is trained; None: all are.
    """

    first: int
    last: int
    branch: int | None = None


StepSchedule = Callable[[int, float], tuple[Step, ...]]
"""The steps for one batch, from K branches and the fraction (0 to 1) of training done."""


def _one_cycle(_: int) -> int:
    return 1


def _one_cycle_per_branch(branches: int) -> int:
    return branches


@dataclass(frozen=True)
class Scheme:
    """The steps for a batch, one entry for each pass over the data in an epoch.

    `reduce` turns the losses [n] of a step's prefixes into one; `cycles` is the number of cycles of the
    learning rate for K branches.
    """

    passes: tuple[StepSchedule, ...]
    reduce: Callable[[Tensor], Tensor]
    cycles: Callable[[int], int] = _one_cycle


def _step_on_whole_model(branches: int, _: float) -> tuple[Step, ...]:
    return (Step(branches, branches),)


def _step_on_all_prefixes(branches: int, _: float) -> tuple[Step, ...]:
    return (Step(1, branches),)


def _one_step_per_prefix(branches: int, _: float) -> tuple[Step, ...]:
    return tuple(Step(prefix, prefix) for prefix in range(1, branches + 1))


def _step_on_newest_branch(branches: int, progress: float) -> tuple[Step, ...]:
    newest = min(int(progress * branches), branches - 1)
    return (Step(newest + 1, newest + 1, newest),)


def _mean_loss(losses: Tensor) -> Tensor:
    return losses.mean()


def _sum_loss(losses: Tensor) -> Tensor:
    return losses.sum()


SCHEMES: dict[str, Scheme] = {
    "joint": Scheme((_step_on_whole_model,), _mean_loss),
    "averaged": Scheme((_step_on_all_prefixes,), _mean_loss),
    "stepwise": Scheme((_one_step_per_prefix, _step_on_whole_model), _mean_loss),
    "supervised": Scheme((_step_on_all_prefixes,), _sum_loss),
    "greedy": Scheme((_step_on_newest_branch,), _mean_loss, cycles=_one_cycle_per_branch),
}
"""Every scheme by name."""
