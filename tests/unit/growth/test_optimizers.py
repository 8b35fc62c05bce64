from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from growlearn.growth import optimizers

Made = tuple[torch.optim.Optimizer, Tensor]


def make_adamw(family: type[torch.optim.AdamW]) -> Made:
    weight, bias = torch.nn.Parameter(torch.ones(3, 2)), torch.nn.Parameter(torch.zeros(2))
    groups = [{"params": [weight], "weight_decay": 0.1}, {"params": [bias], "weight_decay": 0.0}]
    return family(groups, lr=0.05), weight


def make_lbfgs(family: type[torch.optim.LBFGS]) -> Made:
    weight = torch.nn.Parameter(torch.ones(3, 2))
    return family([weight], max_iter=5, line_search_fn="strong_wolfe"), weight


def take_steps(optimizer: torch.optim.Optimizer, weight: Tensor, count: int) -> Tensor:
    def closure() -> float:
        optimizer.zero_grad()
        with torch.enable_grad():
            loss = torch.exp(weight).sum() - 3 * (weight * torch.arange(6.0).reshape(3, 2)).sum()
            loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    for _ in range(count):
        optimizer.step(closure)
    return weight.detach().clone()


@pytest.mark.parametrize(
    ("make", "ours", "torch_s"),
    [
        (make_adamw, optimizers.AdamW, torch.optim.AdamW),
        (make_lbfgs, optimizers.LBFGS, torch.optim.LBFGS),
    ],
)
def test_steps_are_torch_s_to_the_last_bit_also_after_a_restart(
    make: Callable[[type], Made], ours: type, torch_s: type
) -> None:
    expected = take_steps(*make(torch_s), 7)
    interrupted, before = make(ours)
    reached = take_steps(interrupted, before, 4)
    optimizer, weight = make(ours)
    optimizer.load_state_dict(interrupted.state_dict())
    with torch.no_grad():
        weight.copy_(reached)
    assert torch.equal(take_steps(optimizer, weight, 3), expected)


def test_hooks_are_called_after_a_step_and_gradients_are_on_again() -> None:
    optimizer, weight = make_adamw(optimizers.AdamW)
    steps: list[bool] = []
    optimizer.register_step_post_hook(lambda *_: steps.append(torch.is_grad_enabled()))
    take_steps(optimizer, weight, 2)
    assert steps == [True, True]


def test_a_step_imports_no_compiler() -> None:
    script = """
import sys
import torch
from growlearn.growth.optimizers import LBFGS, AdamW
weight = torch.nn.Parameter(torch.ones(3))
for optimizer in (AdamW([weight]), LBFGS([weight])):
    def closure():
        optimizer.zero_grad()
        with torch.enable_grad():
            loss = weight.square().sum()
            loss.backward()
        return loss
    optimizer.step(closure)
    optimizer.state_dict()
optimizer = AdamW([weight])
optimizer.load_state_dict(optimizer.state_dict())
assert "torch._dynamo" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
