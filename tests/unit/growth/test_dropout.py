"""The random numbers of dropout."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.growth.dropout import seed_dropout


def drop(seed: int, epoch: int) -> Tensor:
    with seed_dropout(seed, epoch):
        return F.dropout(torch.ones(50, 50))


def test_seed_and_epoch_decide_what_is_dropped() -> None:
    first = drop(3, 2)
    assert torch.equal(drop(3, 2), first)
    assert not torch.equal(drop(3, 3), first)
    assert not torch.equal(drop(4, 2), first)


def test_each_batch_of_an_epoch_drops_other_values() -> None:
    with seed_dropout(0, 1):
        assert not torch.equal(F.dropout(torch.ones(50, 50)), F.dropout(torch.ones(50, 50)))


def test_other_random_numbers_do_not_change() -> None:
    torch.manual_seed(7)
    expected = torch.rand(2)
    torch.manual_seed(7)
    drop(0, 1)
    assert torch.equal(torch.rand(2), expected)
