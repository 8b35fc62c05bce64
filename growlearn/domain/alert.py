"""What a person may want to hear of at once: drift, promotions, rejections, failures, silence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from growlearn.domain.canary import AUTOMATIC, Canary
from growlearn.domain.printable import format_reason
from growlearn.domain.stream import Alias, AliasChange, Transition
from growlearn.domain.window import Claim, IngestResult, Verdict, WindowState, tells_of_bug

FOLD_INTERVAL = timedelta(hours=1)
"""After one alert of a stream and kind the next ones wait so long, and are then sent as one."""

ALERT_LIFETIME = timedelta(days=1)
"""An alert that could not be sent for so long is given up."""

ALERT_RETENTION = timedelta(days=30)
"""How long an alert is kept in the record."""

SILENCE_REMINDER = timedelta(days=7)
"""A stream that stays silent is reported again after so long."""


class AlertKind(StrEnum):
    """What an alert is about."""

    DRIFT = "drift"  # a window has drifted, or opens a task
    PROMOTION = "promotion"  # another version is champion; a rollback is one too
    APPROVAL = "approval"  # a candidate waits for a person to promote it
    REJECTION = "rejection"
    FAILURE = "failure"  # a step of a window failed, a file was quarantined, a stream could not be handled
    CANARY = "canary"  # a canary stopped by itself
    SILENCE = "silence"  # no new file for the job's `silent_after`


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One event of a stream, recorded in the transaction of the change it reports; `text` is for people."""

    stream: str
    kind: AlertKind
    at: datetime
    text: str
    window: str | None = None
    version: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", format_reason(self.text))


@dataclass(frozen=True, kw_only=True)
class PendingAlert:
    """An alert not yet sent, with its position in the queue.

    `last_sent_at` is when one of the same stream and kind was sent last, `claimed_until` when the claim of
    the process that is sending it ends, `attempted_at` when it was tried last, without success.
    """

    id: int
    alert: Alert
    attempted_at: datetime | None = None
    claimed_until: datetime | None = None
    last_sent_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class FoldedAlert:
    """All waiting alerts of one stream and kind, sent as one: the newest, how many, since when."""

    ids: tuple[int, ...]
    newest: Alert
    first_at: datetime
    attempted_at: datetime | None = None

    @property
    def count(self) -> int:
        """How many alerts it stands for."""
        return len(self.ids)


def fold_due_alerts(pending: Iterable[PendingAlert], now: datetime) -> tuple[FoldedAlert, ...]:
    """What is to be sent now: one a stream and kind, those tried longest ago first.

    Left out is what another process is sending, and what follows another of its kind too soon.
    """
    groups: dict[tuple[str, AlertKind], list[PendingAlert]] = defaultdict(list)
    for item in pending:
        groups[item.alert.stream, item.alert.kind].append(item)
    folded = [_fold(group) for group in groups.values() if _is_due(group, now)]
    return tuple(sorted(folded, key=_age_of_attempt))


def _is_due(group: Sequence[PendingAlert], now: datetime) -> bool:
    if any(item.claimed_until is not None and item.claimed_until > now for item in group):
        return False
    last_sent_at = group[0].last_sent_at
    return last_sent_at is None or now - last_sent_at >= FOLD_INTERVAL


def _fold(group: Sequence[PendingAlert]) -> FoldedAlert:
    attempts = [item.attempted_at for item in group if item.attempted_at is not None]
    return FoldedAlert(
        ids=tuple(item.id for item in group),
        newest=max(group, key=lambda item: item.id).alert,
        first_at=min(item.alert.at for item in group),
        attempted_at=max(attempts, default=None),
    )


def _age_of_attempt(folded: FoldedAlert) -> tuple[bool, datetime, int]:
    """Untried ones first."""
    return folded.attempted_at is not None, folded.attempted_at or folded.first_at, folded.ids[0]


def make_transition_alerts(transition: Transition) -> tuple[Alert, ...]:
    """What one move of a window is worth telling."""
    promotions = make_promotion_alerts(transition.alias_changes, transition.window)
    kind = _KINDS.get(transition.target)
    if kind is None and tells_of_bug(transition.reason):
        kind = AlertKind.FAILURE
    if kind is None or (kind is AlertKind.DRIFT and transition.verdict not in _DRIFTED):
        return promotions
    verdict = transition.verdict if kind is AlertKind.DRIFT else None
    alert = Alert(
        stream=transition.stream,
        kind=kind,
        at=transition.at,
        text=": ".join(part for part in (verdict, transition.reason) if part),
        window=transition.window,
        version=None if transition.version is None else transition.version.number,
    )
    return (alert, *promotions)


_KINDS = {
    WindowState.JUDGED: AlertKind.DRIFT,
    WindowState.REJECTED: AlertKind.REJECTION,
    WindowState.PENDING_APPROVAL: AlertKind.APPROVAL,
}
_DRIFTED = (Verdict.DRIFT, Verdict.NEW_TASK)


def make_promotion_alerts(changes: Iterable[AliasChange], window: str | None = None) -> tuple[Alert, ...]:
    """One for each new champion."""
    return tuple(
        Alert(
            stream=change.stream,
            kind=AlertKind.PROMOTION,
            at=change.at,
            text=f"{_describe_change(change)}, by {change.actor}: {change.reason}",
            window=window,
            version=change.after,
        )
        for change in changes
        if change.alias is Alias.CHAMPION and change.after not in (None, change.before)
    )


def _describe_change(change: AliasChange) -> str:
    before = "" if change.before is None else f" instead of {change.before}"
    return f"version {change.after} is champion{before}"


def make_ingest_alerts(ingested: IngestResult) -> tuple[Alert, ...]:
    """One for each window that was quarantined, which is a file that could not be used."""
    return tuple(
        Alert(
            stream=ingested.stream,
            kind=AlertKind.FAILURE,
            at=ingested.at,
            text=f"{ingested.file.url} was quarantined: {window.reason}",
            window=window.id,
        )
        for window in ingested.windows
        if window.state is WindowState.QUARANTINED
    )


def make_step_failure_alert(claim: Claim, reason: str, at: datetime) -> Alert:
    """A step of a window failed, such as its training; it is tried again, or the window is given up."""
    return Alert(stream=claim.stream, kind=AlertKind.FAILURE, at=at, text=reason, window=claim.window)


def make_canary_alerts(canary: Canary) -> tuple[Alert, ...]:
    """One for a canary that stopped by itself; others were stopped by somebody who knows."""
    if canary.stopped_at is None or canary.stopped_by != AUTOMATIC:
        return ()
    return (
        Alert(
            stream=canary.stream,
            kind=AlertKind.CANARY,
            at=canary.stopped_at,
            text=f"canary stopped: {canary.stop_reason}",
            version=canary.version,
        ),
    )
