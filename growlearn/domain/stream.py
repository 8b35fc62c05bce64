"""A stream and what is written, in one transaction, when a window moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.drift import BudgetLeft, DriftReport
from growlearn.domain.evaluation import Evaluation, GateResult
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.job import Job
from growlearn.domain.lineage import Branch, Task, Version
from growlearn.domain.window import Verdict, WindowState
from growlearn.domain.worth import Worth


class Alias(StrEnum):
    """Names that point at one version of a stream each."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One named source of task data and the one model that grows with it.

    `base` is the version the next growth extends: the newest one not rolled back.
    """

    job: Job
    created_at: datetime
    updated_at: datetime
    champion: int | None = None
    challenger: int | None = None
    base: int | None = None

    @property
    def name(self) -> str:
        """The job's name."""
        return self.job.name


class MessageKind(StrEnum):
    """What the tracker must learn."""

    CYCLE = "cycle"
    ALIASES = "aliases"


@dataclass(frozen=True, kw_only=True)
class Message:
    """One thing the tracker must learn, written with the change it tells of (outbox).

    A cycle message names the window; an aliases message asks the tracker to follow the stream's
    champion and challenger as they stand when it is delivered.
    """

    stream: str
    kind: MessageKind
    window: str | None = None


@dataclass(frozen=True, kw_only=True)
class PendingMessage:
    """A message not yet delivered, with its place in the queue."""

    id: int
    message: Message
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the tracker called the things it was told of."""

    run_id: str | None = None
    model_version: str | None = None


@dataclass(frozen=True, kw_only=True)
class AliasMove:
    """One move of an alias, kept for ever: who moved it, when, from where to where, and why."""

    stream: str
    alias: Alias
    before: int | None
    after: int | None
    actor: str
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One move of one window, with everything that is recorded in the same transaction.

    It holds only while the window is in `source` and `worker` still leads it, and, where it moves the
    stream's base, while that stands at `base_before`; otherwise nothing is written. Fields left None
    leave what is stored as it is; `budget` is for the ledger alone, as are `snapshot` and `configuration`,
    the sha256 of the rows and the digest of the job as the step read them. `wanted` and `judged_by` are for a
    window that is to wait.
    """

    stream: str
    window: str
    source: WindowState
    target: WindowState
    worker: str
    at: datetime
    snapshot: str | None = None
    configuration: str | None = None
    verdict: Verdict | None = None
    task: str | None = None
    reason: str | None = None
    report: DriftReport | None = None
    budget: BudgetLeft | None = None
    plan: GrowthPlan | ConsolidationPlan | None = None
    result: GrowthResult | ConsolidationResult | None = None
    evaluation: Evaluation | None = None
    worth: Worth | None = None
    gates: tuple[GateResult, ...] = ()
    branches: tuple[Branch, ...] = ()
    opened: Task | None = None
    version: Version | None = None
    alias_moves: tuple[AliasMove, ...] = ()
    base: int | None = None
    base_before: int | None = None
    wanted: int | None = None
    judged_by: int | None = None
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WindowRecord:
    """All that is stored about how one window was handled."""

    report: DriftReport | None = None
    plan: GrowthPlan | ConsolidationPlan | None = None
    result: GrowthResult | ConsolidationResult | None = None
    evaluation: Evaluation | None = None
    worth: Worth | None = None
    gates: tuple[GateResult, ...] = ()
