"""A head's first fit: the best linear readout of the features that a branch is born with."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.growth.model.head import Head

MOST_ROWS = 2048  # that a readout is fitted on
_DECAY = 1e-3
_STEPS = 50


def fit_readout(head: Head, features: Tensor, targets: Tensor) -> None:
    """Fit W and b of a head by logistic regression; gates and norm stay as they are.

    Features [N, 1 + k, D], targets [N]. Cross-entropy + 1e-3 |W|^2 is convex and D is small: L-BFGS finds
    its least from wherever the head stands, in a fraction of an epoch. Training then starts from what the
    features already say, rather than from a random or a misled answer (docs/adr/0008).
    """
    with torch.no_grad():
        h = head.norm((features * head.gates).sum(1))  # [N, D]
    weight = head.linear.weight.detach().clone().requires_grad_(True)  # [C, D]
    bias = head.linear.bias.detach().clone().requires_grad_(True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(F.linear(h, weight, bias), targets) + _DECAY * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        head.linear.weight.copy_(weight)
        head.linear.bias.copy_(bias)
