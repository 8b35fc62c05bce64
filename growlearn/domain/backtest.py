"""A history replayed under one policy: what it would have said and cost, and how that fits the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from growlearn.domain.window import Verdict


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """One window as a policy met it.

    `task` is the one matched or opened. `correct` of `labelled` rows were answered right by what stood before
    the window, `training_s` is what growing for it would have cost; 0 where nothing was to be grown. `regime`
    is the true one, None where it is not known.
    """

    window: str
    source: str
    rows: int
    verdict: Verdict
    task: str | None
    reason: str | None
    grown: bool = False
    training_s: float = 0.0
    correct: int = 0
    labelled: int = 0
    regime: str | None = None

    @property
    def alarm(self) -> bool:
        """Whether the verdict called for growth; a stream's first task alarms nobody."""
        return self.verdict.calls_for_growth and self.verdict is not Verdict.FIRST


@dataclass(frozen=True, kw_only=True)
class Change:
    """A true change of regime and the window that answered it, `delay` windows later.

    One to a regime that the model had not learned is answered by an alarm, a return to one it had
    (`learned`) by a verdict that names its task; None where neither came before the next change.
    """

    window: str
    regime: str
    learned: bool
    answered: str | None
    delay: int | None


@dataclass(frozen=True, kw_only=True)
class Replay:
    """All windows of a history under one policy, in order."""

    policy: str
    windows: tuple[Replayed, ...]

    @property
    def alarms(self) -> int:
        """Windows whose verdict called for growth, the first task apart."""
        return sum(window.alarm for window in self.windows)

    @property
    def trainings(self) -> int:
        """Windows that would have been grown for, the first task among them."""
        return sum(window.grown for window in self.windows)

    @property
    def hours(self) -> float:
        """Of training, in all."""
        return sum(window.training_s for window in self.windows) / 3600

    @property
    def labelled(self) -> int:
        """Rows that the accuracy is counted on."""
        return sum(window.labelled for window in self.windows)

    @property
    def accuracy(self) -> float | None:
        """Share of labelled rows answered right as they came; None where there were none."""
        return sum(window.correct for window in self.windows) / self.labelled if self.labelled else None

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every true change after the first window; none where the regimes are not known."""
        regimes = regimes_of(self.windows)
        homes = _homes(self.windows, regimes)
        edges = [*turns(regimes), len(regimes)]
        return tuple(
            _change(self.windows[start:end], regimes[start], homes[start]) for start, end in pairwise(edges)
        )

    @property
    def delays(self) -> tuple[int, ...]:
        """Windows from each change to a regime not learned to its alarm, where one came."""
        return tuple(each.delay for each in self.changes if not each.learned and each.delay is not None)

    @property
    def mean_delay(self) -> float | None:
        """Mean of the delays, in windows."""
        return fmean(self.delays) if self.delays else None

    @property
    def missed(self) -> int:
        """Changes to a regime not learned that no alarm answered."""
        return sum(not each.learned and each.answered is None for each in self.changes)

    @property
    def returns(self) -> int:
        """Changes back to a regime the model had learned."""
        return sum(each.learned for each in self.changes)

    @property
    def recognised(self) -> int:
        """Returns that were known for what they are."""
        return sum(each.learned and each.answered is not None for each in self.changes)

    @property
    def false_alarms(self) -> int:
        """Alarms in a regime that the model had learned by then."""
        regimes = regimes_of(self.windows)
        homes = _homes(self.windows, regimes)
        return sum(
            window.alarm and regime is not None and regime in learned.values()
            for window, regime, learned in zip(self.windows, regimes, homes, strict=True)
        )


def regimes_of(windows: Sequence[Replayed]) -> tuple[str | None, ...]:
    """The true regime of each window; where it is not told, that of the window before."""
    told: list[str | None] = []
    for window in windows:
        told.append(window.regime or (told[-1] if told else None))
    return tuple(told)


def turns(regimes: Sequence[str | None]) -> list[int]:
    """Places whose regime is another than that of the place before.

    >>> turns([None, "A", "A", "B"])
    [3]
    """
    return [
        at for at in range(1, len(regimes)) if regimes[at - 1] is not None and regimes[at] != regimes[at - 1]
    ]


def _homes(windows: Sequence[Replayed], regimes: Sequence[str | None]) -> list[dict[str, str]]:
    """Before each window, the regime each task was opened in, or, known beforehand, first matched in."""
    homes: list[dict[str, str]] = []
    now: dict[str, str] = {}
    for window, regime in zip(windows, regimes, strict=True):
        homes.append(dict(now))
        if window.task is not None and regime is not None:
            now.setdefault(window.task, regime)
    return homes


def _change(stretch: Sequence[Replayed], regime: str | None, homes: dict[str, str]) -> Change:
    assert regime is not None, "only the windows before the first that is told have none"
    learned = regime in homes.values()
    answers = (
        at
        for at, window in enumerate(stretch)
        if (_names(window, regime, homes) if learned else window.alarm)
    )
    delay = next(answers, None)
    return Change(
        window=stretch[0].window,
        regime=regime,
        learned=learned,
        answered=None if delay is None else stretch[delay].window,
        delay=delay,
    )


def _names(window: Replayed, regime: str, homes: dict[str, str]) -> bool:
    """Whether a window was matched with a task of its regime that was there when the regime came."""
    return window.task is not None and homes.get(window.task) == regime
