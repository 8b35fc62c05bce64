"""Training schemes for parallel branches: which prefixes' losses fall, on which weights, in how many steps.

- `joint`: the loss of the whole alone.
- `averaged`, this project's: the mean of all prefixes' losses, in one backward pass.
- `stepwise`, as in the released code of ParaFormer (Wang, Wei and Li 2025): for each batch one optimiser
  step on every prefix 1 .. K, then a second pass over the data on the whole. It costs (K + 3) / 2 of joint.
- `supervised`: the sum of all prefixes' losses, each prefix with a head of its own where the form has them
  (Lee et al. 2015, "Deeply-supervised nets").
- `greedy`: one branch after the other, earlier ones frozen (Bengio et al. 2007; Belilovsky et al. 2019);
  each has an equal share of the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Step:
    """One optimiser step on the losses of the prefixes of first .. last branches.

    `branch` (from 0) is the one that alone learns; None: all learn.
    """

    first: int
    last: int
    branch: int | None = None


Steps = Callable[[int, float], tuple[Step, ...]]
"""The steps for one batch, of K branches and the share (0 to 1) of training that is done."""


def _once(_: int) -> int:
    return 1


def _once_a_branch(branches: int) -> int:
    return branches


@dataclass(frozen=True)
class Scheme:
    """The steps for a batch, one entry for each pass over the data that an epoch makes.

    `reduce` turns the losses [n] of a step's prefixes into one; `cycles` is how often, for K branches, the
    learning rate rises and falls.
    """

    passes: tuple[Steps, ...]
    reduce: Callable[[Tensor], Tensor]
    cycles: Callable[[int], int] = _once


def _whole(branches: int, _: float) -> tuple[Step, ...]:
    return (Step(branches, branches),)


def _every(branches: int, _: float) -> tuple[Step, ...]:
    return (Step(1, branches),)


def _each(branches: int, _: float) -> tuple[Step, ...]:
    return tuple(Step(prefix, prefix) for prefix in range(1, branches + 1))


def _newest(branches: int, done: float) -> tuple[Step, ...]:
    newest = min(int(done * branches), branches - 1)
    return (Step(newest + 1, newest + 1, newest),)


def _mean(losses: Tensor) -> Tensor:
    return losses.mean()


def _sum(losses: Tensor) -> Tensor:
    return losses.sum()


SCHEMES: dict[str, Scheme] = {
    "joint": Scheme((_whole,), _mean),
    "averaged": Scheme((_every,), _mean),
    "stepwise": Scheme((_each, _whole), _mean),
    "supervised": Scheme((_every,), _sum),
    "greedy": Scheme((_newest,), _mean, cycles=_once_a_branch),
}
"""Every scheme by name."""
