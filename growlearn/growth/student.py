"""One branch that learns several tasks from the teacher's logits and the labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.domain.lineage import Calibration
from growlearn.growth.branch_init import StemBranchPair, clone_pair
from growlearn.growth.feature_cache import keep_inputs
from growlearn.growth.head_fit import MAX_FIT_ROWS, fit_linear_head
from growlearn.growth.task_grouping import TaskGroup
from growlearn.growth.training_data import to_class_indices
from growlearn.ingest.rows import Rows, concat_rows
from growlearn.network.model.head import Head
from growlearn.network.model.network import INFERENCE_BATCH_SIZE, GrowingNetwork
from growlearn.network.stems.columns import EncodedInputs
from growlearn.network.transfer import pick, to_device

_TEMPERATURE = 2.0
_TEACHER_WEIGHT = 0.5  # weight of the teacher's logits; the labels have the rest


@dataclass(frozen=True)
class Student:
    """A new branch on a stem of its own, and a head for each task of its group.

    `class_weights` of each head [C] weigh the rows' labels as in the teacher's own training; None: all 1.
    """

    task_group: TaskGroup
    pair: StemBranchPair
    heads: tuple[Head, ...]
    class_weights: tuple[Tensor | None, ...]

    @property
    def device(self) -> torch.device:
        """The device of its weights."""
        return self.pair.stem.device

    def modules(self) -> list[nn.Module]:
        """The modules that are trained."""
        return [self.pair.stem, self.pair.branch, *self.heads]

    def features(self, inputs: EncodedInputs) -> Tensor:
        """Encoded inputs of B rows -> pool(z) and pool(R(z)), [B, 2, D]."""
        z = self.pair.stem(inputs)  # [B, T, D]
        return torch.stack([z.mean(1), self.pair.branch.pooled(z)], dim=1)

    def fit_initial_heads(self, data: DistillationData) -> None:
        """Fit every head to the features of the copied branch on its task's rows."""
        for task_index, head in enumerate(self.heads):
            task_rows = torch.nonzero(data.task_index == task_index).squeeze(1).cpu()
            order = torch.randperm(len(task_rows), generator=torch.Generator().manual_seed(task_index))
            sample = task_rows[order[:MAX_FIT_ROWS]]
            batches = torch.split(sample, INFERENCE_BATCH_SIZE)
            with torch.no_grad():
                parts = [self.features(data.batch_inputs(index)) for index in batches]
            features = torch.cat(parts)  # [n, 2, D]
            weights, targets = self.class_weights[task_index], pick(data.targets, sample)
            fit_linear_head(head, features, targets, None if weights is None else weights[targets])

    def num_parameters(self) -> int:
        """The number of weights that are trained."""
        return sum(parameter.numel() for module in self.modules() for parameter in module.parameters())


@dataclass(frozen=True)
class DistillationData:
    """Rows of a group's tasks: `task_index` [N] is each row's task, `targets` [N] its class.

    `teacher_logits` [N, C] are the teacher's logits; a task with fewer classes uses the first columns. All
    is where the student is but row indices, which are on the CPU, and encoded inputs, which may be.
    """

    inputs: EncodedInputs
    task_index: Tensor
    targets: Tensor
    teacher_logits: Tensor

    def __len__(self) -> int:
        return len(self.task_index)

    def batch_inputs(self, index: Tensor) -> EncodedInputs:
        """The encoded inputs of some rows."""
        return {name: pick(column, index) for name, column in self.inputs.items()}


def init_student(
    task_group: TaskGroup,
    teacher: GrowingNetwork,
    rows: Mapping[str, Rows],
    seed: int,
    calibrations: Mapping[str, Calibration] = MappingProxyType({}),
) -> Student:
    """A copy of the group's branch and its stem, and a new head per task, drawn from the seed.

    The copy's normalisation of inputs is fitted to the rows of all tasks of the group. `calibrations` are
    those of the teacher's heads, which hold the class weights that they were trained with.
    """
    pair = clone_pair(teacher, task_group.branch, concat_rows([rows[task] for task in task_group.tasks]))
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        heads = [
            Head(2, teacher.config.embed_dim, len(_task_classes(teacher, task))).to(teacher.device)
            for task in task_group.tasks
        ]
    class_weights = tuple(
        to_device(torch.tensor(calibrations[task].offsets).neg().exp(), teacher.device)
        if task in calibrations and calibrations[task].offsets
        else None
        for task in task_group.tasks
    )
    return Student(task_group, pair, tuple(heads), class_weights)


def make_distillation_data(
    student: Student, teacher: GrowingNetwork, rows: Mapping[str, Rows]
) -> DistillationData:
    """The rows of a student's tasks with the teacher's logits."""
    tasks = student.task_group.tasks
    parts = [rows[task] for task in tasks]
    teacher_logits = [torch.from_numpy(teacher.logits(rows[task], task)) for task in tasks]  # each [n, C]
    max_classes = max(logits.shape[1] for logits in teacher_logits)
    task_index = torch.cat([torch.full((len(part),), i) for i, part in enumerate(parts)])
    targets = [to_class_indices(rows[task].labels, _task_classes(teacher, task)) for task in tasks]
    padded = [F.pad(logits, (0, max_classes - logits.shape[1])) for logits in teacher_logits]
    return DistillationData(
        keep_inputs(student.pair.stem, student.pair.stem.encode(concat_rows(parts))),
        to_device(task_index, teacher.device),
        to_device(torch.cat(targets), teacher.device),
        to_device(torch.cat(padded), teacher.device),
    )


def batch_loss(student: Student, data: DistillationData, index: Tensor) -> Tensor:
    """Mean loss of the rows at `index` [B], which may belong to several tasks of the group."""
    features = student.features(data.batch_inputs(index))  # [B, 2, D]
    index, total = to_device(index, features.device), features.new_zeros(())
    for task_index, head in enumerate(student.heads):
        mask = data.task_index[index] == task_index  # [B]
        task_rows = index[mask]
        total = total + distillation_loss(
            head(features[mask]),
            data.teacher_logits[task_rows],
            data.targets[task_rows],
            student.class_weights[task_index],
        )
    return total / len(index)


def distillation_loss(
    logits: Tensor, teacher_logits: Tensor, targets: Tensor, class_weights: Tensor | None = None
) -> Tensor:
    """Sum over rows of (1 - a) CE(labels) + a T^2 KL(teacher || student) at temperature T.

    Labels count by their class weights [C], where those are given. Logits [n, C], teacher_logits [n, C or
    more], targets [n]. After Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network".
    """
    divergence = F.kl_div(
        F.log_softmax(logits / _TEMPERATURE, 1),
        F.log_softmax(teacher_logits[:, : logits.shape[1]] / _TEMPERATURE, 1),
        log_target=True,
        reduction="sum",
    )
    if class_weights is None:
        label_loss = F.cross_entropy(logits, targets, reduction="sum")
    else:
        label_loss = (F.cross_entropy(logits, targets, reduction="none") * class_weights[targets]).sum()
    return (1 - _TEACHER_WEIGHT) * label_loss + _TEACHER_WEIGHT * _TEMPERATURE**2 * divergence


@dataclass(frozen=True)
class TaskOutcome:
    """One task's validation rows: the mean distillation loss, and the head's logits [n, C], targets [n]."""

    loss: float
    logits: Tensor
    targets: Tensor

    @property
    def accuracy(self) -> float:
        """Share of the rows that the largest logit gets right."""
        return (self.logits.argmax(1) == self.targets).double().mean().item()


@torch.no_grad()
def evaluate_student(student: Student, data: DistillationData) -> list[TaskOutcome]:
    """Each task of the group on the rows of the data."""
    batches = torch.split(torch.arange(len(data)), INFERENCE_BATCH_SIZE)
    features = torch.cat([student.features(data.batch_inputs(index)) for index in batches])  # [N, 2, D]
    results = []
    for task_index, head in enumerate(student.heads):
        mask = data.task_index == task_index
        logits, targets = head(features[mask]), data.targets[mask]  # [n, C], [n]
        class_weights = student.class_weights[task_index]
        loss = distillation_loss(logits, data.teacher_logits[mask], targets, class_weights)
        results.append(TaskOutcome(loss.item() / len(targets), logits, targets))
    return results


def _task_classes(teacher: GrowingNetwork, task: str) -> tuple[int | str, ...]:
    return teacher.classes[teacher.task_index[task]]
