"""A canary: a version that answers beside the champion, for callers or only to be compared with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from growlearn.domain.errors import GrowLearnError

if TYPE_CHECKING:
    from growlearn.domain.stream import Stream

MAX_SHARE_PERCENT = 50.0
"""Of the requests; the champion answers at least as many, so that there is something to compare with."""

ANSWER_RETENTION = timedelta(days=30)
"""How long both answers to a row wait for its label."""

AUTOMATIC = "canary"
"""Who stopped a canary that stopped by itself."""


@dataclass(frozen=True, kw_only=True)
class CanaryCounts:
    """What was counted while a canary ran, in rows unless said; the counts of several processes add up.

    A row that one of the two versions refuses is no agreement, and a wrong prediction of that version.
    """

    answered: int = 0  # by the canary's version, to callers
    compared: int = 0  # answered by both versions
    agreed: int = 0  # of those compared, with equal predictions
    dropped: int = 0  # not compared: too many waited
    failed: int = 0  # which only the champion could answer
    timed_pairs: int = 0  # of a request that the canary answered and one before it that the champion did
    slower_pairs: int = 0  # of those, where the canary was clearly slower
    labelled: int = 0  # of those compared, whose label came by id
    champion_correct: int = 0
    version_correct: int = 0
    only_champion_correct: int = 0

    def __add__(self, other: CanaryCounts) -> CanaryCounts:
        names = [field.name for field in fields(self)]
        return CanaryCounts(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def __bool__(self) -> bool:
        return self != _NO_COUNTS

    @property
    def agreement(self) -> float | None:
        """The share of equal predictions; None before any row was compared."""
        return self.agreed / self.compared if self.compared else None

    @property
    def only_version_correct(self) -> int:
        """Labelled rows that only the canary's version predicts correctly."""
        return self.version_correct - (self.champion_correct - self.only_champion_correct)


_NO_COUNTS = CanaryCounts()


@dataclass(frozen=True, kw_only=True)
class Canary:
    """One canary of a stream, running until `stopped_at`; `number` counts those of the stream.

    `version` answers `share_percent` of the requests to the champion, 0 to 50, and is compared with
    `champion` on all of them. `alpha` bounds the probability that it stops by itself although it is not
    worse. One that `follows_challenger` was started for that alias, and ends when the alias moves.
    """

    stream: str
    number: int
    version: int
    champion: int
    share_percent: float
    alpha: float
    follows_challenger: bool
    started_at: datetime
    started_by: str
    stopped_at: datetime | None = None
    stopped_by: str | None = None
    stop_reason: str | None = None
    counts: CanaryCounts = _NO_COUNTS

    @property
    def is_running(self) -> bool:
        """Whether it was not stopped yet."""
        return self.stopped_at is None

    def describe(self) -> str:
        """Which versions, and what it does with requests."""
        does = f"answers {self.share_percent:g} % of the requests" if self.share_percent else "is compared"
        return f"version {self.version} {does} beside champion {self.champion}"

    def stop(self, reason: str, at: datetime, actor: str) -> Canary:
        """The same, stopped."""
        return replace(self, stopped_at=at, stopped_by=actor, stop_reason=reason)


@dataclass(frozen=True, kw_only=True)
class CanaryAnswer:
    """What both versions predicted of one row, as text, None where it was refused; it waits for a label."""

    row_id: str
    champion: str | None
    version: str | None
    at: datetime


def make_canary(
    stream: Stream, number: int, version: int | None, share_percent: float, at: datetime, actor: str
) -> Canary:
    """The canary of a version, or else of the challenger, beside the champion as it is now.

    Raises GrowLearnError for an invalid share, and where there is no champion or nothing to compare it with.
    """
    if not 0 <= share_percent <= MAX_SHARE_PERCENT:
        raise GrowLearnError(
            f"share {share_percent:g} % must lie between 0 and {MAX_SHARE_PERCENT:g}",
            hint="give a percentage, 5 for every twentieth request; 0 only compares",
        )
    if stream.champion is None:
        raise GrowLearnError(
            f"stream {stream.name!r} has no champion that a version could be compared with",
            hint=f"promote one first; see: growlearn versions {stream.name}",
        )
    target = stream.challenger if version is None else version
    if target is None:
        raise GrowLearnError(
            f"stream {stream.name!r} has no challenger",
            hint=f"name a version; see: growlearn versions {stream.name}",
        )
    if target == stream.champion:
        raise GrowLearnError(
            f"version {target} of stream {stream.name!r} is the champion",
            hint=f"name another version; see: growlearn versions {stream.name}",
        )
    return Canary(
        stream=stream.name,
        number=number,
        version=target,
        champion=stream.champion,
        share_percent=share_percent,
        alpha=stream.job.baseline_comparison.alpha,
        follows_challenger=target == stream.challenger,
        started_at=at,
        started_by=actor,
    )


def find_alias_reason(canary: Canary, stream: Stream) -> str | None:
    """Why a canary ends where a stream's aliases stand so; None where it goes on."""
    if stream.champion == canary.version:
        return f"version {canary.version} is the champion now"
    if stream.champion != canary.champion:
        return f"the champion is version {stream.champion} now, no longer {canary.champion}"
    if canary.follows_challenger and stream.challenger != canary.version:
        return f"version {canary.version} is the challenger no longer"
    return None


def count_labelled(answers: Iterable[CanaryAnswer], labels: Mapping[str, str]) -> CanaryCounts:
    """The counts of answers whose rows' labels are given, as text by row id."""
    counts = CanaryCounts()
    for answer in answers:
        label = labels.get(answer.row_id)  # None: the record could not store the id as it was
        if label is None:
            continue
        champion, version = answer.champion == label, answer.version == label
        counts += CanaryCounts(
            labelled=1,
            champion_correct=int(champion),
            version_correct=int(version),
            only_champion_correct=int(champion and not version),
        )
    return counts
