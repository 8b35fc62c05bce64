"""The state of an unfinished training, as one safetensors file that is replaced whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from growlearn.domain.errors import CorruptArtifact
from growlearn.domain.growth import Epoch
from growlearn.network.model import weights

StateDict = dict[str, Tensor]
_SCORES = ("best_loss", "initial_loss", "best_cost", "initial_cost", "best_epoch")


@dataclass(frozen=True)
class TrainingState:
    """The epochs done so far, and the weights of the best one.

    `best_epoch` counts from 1; 0 where none beat the initial weights. `initial_loss` and `initial_cost` are
    those before any training. A cost is what the best epoch has least of: see `ValidationScore`.
    """

    epochs: tuple[Epoch, ...]
    best: StateDict
    best_loss: float
    initial_loss: float
    best_cost: float
    initial_cost: float
    best_epoch: int = 0


def copy_state(modules: Sequence[nn.Module]) -> StateDict:
    """All weights and buffers of several modules, copied."""
    return {
        f"{i}.{name}": value.clone()
        for i, module in enumerate(modules)
        for name, value in module.state_dict().items()
    }


def restore_state(modules: Sequence[nn.Module], state: Mapping[str, Tensor]) -> None:
    """Load a copied state into the modules."""
    for i, module in enumerate(modules):
        module.load_state_dict(weights.with_prefix(f"{i}.", state))


def save_checkpoint(
    path: Path, training_state: TrainingState, modules: Sequence[nn.Module], optimizer: torch.optim.Optimizer
) -> None:
    """Write the checkpoint to disk; the old file stays until the new one is complete.

    Raises FileNotFoundError where somebody deleted the folder: this training was taken over.
    """
    moments = {
        f"{i}.{name}": value
        for i, slots in optimizer.state_dict()["state"].items()
        for name, value in slots.items()
    }
    log = {
        "epochs": [asdict(epoch) for epoch in training_state.epochs],
        "scores": {name: getattr(training_state, name) for name in _SCORES},
    }
    content = weights.dump_weights(
        {
            **{f"now/{name}": value for name, value in copy_state(modules).items()},
            **{f"best/{name}": value for name, value in training_state.best.items()},
            **{f"moment/{name}": value for name, value in moments.items()},
            "log": torch.tensor(list(json.dumps(log).encode()), dtype=torch.uint8),
        }
    )
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load_checkpoint(
    path: Path, modules: Sequence[nn.Module], optimizer: torch.optim.Optimizer
) -> TrainingState | None:
    """Restore modules and optimiser from a checkpoint; None where there is no file of ours."""
    try:
        state = weights.load_weights(path.read_bytes())
    except (FileNotFoundError, CorruptArtifact):  # a training that begins again gives the same weights
        return None
    restore_state(modules, weights.with_prefix("now/", state))
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    moments: dict[int, StateDict] = {}
    for name, value in weights.with_prefix("moment/", state).items():
        index, _, slot = name.partition(".")
        moments.setdefault(int(index), {})[slot] = _as_in_memory(value, parameters[int(index)])
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    log = json.loads(bytes(state["log"].tolist()))
    return TrainingState(
        epochs=tuple(Epoch(**epoch) for epoch in log["epochs"]),
        best=weights.with_prefix("best/", state),
        **log["scores"],
    )


def _as_in_memory(value: Tensor, parameter: Tensor) -> Tensor:
    """A moment with the memory layout of its parameter: the last bit of a step can depend on it."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value
