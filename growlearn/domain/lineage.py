"""Branches, tasks, the tree they form, and the manifest that makes a model of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from growlearn.domain.errors import UnknownName
from growlearn.domain.job import ModelSpec
from growlearn.domain.schema import Label, Schema


class BranchState(StrEnum):
    """Whether a grown branch is part of a version."""

    KEPT = "kept"
    REJECTED = "rejected"


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One frozen Transformer stack; `id` is b1, b2, ... and `stem` the branch whose stem it reads."""

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
    """A regime of data with its own head.

    `holdout` and `reference` are stored rows (sha256 of Parquet): the first only measures, the
    second (validation rows) is what later windows are compared with.
    """

    stream: str
    name: str
    classes: tuple[Label, ...]
    lineage: tuple[str, ...]
    head: str
    holdout: str
    reference: str
    window: str
    version: int
    opened_at: datetime


def is_regime_of(name: str, task: str) -> bool:
    """Whether a task is the one of that name, or a later regime of it: NAME/2, NAME/3, ...

    >>> is_regime_of("a", "a"), is_regime_of("a", "a/2"), is_regime_of("a", "a/b")
    (True, True, False)
    """
    return task == name or (task.startswith(f"{name}/") and task.removeprefix(f"{name}/").isdecimal())


@dataclass(frozen=True, kw_only=True)
class BranchWeights:
    """Where a manifest finds one branch."""

    id: str
    parent: str | None
    stem: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class TaskHead:
    """Where a manifest finds one task's head, and the branches its answers use, root first.

    `retained` are the stored training rows that the job lets the stream keep; None where it keeps none.
    """

    name: str
    classes: tuple[Label, ...]
    lineage: tuple[str, ...]
    sha256: str
    retained: str | None = None


@dataclass(frozen=True, kw_only=True)
class RouterWeights:
    """Where a manifest finds what routes rows without a task.

    `features` never change in a stream's life; `moments` are needed to add a task, not to answer;
    `outputs` are a task and one of its classes each, in the order of the readout's columns. `stem` is a
    stored branch whose stem the features read; None where that is the model's own root stem.
    """

    features: str
    moments: str
    readout: str
    outputs: tuple[tuple[str, Label], ...]
    stem: str | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """All that is needed to rebuild one model from content-addressed weights.

    `superseded` are tasks that a later one took the place of: they stay, but are not routed to.
    """

    stream: str
    schema: Schema
    model: ModelSpec
    branches: tuple[BranchWeights, ...]
    tasks: tuple[TaskHead, ...]
    router: RouterWeights | None = None
    superseded: tuple[str, ...] = ()

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the tasks that rows naming none may belong to, oldest first.

        A model cut down to superseded tasks alone has no others.
        """
        names = tuple(head.name for head in self.tasks)
        return tuple(name for name in names if name not in self.superseded) or names

    @property
    def answering(self) -> tuple[str, ...]:
        """sha256 of everything that is needed to answer with the model."""
        router = self.router
        routing = () if router is None else (router.features, router.readout, router.stem)
        files = (
            *(branch.sha256 for branch in self.branches),
            *(head.sha256 for head in self.tasks),
            *routing,
        )
        return tuple(digest for digest in files if digest is not None)

    def regimes(self, name: str) -> tuple[str, ...]:
        """Names of the tasks that rows named `name` may belong to, oldest first."""
        return tuple(head.name for head in self.tasks if is_regime_of(name, head.name))

    def task(self, name: str) -> TaskHead:
        """The head of a task, or UnknownName listing those there are."""
        for head in self.tasks:
            if head.name == name:
                return head
        known = ", ".join(head.name for head in self.tasks) or "none"
        raise UnknownName(f"stream {self.stream!r} has no task {name!r}", cure=f"known tasks: {known}")


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
