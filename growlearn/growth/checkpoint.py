"""The state of an unfinished training, as one safetensors file that is replaced whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from growlearn.domain.growth import Epoch
from growlearn.growth.model import weights

State = dict[str, Tensor]


@dataclass(frozen=True)
class Course:
    """Where training stands: epochs done, and the weights of the best of them so far."""

    epochs: tuple[Epoch, ...]
    best: State
    best_loss: float
    birth_loss: float

    @property
    def best_epoch(self) -> int:
        """The epoch (from 1) with the lowest validation loss; 0 where none was better than the beginning."""
        return min(
            (e.epoch for e in self.epochs if e.validation_loss == self.best_loss),
            default=0,
        )


def state_of(modules: Sequence[nn.Module]) -> State:
    """All weights and buffers of several modules, copied."""
    return {
        f"{i}.{name}": value.clone()
        for i, module in enumerate(modules)
        for name, value in module.state_dict().items()
    }


def restore(modules: Sequence[nn.Module], state: Mapping[str, Tensor]) -> None:
    """Put a state back."""
    for i, module in enumerate(modules):
        module.load_state_dict(weights.under(f"{i}.", state))


def save(path: Path, course: Course, modules: Sequence[nn.Module], optimizer: torch.optim.Optimizer) -> None:
    """Write the checkpoint durably: the old one stays until the new one is whole."""
    moments = {
        f"{i}.{name}": value
        for i, slots in optimizer.state_dict()["state"].items()
        for name, value in slots.items()
    }
    log = {"epochs": [asdict(e) for e in course.epochs], "losses": [course.best_loss, course.birth_loss]}
    content = weights.dump(
        {
            **{f"now/{name}": value for name, value in state_of(modules).items()},
            **{f"best/{name}": value for name, value in course.best.items()},
            **{f"moment/{name}": value for name, value in moments.items()},
            "log": torch.tensor(list(json.dumps(log).encode()), dtype=torch.uint8),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def resume(path: Path, modules: Sequence[nn.Module], optimizer: torch.optim.Optimizer) -> Course | None:
    """Put modules and optimiser back to where the checkpoint left them; None where there is none."""
    if not path.exists():
        return None
    state = weights.load(path.read_bytes())
    restore(modules, weights.under("now/", state))
    moments: dict[int, State] = {}
    for name, value in weights.under("moment/", state).items():
        at, _, slot = name.partition(".")
        moments.setdefault(int(at), {})[slot] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    log = json.loads(bytes(state["log"].tolist()))
    best_loss, birth_loss = log["losses"]
    return Course(
        epochs=tuple(Epoch(**epoch) for epoch in log["epochs"]),
        best=weights.under("best/", state),
        best_loss=best_loss,
        birth_loss=birth_loss,
    )
