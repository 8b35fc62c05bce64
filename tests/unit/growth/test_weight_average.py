"""Averages of trained weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from growlearn.growth.weight_average import track_averages, use_averages


def train(values: list[float]) -> tuple[nn.Parameter, torch.optim.Optimizer]:
    """A parameter that steps through the given values, and its optimiser."""
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([parameter], lr=0.0, weight_decay=0.0)
    track_averages(optimizer)
    for value in values:
        with torch.no_grad():
            parameter.fill_(value)
        parameter.grad = torch.ones(1)
        optimizer.step()
    return parameter, optimizer


def test_the_average_follows_its_formula() -> None:
    values = [float(value) for value in range(1, 2001)]
    parameter, optimizer = train(values)
    expected = values[0]
    for step, value in enumerate(values, 1):
        decay = min(0.99, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    with use_averages(optimizer):
        assert parameter.item() == pytest.approx(expected, rel=1e-4)
    assert expected == pytest.approx(2000 - 99, abs=0.1)  # it lags by about a hundred steps


def test_the_trained_weights_come_back() -> None:
    parameter, optimizer = train([1.0, 3.0])
    with use_averages(optimizer):
        assert parameter.item() != 3.0
    assert parameter.item() == 3.0
    with pytest.raises(ValueError, match="interrupted"), use_averages(optimizer):
        raise ValueError("interrupted")
    assert parameter.item() == 3.0


def test_a_weight_that_was_never_trained_stays_as_it_is() -> None:
    frozen, trained = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimizer = torch.optim.AdamW([frozen, trained])
    track_averages(optimizer)
    trained.grad = torch.ones(1)
    optimizer.step()
    with use_averages(optimizer):
        assert frozen.item() == 1.0


def test_a_stored_optimizer_keeps_the_averages() -> None:
    parameter, optimizer = train([1.0, 5.0, 2.0])
    other, copy = train([])
    copy.load_state_dict(optimizer.state_dict())
    with torch.no_grad():
        other.copy_(parameter)
    with use_averages(optimizer), use_averages(copy):
        assert torch.equal(parameter, other)
