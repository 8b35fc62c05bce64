"""Prequential evaluation of a stream: each window is scored with the version that was champion at its time.

Test, then train (Gama et al. 2013): no version is scored on rows that it, or one it grew from, was trained
on. Modyn calls this sequence of versions the composite model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean

import torch

from growlearn.domain.errors import CorruptArtifact
from growlearn.domain.growth import Progress
from growlearn.domain.interval import ConfidenceInterval, wilson_interval
from growlearn.domain.metric import METRICS, Metric, MetricName, mean_over_windows
from growlearn.domain.stream import Alias
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.evaluation.served_rows import score_served_rows
from growlearn.ingest.rows import from_parquet
from growlearn.metrics import compute_metric
from growlearn.network.devices import CPU_DEVICE
from growlearn.ports import Artifacts, ProgressCallback, Store
from growlearn.serving.known_tasks import find_unknown_task_rows
from growlearn.serving.predictor import Predictor

NO_CHAMPION = "no champion yet"
NO_LABELS = "no row has a label"
ROWS_MISSING = "its rows are missing or corrupt"
SCHEMA_CHANGED = "its rows were stored under other columns than the model reads"


@dataclass(frozen=True, kw_only=True)
class WindowScore:
    """One window scored with the champion of its time: `correct` of `rows` labelled rows.

    `unanswered` rows name a task that this version did not have; they count as wrong, with probability 0.
    `metric_value` is that of the stream's metric; None where that is accuracy, or is not defined on the
    window's rows.
    """

    window: Window
    version: int
    rows: int
    correct: int
    unanswered: int
    metric_value: float | None = None

    @property
    def accuracy(self) -> float:
        """Fraction of its labelled rows predicted correctly, 0 to 1."""
        return self.correct / self.rows

    @property
    def interval(self) -> ConfidenceInterval:
        """The 95 % confidence interval of the accuracy."""
        return wilson_interval(self.correct, self.rows)


@dataclass(frozen=True, kw_only=True)
class PrequentialResult:
    """The scored windows in order, and the reason for each excluded one, by window id."""

    windows: tuple[WindowScore, ...]
    excluded: Mapping[str, str]
    metric: MetricName = MetricName.ACCURACY

    @property
    def value(self) -> float | None:
        """The metric, its mean over windows weighted by their labelled rows; None where it has no value.

        For accuracy and log loss that is the value on all rows together. Windows on which the metric is not
        defined do not count: see `undefined`.
        """
        if self.metric is MetricName.ACCURACY:
            return self.accuracy
        return mean_over_windows((score.metric_value, score.rows) for score in self.windows)

    @property
    def undefined(self) -> tuple[str, ...]:
        """Ids of the scored windows on which the metric is not defined: all their rows have one label."""
        if self.metric is MetricName.ACCURACY:
            return ()
        return tuple(score.window.id for score in self.windows if score.metric_value is None)

    @property
    def rows(self) -> int:
        """Labelled rows of all scored windows."""
        return sum(score.rows for score in self.windows)

    @property
    def correct(self) -> int:
        """Rows predicted correctly."""
        return sum(score.correct for score in self.windows)

    @property
    def accuracy(self) -> float | None:
        """The composite accuracy, every row with the same weight (Modyn's performance of a pipeline)."""
        return self.correct / self.rows if self.windows else None

    @property
    def interval(self) -> ConfidenceInterval | None:
        """The 95 % confidence interval of the accuracy."""
        return wilson_interval(self.correct, self.rows) if self.windows else None

    @property
    def mean_accuracy(self) -> float | None:
        """The composite accuracy, every window with the same weight."""
        return fmean(score.accuracy for score in self.windows) if self.windows else None


def evaluate_prequentially(
    store: Store,
    artifacts: Artifacts,
    stream: str,
    on_progress: ProgressCallback,
    device: torch.device = CPU_DEVICE,
) -> PrequentialResult:
    """Score every judged window of a stream with the champion of its time; raises NotFound.

    Each window passes once through one model; `on_progress` is called for every window.
    """
    champions, metric = find_champion_by_window(store, stream), METRICS[store.stream(stream).job.metric]
    manifests = {version.number: version.manifest for version in store.versions(stream)}

    @lru_cache(maxsize=2)  # windows are in order, so versions rarely alternate
    def load_predictor(number: int) -> Predictor:
        return Predictor(manifests[number], artifacts.get, device=device)

    scores: list[WindowScore] = []
    excluded: dict[str, str] = {}
    for done, (window, champion) in enumerate(champions.values()):
        on_progress(Progress(stage="windows", done=done, total=len(champions), note=window.id))
        outcome = (
            NO_CHAMPION
            if champion is None
            else _score_window(window, champion, load_predictor(champion), artifacts, metric)
        )
        if isinstance(outcome, WindowScore):
            scores.append(outcome)
        else:
            excluded[window.id] = outcome
    on_progress(Progress(stage="windows", done=len(champions), total=len(champions)))
    return PrequentialResult(windows=tuple(scores), excluded=excluded, metric=metric.name)


def _score_window(
    window: Window, version: int, predictor: Predictor, artifacts: Artifacts, metric: Metric
) -> WindowScore | str:
    assert window.snapshot is not None, "a judged window has rows"
    try:
        rows = from_parquet(artifacts.view(window.snapshot), predictor.manifest.schema).select_labelled()
    except CorruptArtifact:
        return ROWS_MISSING
    except (KeyError, ValueError):
        return SCHEMA_CHANGED
    if len(rows) == 0:
        return NO_LABELS
    value = None
    if metric.is_accuracy:
        correct = int(predictor.is_correct(rows).sum())
    else:
        scored_rows = score_served_rows(predictor, rows)
        correct, value = scored_rows.correct, compute_metric(metric, scored_rows)
    return WindowScore(
        window=window,
        version=version,
        rows=len(rows),
        correct=correct,
        unanswered=len(find_unknown_task_rows(rows, predictor.manifest)),
        metric_value=value,
    )


def find_champion_by_window(store: Store, stream: str) -> Mapping[str, tuple[Window, int | None]]:
    """By id, every judged window in order, with the version that was champion when it was judged.

    That is before anything grew from it, and after all growth from earlier windows. The decision log, read
    backwards from the current champion, gives it.
    """
    champion = store.stream(stream).champion
    champion_by_id: dict[str, int | None] = {}
    for entry in reversed(store.decision_log(stream)):
        for change in reversed(entry.all_alias_changes):
            if change.alias is Alias.CHAMPION:
                champion = change.before
        if entry.transition is not None and entry.transition.target is WindowState.JUDGED:
            champion_by_id[entry.transition.window] = champion  # of several, the first judgement counts
    return {
        window.id: (
            window,
            champion_by_id[window.id]
            if window.id in champion_by_id
            else _find_champion_at_ingest(store, window),
        )
        for window in store.windows(stream)
        if window.verdict not in (None, Verdict.FULL)
    }


def _find_champion_at_ingest(store: Store, window: Window) -> int | None:
    """The champion at ingest, for a window that was judged before the decision log began."""
    alias_changes = [
        change for change in store.alias_changes(window.stream) if change.alias is Alias.CHAMPION
    ]
    return next(
        (change.after for change in reversed(alias_changes) if change.at < window.discovered_at), None
    )
