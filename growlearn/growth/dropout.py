"""The random numbers of dropout in training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seed_dropout(seed: int, epoch: int) -> Iterator[None]:
    """Within the context torch's generator starts from seed and epoch alone; then it is as it was.

    So an epoch that is done again after an interruption drops the same values.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed * 1021 + epoch)
        yield
