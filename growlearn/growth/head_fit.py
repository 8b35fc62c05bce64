"""The initial fit of a head: logistic regression on the features of an untrained branch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.growth.optimizers import LBFGS
from growlearn.network.model.head import Head

MAX_FIT_ROWS = 2048  # rows that a head is fitted on
_L2_STRENGTH = 1e-3
_MAX_ITERATIONS = 50


def cross_entropy(
    logits: Tensor, targets: Tensor, row_weights: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """Mean cross-entropy of logits [N, C], each row's times its weight [N] where weights are given.

    `smoothing` is the share of a target that all classes have alike (Szegedy et al. 2016).
    """
    if row_weights is None:
        return F.cross_entropy(logits, targets, label_smoothing=smoothing)
    losses = F.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)  # [N]
    return (losses * row_weights).mean()


def fit_linear_head(
    head: Head,
    features: Tensor,
    targets: Tensor,
    row_weights: Tensor | None = None,
    answer: Callable[[Tensor], Tensor] = lambda logits: logits,
) -> None:
    """Fit W and b of a head by logistic regression; gates and norm do not change.

    Features [N, 1 + k, D], targets and weights [N]; `answer` turns the head's logits [N, C] into those whose
    loss counts, a F + s h where a frozen answer enters. Cross-entropy + 1e-3 |W|^2 is convex and D is small,
    so L-BFGS finds the minimum from any start in a fraction of an epoch. Training then starts from a fitted
    head rather than from a random or a copied one (docs/adr/0008).
    """
    with torch.no_grad():
        h = head.norm((features * head.gates).sum(1))  # [N, D]
    weight = head.linear.weight.detach().clone().requires_grad_(True)  # [C, D]
    bias = head.linear.bias.detach().clone().requires_grad_(True)
    optimizer = LBFGS([weight, bias], max_iter=_MAX_ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        loss_of_rows = cross_entropy(answer(F.linear(h, weight, bias)), targets, row_weights)
        value = loss_of_rows + _L2_STRENGTH * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        head.linear.weight.copy_(weight)
        head.linear.bias.copy_(bias)
