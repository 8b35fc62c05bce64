"""Branches, tasks, the tree they form, and the manifest that describes a model."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from growlearn.domain.errors import NotFound
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.printable import list_names, plain_name
from growlearn.domain.schema import Label, Schema

_VERSION_SUFFIX = re.compile(r"/[0-9]+$")


class BranchState(StrEnum):
    """Whether a grown branch is part of a version."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, kw_only=True)
class BranchRecord:
    """One frozen Transformer stack; `id` is b1, b2, ...; `stem` is the branch whose stem feeds it."""

    stream: str
    id: str
    parent: str | None
    stem: str
    task: str
    window: str
    version: int | None
    parameters: int
    sha256: str
    state: BranchState
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Task:
    """A regime of data with its own head, as one version opened or refined it.

    `holdout` and `reference_rows` are stored rows (sha256 of Parquet). Hold-out rows are for evaluation only;
    reference rows (validation rows) are what later windows are compared with.
    """

    stream: str
    name: str
    classes: tuple[Label, ...]
    lineage: tuple[str, ...]
    head: str
    holdout: str
    reference_rows: str
    window: str
    version: int


def is_version_of_task(name: str, task: str) -> bool:
    """Whether a task has that name or is a later version of it: NAME/2, NAME/3, ...

    >>> is_version_of_task("a", "a"), is_version_of_task("a", "a/2"), is_version_of_task("a", "a/b")
    (True, True, False)
    """
    return task == name or (task.startswith(f"{name}/") and task.removeprefix(f"{name}/").isdecimal())


def is_routed_by_name(task: str, tasks: Collection[str]) -> bool:
    """Whether rows that name a task, or the one it is a later version of, go to one of several of these.

    >>> [is_routed_by_name(task, ["a", "a/2", "b"]) for task in ("a", "a/2", "b")]
    [True, True, False]
    """
    names = {task, _VERSION_SUFFIX.sub("", task)}
    return any(sum(is_version_of_task(name, other) for other in tasks) > 1 for name in names)


@dataclass(frozen=True, kw_only=True)
class BranchWeights:
    """The stored weights of one branch."""

    id: str
    parent: str | None
    stem: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How a head's logits become probabilities: softmax((logits + offsets) / temperature).

    The temperature was fitted on validation rows (Guo et al. 2017). `offsets`, one a class, undo the weights
    that classes had in training, which the logits follow; empty where all had the same.
    """

    temperature: float = 1.0
    offsets: tuple[float, ...] = ()


UNCALIBRATED = Calibration()
"""Probabilities are the softmax of the logits."""


@dataclass(frozen=True, kw_only=True)
class TaskHead:
    """The stored head of one task, and the branches it uses, root first.

    `retained` are the stored training rows that the job lets the stream keep; None where it keeps none.
    The class with the largest logit is predicted; where `threshold` is set, the second of two classes is
    predicted where its probability is above it, else the first. `positive_class` is the one of two classes
    that metrics are about.
    """

    name: str
    classes: tuple[Label, ...]
    lineage: tuple[str, ...]
    sha256: str
    retained: str | None = None
    calibration: Calibration = UNCALIBRATED
    threshold: float | None = None
    positive_class: Label | None = None

    @property
    def positive_index(self) -> int | None:
        """The index of the positive class among the classes; None where there is none."""
        return None if self.positive_class is None else self.classes.index(self.positive_class)


@dataclass(frozen=True, kw_only=True)
class RouterWeights:
    """The stored router, which assigns rows without a task.

    `features` never change for a stream; `gram_matrices` are needed to add a task, not to route;
    `task_classes` pairs each task with one of its classes, in the order of the columns of `ridge_weights`.
    `stem` is a stored branch whose stem the features use; None where that is the model's root stem.
    """

    features: str
    gram_matrices: str
    ridge_weights: str
    task_classes: tuple[tuple[str, Label], ...]
    stem: str | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Everything needed to rebuild one model from content-addressed weights.

    `replaced_tasks` are tasks that a later one replaced: they stay, but the router no longer uses them.
    """

    stream: str
    schema: Schema
    model: ModelConfig
    branches: tuple[BranchWeights, ...]
    tasks: tuple[TaskHead, ...]
    router: RouterWeights | None = None
    replaced_tasks: tuple[str, ...] = ()

    @property
    def routable_tasks(self) -> tuple[str, ...]:
        """Names of the tasks that rows without a task may belong to, oldest first.

        A model truncated to replaced tasks alone has no others.
        """
        names = tuple(head.name for head in self.tasks)
        return tuple(name for name in names if name not in self.replaced_tasks) or names

    @property
    def inference_artifacts(self) -> tuple[str, ...]:
        """sha256 of everything that inference needs."""
        router = self.router
        routing = () if router is None else (router.features, router.ridge_weights, router.stem)
        files = (
            *(branch.sha256 for branch in self.branches),
            *(head.sha256 for head in self.tasks),
            *routing,
            None if self.model.encoder is None else self.model.encoder.sha256,
        )
        return tuple(digest for digest in files if digest is not None)

    def with_pixels_as(self, job_schema: Schema) -> Manifest:
        """The model with images read as a job says: the next version reads requests so."""
        return replace(self, schema=self.schema.with_pixels_as(job_schema))

    def task_versions(self, name: str) -> tuple[str, ...]:
        """Names of the tasks that rows named `name` may belong to, oldest first."""
        return tuple(head.name for head in self.tasks if is_version_of_task(name, head.name))

    def without_unused_branches(self) -> Manifest:
        """The model without the branches that neither a lineage, nor a branch of one as its stem, reads.

        The first branch stays: the router reads its stem.
        """
        read = {branch_id for head in self.tasks for branch_id in head.lineage}
        stems = {branch.stem for branch in self.branches if branch.id in read}
        kept = {*read, *stems, *(branch.id for branch in self.branches[:1])}
        return replace(self, branches=tuple(branch for branch in self.branches if branch.id in kept))

    def task(self, name: str) -> TaskHead:
        """The head of a task; raises NotFound listing the known tasks."""
        for head in self.tasks:
            if head.name == name:
                return head
        known = list_names((head.name for head in self.tasks), plain_name) or "none"
        raise NotFound(f"stream {self.stream!r} has no task {name!r}", hint=f"known tasks: {known}")


@dataclass(frozen=True, kw_only=True)
class Version:
    """One immutable, self-contained model of a stream; `parent` is the version it grew from."""

    stream: str
    number: int
    parent: int | None
    window: str
    branches: tuple[str, ...]
    tasks: tuple[str, ...]
    parameters: int
    average_accuracy: float
    manifest: Manifest
    created_at: datetime
    mlflow_version: str | None = None
    mlflow_run: str | None = None
