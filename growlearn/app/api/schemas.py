"""The bodies of requests and answers, for the OpenAPI document; keys mean what docs/reference/json.md says.

Answers are built by the views that the command line prints too; a test holds them to these models.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from growlearn.domain.api_key import Role
from growlearn.domain.canary import MAX_SHARE_PERCENT


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RowProblem(_Model):
    """What is wrong with one row, or one part of a request."""

    row: int | None = Field(default=None, description="position in the request, from 0")
    where: str | None = Field(default=None, description="the parameter or field")
    reason: str


class Problem(_Model):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    hint: str | None = Field(description="what to do")
    request_id: str
    errors: list[RowProblem] = Field(default=[], description="each part that is wrong")


class Health(_Model):
    """Whether the process lives, or is ready."""

    status: Literal["ok", "not ready"]
    checks: dict[str, str] = Field(default={}, description="each check, ok or what is wrong")


class StreamStatus(_Model):
    """One stream, as `growlearn status --json` gives it."""

    name: str
    state: str
    champion: int | None
    canary: int | None = Field(description="the version that answers beside the champion")
    share_percent: float | None = Field(description="of the requests that the canary answers")
    pending: int
    last_look: datetime | None = Field(description="when its source was last searched for new files")
    next_look: datetime | None = Field(description="when it is due next")
    awaiting_labels: int | None = None
    labels_missing: int | None = None
    pending_labels: int | None = None


class Streams(_Model):
    """A page of streams by name."""

    streams: list[StreamStatus]
    next: str | None = Field(description="`after` of the next page; null on the last")


class BadRow(_Model):
    """A quarantined row."""

    row: int
    reason: str


class AccuracyEstimate(_Model):
    """What a version's accuracy on a window was estimated to be, and what labels said since."""

    version: int
    rows: int
    accuracy: float
    interval: list[float]
    known_rows: int
    known_accuracy: float | None
    known_interval: list[float] | None
    is_right: bool | None


class Window(_Model):
    """One window."""

    id: str
    state: str
    rows: int
    quarantined_rows: int
    task: str | None
    verdict: str | None
    reason: str | None
    source: str
    estimate: AccuracyEstimate | None
    labelled: int | None = None
    labels_missing: int | None = None
    bad_rows: list[BadRow] | None = None


class Windows(_Model):
    """A page of windows in order."""

    windows: list[Window]
    next: str | None = Field(description="`after` of the next page; null on the last")


class DriftTestResult(_Model):
    """One test of one output or column."""

    detector: str
    task: str
    name: str
    statistic: float | None
    effect: float | None
    p_value: float | None
    threshold: float | None
    reference_rows: int
    window_rows: int


class DriftReport(_Model):
    """The drift report of one window."""

    window: str
    verdict: str
    kind: str | None
    task: str | None
    reason: str
    alpha: float
    scores: list[DriftTestResult]


class DriftReports(_Model):
    """A page of drift reports in the order of their windows."""

    reports: list[DriftReport]
    next: str | None = Field(description="`after` of the next page; null on the last")


class Branch(_Model):
    """One branch."""

    id: str
    parent: str | None
    task: str
    window: str
    version: int | None
    parameters: int
    sha256: str
    state: str
    created_at: datetime


class Lineage(_Model):
    """Every branch that was trained."""

    branches: list[Branch]


class Matrix(_Model):
    """The accuracy matrix and its figures."""

    tasks: list[str]
    accuracy: list[list[float | None]]
    intervals: list[list[list[float] | None]]
    average_accuracy: float | None
    backward_transfer: float | None
    forward_transfer: float | None
    forgetting: float | None
    intransigence: float | None
    metric: str
    values: list[list[float | None]]
    average_value: float | None


class Version(_Model):
    """One version."""

    version: int
    mlflow_version: str | None
    aliases: list[str]
    branches: list[str]
    average_accuracy: float
    created_at: datetime
    removed_at: datetime | None = Field(description="when retention removed its weights")


class Versions(_Model):
    """Every version by number; MLflow itself is not asked."""

    versions: list[Version]
    mlflow_warnings: list[str]


class WindowInProgress(_Model):
    """A window that a worker holds; null where the worker has said nothing of this step yet."""

    stream: str
    window: str
    state: str
    since: datetime = Field(description="when the window reached its state")
    worker: str
    stage: str | None = Field(description="what the worker does")
    done: int | None = Field(description="how much of it")
    total: int | None = Field(description="of how much")
    note: str | None


class WindowsInProgress(_Model):
    """The windows that workers hold, by stream."""

    windows: list[WindowInProgress]


class ReportSection(_Model):
    """One section of the report on a decision."""

    heading: str
    lines: list[str]


class Why(_Model):
    """What was decided, and on what evidence."""

    stream: str
    window: str
    version: int | None
    report: list[ReportSection]
    entries: list[dict[str, Any]]


class Prediction(_Model):
    """The answer to one row."""

    prediction: int | str | None = Field(description="null where its probability is below min_probability")
    probability: float | None = Field(description="of the prediction, times that of the task where routed")
    task: str
    probabilities: dict[str, float | None] | None = Field(
        default=None, description="with `proba`: of each class, given the task"
    )
    id: str | int | None = Field(
        default=None, description="with a request log: for the row's label; null where it is not logged"
    )


class Predictions(_Model):
    """The answers to all rows, in their order."""

    stream: str
    version: int
    predictions: list[Prediction | None] = Field(description="null where the row is in `errors`")
    errors: list[BadRow]


class PushedRows(_Model):
    """What became of pushed rows."""

    file: str = Field(description="name of the file in the stream's source")
    sha256: str
    rows: int | None = Field(description="null where only a reader of the whole file could say")
    created: bool = Field(description="false where the same file was there already")
    next_look: datetime = Field(description="when the stream is due next")


class PostedLabels(_Model):
    """What became of posted labels."""

    file: str = Field(description="name of the file in the stream's source")
    sha256: str
    labels: int
    created: bool = Field(description="false where the same labels were there already")
    next_look: datetime = Field(description="when the stream is due next")


class AliasChange(_Model):
    """One alias that moved."""

    alias: Literal["champion", "challenger"]
    before: int | None
    after: int | None


class AliasChanges(_Model):
    """What a promotion or rollback changed."""

    stream: str
    changes: list[AliasChange]


class PausedStream(_Model):
    """Whether a stream is paused now, and whether this request changed it."""

    stream: str
    paused: bool
    changed: bool


class CanaryRequest(_Model):
    """A version to answer beside the champion."""

    version: int | None = Field(default=None, ge=1, le=2**31 - 1, description="default: the challenger")
    share_percent: float = Field(
        default=0,
        ge=0,
        le=MAX_SHARE_PERCENT,
        allow_inf_nan=False,
        description="of the requests to the champion; 0 only compares",
    )


class Canary(_Model):
    """A version that answers, or answered, beside the champion, and what was counted."""

    stream: str
    number: int
    version: int
    champion: int
    share_percent: float
    running: bool
    started_at: datetime
    started_by: str
    stopped_at: datetime | None
    stopped_by: str | None
    stop_reason: str | None
    answered_rows: int
    compared_rows: int
    agreement: float | None
    dropped_rows: int
    failed_rows: int
    timed_pairs: int
    slower_pairs: int
    latency_p_value: float
    labelled_rows: int
    champion_accuracy: float | None
    version_accuracy: float | None
    accuracy_p_value: float
    alpha: float


class Canaries(_Model):
    """All canaries of a stream, oldest first."""

    canaries: list[Canary]


class Key(_Model):
    """A key, without its secret."""

    id: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class Keys(_Model):
    """All keys, oldest first."""

    keys: list[Key]


class NewKey(Key):
    """A new key; `token` is shown this once."""

    token: str


class KeyRequest(_Model):
    """A key to create."""

    name: str = Field(max_length=80, pattern=r"^[!-~]([ -~]*[!-~])?$", description="printable ASCII")
    role: Role = Role.VIEWER


class VersionRequest(_Model):
    """A version to promote, or to return to."""

    version: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="the challenger, or the champion's parent"
    )
    reason: str | None = Field(
        default=None, min_length=1, max_length=1000, description="stored with the change"
    )
