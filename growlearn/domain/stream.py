"""A stream, and what one transition of a window writes in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.drift import DriftReport, RemainingBudget
from growlearn.domain.errors import ConcurrentUpdate, LeaseLost
from growlearn.domain.evaluation import Evaluation, GateResult
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.job import Job
from growlearn.domain.lineage import BranchRecord, Task, Version
from growlearn.domain.model_selection import ModelSelection
from growlearn.domain.window import Claim, Verdict, Window, WindowState


class Alias(StrEnum):
    """Names that point at one version of a stream each."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One named source of task data and the one model that grows with it.

    `parent_version` is the version the next growth extends: the newest one not rolled back. `looked_at` is
    when its source was last searched for new files; None before the first time. A stream that was paused is
    left alone by schedulers and workers until it is resumed.
    """

    job: Job
    created_at: datetime
    champion: int | None = None
    challenger: int | None = None
    parent_version: int | None = None
    looked_at: datetime | None = None
    paused_at: datetime | None = None

    @property
    def versions_in_use(self) -> tuple[int, ...]:
        """The champion, the challenger and the parent of the next version, by number."""
        in_use = {self.champion, self.challenger, self.parent_version}
        return tuple(sorted(number for number in in_use if number is not None))

    @property
    def name(self) -> str:
        """The job's name."""
        return self.job.name


class MessageKind(StrEnum):
    """Kinds of message to the tracker."""

    CYCLE = "cycle"
    ALIASES = "aliases"
    TAKE_ALIASES = "take aliases"


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message to the tracker, written in the transaction of the change (outbox).

    A cycle message names the window; an aliases message makes the tracker copy the stream's champion and
    challenger as they are at delivery, except an alias that stands on a version of somebody else. A person
    who promotes takes that one too (take aliases).
    """

    stream: str
    kind: MessageKind
    window: str | None = None


ALL_MESSAGES = 1_000_000
"""A limit that is no limit, where all messages that wait are wanted."""


@dataclass(frozen=True, kw_only=True)
class PendingMessage:
    """A message not yet delivered, with its position in the queue."""

    id: int
    message: Message
    attempts: int


@dataclass(frozen=True, kw_only=True)
class UndeliverableMessage:
    """A message that is not sent again by itself, because the tracker can never take it as it is."""

    message: Message
    reason: str


@dataclass(frozen=True, kw_only=True)
class TrackerIds:
    """The tracker's own ids of a run and a model version."""

    run_id: str | None = None
    model_version: str | None = None


@dataclass(frozen=True, kw_only=True)
class AliasChange:
    """One change of an alias, never deleted: who made it, when, from which version to which, and why."""

    stream: str
    alias: Alias
    before: int | None
    after: int | None
    actor: str
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One transition of one window, with everything that is recorded in the same transaction.

    The store applies it only while the window is in `source` and leased to `worker` under the claim of number
    `claim` and, where it changes the stream's parent version, while that is `parent_version_before`; else
    it writes nothing. The decision log does not keep `claim`. A field that is None leaves the stored value
    unchanged. `remaining_budget`, `snapshot` (sha256 of the rows) and
    `job_digest` go to the decision log alone, as the step read them. `labels_required` and
    `judged_by_version` are for a window that will wait for labels.
    """

    stream: str
    window: str
    source: WindowState
    target: WindowState
    worker: str
    at: datetime
    claim: int = 0
    snapshot: str | None = None
    job_digest: str | None = None
    verdict: Verdict | None = None
    task: str | None = None
    reason: str | None = None
    report: DriftReport | None = None
    remaining_budget: RemainingBudget | None = None
    plan: GrowthPlan | ConsolidationPlan | None = None
    result: GrowthResult | ConsolidationResult | None = None
    evaluation: Evaluation | None = None
    model_selection: ModelSelection | None = None
    gates: tuple[GateResult, ...] = ()
    branches: tuple[BranchRecord, ...] = ()
    new_task: Task | None = None
    version: Version | None = None
    alias_changes: tuple[AliasChange, ...] = ()
    parent_version: int | None = None
    parent_version_before: int | None = None
    labels_required: int | None = None
    judged_by_version: int | None = None
    messages: tuple[Message, ...] = ()

    @property
    def window_claim(self) -> Claim:
        """The claim that it is made under."""
        return Claim(stream=self.stream, window=self.window, worker=self.worker, number=self.claim)


@dataclass(frozen=True, kw_only=True)
class WindowRecord:
    """Everything stored about how one window was processed."""

    report: DriftReport | None = None
    plan: GrowthPlan | ConsolidationPlan | None = None
    result: GrowthResult | ConsolidationResult | None = None
    evaluation: Evaluation | None = None
    model_selection: ModelSelection | None = None
    gates: tuple[GateResult, ...] = ()


def make_transition_conflict(
    transition: Transition, window: Window | None, owner: str | None
) -> ConcurrentUpdate:
    """Why a transition cannot be made of a window as it is stored (None: gone), leased to `owner`."""
    subject = f"window {transition.window} of stream {transition.stream!r}"
    expected = f"it was to be {transition.source} and leased to {transition.worker!r}"
    if window is None:
        return LeaseLost(f"{subject} is gone; {expected}")
    lease = "not leased" if owner is None else f"leased to {owner!r}"
    if (owner, window.claim) == (transition.worker, transition.claim):
        return ConcurrentUpdate(f"{subject} is {window.state} and {lease}; {expected}")
    if owner == transition.worker:
        lease += f" by its claim {window.claim}, no longer {transition.claim}"
    return LeaseLost(f"{subject} is {window.state} and {lease}; {expected}")
