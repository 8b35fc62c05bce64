"""Optimisers of torch without the wrappers that `torch.compile` needs.

Each of those wrappers imports `torch._dynamo`, the tracer of `torch.compile`, when it is first called. That
takes 1.7 s of every training process, and nothing here is compiled. They follow the convention of
`functools.wraps`, so what they wrap is found by `inspect.unwrap`; where a torch has none, nothing changes.
"""

from __future__ import annotations

from inspect import unwrap

import torch
from torch.optim import Optimizer


class AdamW(torch.optim.AdamW):
    """AdamW (Loshchilov and Hutter 2019): the steps, to the last bit, of `torch.optim.AdamW`."""

    add_param_group = unwrap(Optimizer.add_param_group)
    zero_grad = unwrap(Optimizer.zero_grad)
    state_dict = unwrap(Optimizer.state_dict)
    load_state_dict = unwrap(Optimizer.load_state_dict)
    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))  # the wrapper left out switches gradients off too


class LBFGS(torch.optim.LBFGS):
    """L-BFGS (Liu and Nocedal 1989): the steps, to the last bit, of `torch.optim.LBFGS`."""

    add_param_group = unwrap(Optimizer.add_param_group)
    zero_grad = unwrap(Optimizer.zero_grad)
    state_dict = unwrap(Optimizer.state_dict)
    load_state_dict = unwrap(Optimizer.load_state_dict)
