"""One branch that takes over several tasks, taught by the model that answers them now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.growth.beginnings import Beginning, copied
from growlearn.growth.kinship import Circle
from growlearn.growth.model.head import Head
from growlearn.growth.model.network import BATCH_ROWS, GrowingNetwork
from growlearn.growth.readout import MOST_ROWS, fit_readout
from growlearn.growth.stems.columns import Inputs
from growlearn.growth.train import class_indices
from growlearn.ingest.rows import Rows, concat

_TEMPERATURE = 2.0
_TAUGHT = 0.5  # weight of the teacher's answers; the rest is that of the labels


@dataclass(frozen=True)
class Pupil:
    """A new branch on a stem of its own, and a head for each task of its circle."""

    circle: Circle
    begun: Beginning
    heads: tuple[Head, ...]

    def modules(self) -> list[nn.Module]:
        """What is trained."""
        return [self.begun.stem, self.begun.branch, *self.heads]

    def features(self, inputs: Inputs) -> Tensor:
        """Encoded inputs of B rows -> pool(z) and pool(R(z)), [B, 2, D]."""
        z = self.begun.stem(inputs)  # [B, T, D]
        return torch.stack([z.mean(1), self.begun.branch.pooled(z)], dim=1)

    def start_heads(self, feed: Feed) -> None:
        """Fit every head to what the copied branch says of its task's rows already."""
        for place, head in enumerate(self.heads):
            mine = torch.nonzero(feed.owner == place).squeeze(1)
            some = mine[torch.randperm(len(mine), generator=torch.Generator().manual_seed(place))[:MOST_ROWS]]
            with torch.no_grad():
                runs = torch.split(some, BATCH_ROWS)
                features = torch.cat([self.features(feed.of(index)) for index in runs])  # [n, 2, D]
            fit_readout(head, features, feed.targets[some])

    def parameters(self) -> int:
        """How many there are."""
        return sum(parameter.numel() for module in self.modules() for parameter in module.parameters())


@dataclass(frozen=True)
class Feed:
    """Rows of a circle's tasks: `owner` [N] is the place of each row's task, `targets` [N] its class.

    `taught` [N, C] are the teacher's logits, of which a task with fewer classes has the first ones.
    """

    inputs: Inputs
    owner: Tensor
    targets: Tensor
    taught: Tensor

    def __len__(self) -> int:
        return len(self.owner)

    def of(self, index: Tensor) -> Inputs:
        """The encoded inputs of some rows."""
        return {name: column[index] for name, column in self.inputs.items()}


def enrol(circle: Circle, teacher: GrowingNetwork, rows: Mapping[str, Rows], seed: int) -> Pupil:
    """A copy of the circle's branch and its stem, and a new head a task; fixed by the seed.

    The copy's normalisation of inputs is learned anew from the rows of all tasks of the circle.
    """
    begun = copied(teacher, circle.branch, concat([rows[task] for task in circle.tasks]))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        heads = [Head(1, teacher.spec.width, len(_classes(teacher, task))) for task in circle.tasks]
    return Pupil(circle, begun, tuple(heads))


def feed_of(pupil: Pupil, teacher: GrowingNetwork, rows: Mapping[str, Rows]) -> Feed:
    """The rows of a pupil's tasks, and what the teacher says of each."""
    tasks = pupil.circle.tasks
    parts = [rows[task] for task in tasks]
    taught = [torch.from_numpy(teacher.logits(rows[task], task)) for task in tasks]  # each [n, C of the task]
    widest = max(logits.shape[1] for logits in taught)
    return Feed(
        pupil.begun.stem.encode(concat(parts)),
        torch.cat([torch.full((len(part),), place) for place, part in enumerate(parts)]),
        torch.cat([class_indices(rows[task].labels, _classes(teacher, task)) for task in tasks]),
        torch.cat([F.pad(logits, (0, widest - logits.shape[1])) for logits in taught]),
    )


def lesson_loss(pupil: Pupil, feed: Feed, index: Tensor) -> Tensor:
    """Mean loss of rows by index [B], whichever task of the circle each belongs to."""
    features = pupil.features(feed.of(index))  # [B, 2, D]
    total = features.new_zeros(())
    for place, head in enumerate(pupil.heads):
        mine = feed.owner[index] == place  # [B]
        at = index[mine]
        total = total + distillation(head(features[mine]), feed.taught[at], feed.targets[at])
    return total / len(index)


def distillation(logits: Tensor, taught: Tensor, targets: Tensor) -> Tensor:
    """Sum over rows of (1 - a) CE(labels) + a T^2 KL(teacher || pupil) at temperature T.

    Logits [n, C], taught [n, C or more], targets [n]. After Hinton, Vinyals and Dean 2015, "Distilling the
    knowledge in a neural network".
    """
    divergence = F.kl_div(
        F.log_softmax(logits / _TEMPERATURE, 1),
        F.log_softmax(taught[:, : logits.shape[1]] / _TEMPERATURE, 1),
        log_target=True,
        reduction="sum",
    )
    truth = F.cross_entropy(logits, targets, reduction="sum")
    return (1 - _TAUGHT) * truth + _TAUGHT * _TEMPERATURE**2 * divergence


@torch.no_grad()
def marks(pupil: Pupil, feed: Feed) -> list[tuple[float, float]]:
    """Mean loss (as in training) and accuracy of each task of the circle."""
    runs = torch.split(torch.arange(len(feed)), BATCH_ROWS)
    features = torch.cat([pupil.features(feed.of(index)) for index in runs])  # [N, 2, D]
    found = []
    for place, head in enumerate(pupil.heads):
        mine = feed.owner == place
        logits, targets = head(features[mine]), feed.targets[mine]  # [n, C], [n]
        loss = distillation(logits, feed.taught[mine], targets).item() / len(targets)
        found.append((loss, (logits.argmax(1) == targets).double().mean().item()))
    return found


def _classes(teacher: GrowingNetwork, task: str) -> tuple[int | str, ...]:
    return teacher.classes[teacher.task_index[task]]
