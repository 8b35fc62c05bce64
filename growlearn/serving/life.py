"""How well a stream was answered over its life: each window by the version that was champion then.

First test, then train (prequential evaluation, Gama et al. 2013): no version is asked about rows that it, or
one it grew from, was trained on. Modyn calls the versions put together so the composite model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean

from growlearn.domain.errors import DamagedArtifact
from growlearn.domain.growth import Progress
from growlearn.domain.interval import Interval, wilson
from growlearn.domain.stream import Alias
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.ingest.rows import from_parquet
from growlearn.ports import Artifacts, Report, Store
from growlearn.serving.predictor import Predictor, unanswerable

NO_CHAMPION = "no champion yet"
NO_LABELS = "no row has a label"
GONE = "its rows are gone or damaged"
OTHER_COLUMNS = "its rows were stored under other columns than the model reads"


@dataclass(frozen=True, kw_only=True)
class Lived:
    """One window as the champion of its day answers it: `correct` of `rows`, those that have a label.

    `unanswered` of them name a task that this version did not know; they are not right.
    """

    window: Window
    version: int
    rows: int
    correct: int
    unanswered: int

    @property
    def accuracy(self) -> float:
        """Share of its labelled rows answered right, 0 to 1."""
        return self.correct / self.rows

    @property
    def interval(self) -> Interval:
        """How exactly that is known, at 95 %."""
        return wilson(self.correct, self.rows)


@dataclass(frozen=True, kw_only=True)
class Life:
    """All windows that count, in order, and why each of the others is left out, by its id."""

    windows: tuple[Lived, ...]
    left_out: Mapping[str, str]

    @property
    def rows(self) -> int:
        """Labelled rows of all windows that count."""
        return sum(lived.rows for lived in self.windows)

    @property
    def correct(self) -> int:
        """Those answered right."""
        return sum(lived.correct for lived in self.windows)

    @property
    def accuracy(self) -> float | None:
        """The composite score: every row weighs the same (Modyn's performance of a whole pipeline)."""
        return self.correct / self.rows if self.windows else None

    @property
    def interval(self) -> Interval | None:
        """How exactly that is known, at 95 %."""
        return wilson(self.correct, self.rows) if self.windows else None

    @property
    def mean_accuracy(self) -> float | None:
        """The same where every window weighs the same."""
        return fmean(lived.accuracy for lived in self.windows) if self.windows else None


def life_of(store: Store, artifacts: Artifacts, stream: str, report: Report) -> Life:
    """Answer every judged window of a stream with the champion of its day; raises UnknownName.

    One pass of each window through one model: `report` is told of every window.
    """
    champions = champions_of(store, stream)
    manifests = {version.number: version.manifest for version in store.versions(stream)}

    @lru_cache(maxsize=2)  # windows come in order, so versions hardly alternate
    def predictor(number: int) -> Predictor:
        return Predictor(manifests[number], artifacts.get)

    lived: list[Lived] = []
    left_out: dict[str, str] = {}
    for done, (window, champion) in enumerate(champions.values()):
        report(Progress(stage="windows", done=done, total=len(champions), note=window.id))
        found = NO_CHAMPION if champion is None else _lived(window, champion, predictor(champion), artifacts)
        if isinstance(found, Lived):
            lived.append(found)
        else:
            left_out[window.id] = found
    report(Progress(stage="windows", done=len(champions), total=len(champions)))
    return Life(windows=tuple(lived), left_out=left_out)


def _lived(window: Window, version: int, predictor: Predictor, artifacts: Artifacts) -> Lived | str:
    assert window.snapshot is not None, "a window that was judged has rows"
    try:
        rows = from_parquet(artifacts.get(window.snapshot), predictor.manifest.schema).labelled()
    except DamagedArtifact:
        return GONE
    except (KeyError, ValueError):
        return OTHER_COLUMNS
    if len(rows) == 0:
        return NO_LABELS
    return Lived(
        window=window,
        version=version,
        rows=len(rows),
        correct=int(predictor.right(rows).sum()),
        unanswered=len(unanswerable(rows, predictor.manifest)),
    )


def champions_of(store: Store, stream: str) -> Mapping[str, tuple[Window, int | None]]:
    """By id, every judged window in order, with the version that was champion when its turn came.

    That is: before anything was grown from it, and after all that was grown from the windows judged before
    it. Found from the ledger, read backwards from where the champion stands now.
    """
    champion = store.stream(stream).champion
    at_turn: dict[str, int | None] = {}
    for entry in reversed(store.ledger(stream)):
        for move in reversed(entry.moves):
            if move.alias is Alias.CHAMPION:
                champion = move.before
        if entry.step is not None and entry.step.target is WindowState.JUDGED:
            at_turn[entry.step.window] = champion  # of a window that waited and was judged anew, the first
    return {
        window.id: (window, at_turn[window.id] if window.id in at_turn else _champion_then(store, window))
        for window in store.windows(stream)
        if window.verdict not in (None, Verdict.FULL)
    }


def _champion_then(store: Store, window: Window) -> int | None:
    """Of a window that was judged before there was a ledger: the champion when it was taken in."""
    moves = [move for move in store.alias_moves(window.stream) if move.alias is Alias.CHAMPION]
    return next((move.after for move in reversed(moves) if move.at < window.discovered_at), None)
