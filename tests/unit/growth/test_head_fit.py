"""The first fit of a head."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.growth.head_fit import fit_linear_head
from growlearn.network.model.head import Head


def problem(seed: int, classes: int) -> tuple[Head, torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    features = torch.randn(200, 2, 8)
    targets = (features.sum((1, 2)) > 0).long() + (features[:, 0, 0] > 1).long() * (classes > 2)
    return Head(2, 8, classes), features, targets


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 4))
def test_the_loss_falls_and_gates_and_norm_do_not_change(seed: int, classes: int) -> None:
    head, features, targets = problem(seed, classes)
    before_fit = {name: value.clone() for name, value in head.state_dict().items()}
    before = F.cross_entropy(head(features), targets)
    fit_linear_head(head, features, targets)
    assert F.cross_entropy(head(features), targets) < before
    after_fit = head.state_dict()
    assert all(torch.equal(before_fit[name], after_fit[name]) for name in ("gates", "norm.weight"))


def test_the_fit_does_not_depend_on_the_start() -> None:
    one, features, targets = problem(0, 3)
    other, *_ = problem(1, 3)
    for head in (one, other):
        fit_linear_head(head, features, targets)
    assert torch.allclose(one(features).softmax(1), other(features).softmax(1), atol=0.005)


def test_a_single_row_can_be_fitted() -> None:
    head, features, targets = problem(0, 2)
    fit_linear_head(head, features[:1], targets[:1])
    assert head(features[:1]).isfinite().all()
