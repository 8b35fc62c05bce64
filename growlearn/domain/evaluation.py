"""The accuracy matrix and every continual-learning metric derived from it.

R[i][j] is the accuracy on task j after growing task i, with tasks in the order they were opened. Where the
job names another metric, the same figures are derived from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from growlearn.domain.interval import ConfidenceInterval, wilson_interval
from growlearn.domain.metric import ACCURACY, METRICS, Metric, MetricName
from growlearn.domain.refinement_score import RefinementScore


@dataclass(frozen=True, kw_only=True)
class TaskScore:
    """One model's score on one task's hold-out rows.

    `logits_sha256` is the sha256 of the stored logits of every row, in order; None where there is no row.
    `metric_value` is that of `metric`; None where that is accuracy, or is not defined on the rows because
    they all have one label; the worst one where answers are no numbers, as after a training that diverged.
    """

    task: str
    correct: int
    rows: int
    logits_sha256: str | None = None
    metric: MetricName = MetricName.ACCURACY
    metric_value: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "metric_value", METRICS[self.metric].count_nan_as_worst(self.metric_value))

    @property
    def accuracy(self) -> float:
        """Share of rows predicted correctly, 0 to 1."""
        return self.correct / self.rows

    @property
    def interval(self) -> ConfidenceInterval:
        """The 95 % confidence interval of the accuracy on the task (Wilson 1927)."""
        return wilson_interval(self.correct, self.rows)

    @property
    def value(self) -> float | None:
        """The value of the score's metric; None where it is not defined on the rows."""
        return self.accuracy if self.metric is MetricName.ACCURACY else self.metric_value

    def value_by(self, metric: Metric) -> float:
        """The value of the score's own metric, or the accuracy; ValueError where it has none of it."""
        value = self.accuracy if metric.is_accuracy else self.value
        if value is None or not (metric.is_accuracy or metric.name is self.metric):
            raise ValueError(f"the score on task {self.task!r} has no value of {metric.name}")
        return value

    def describe(self, metric: Metric) -> str:
        """The value by a metric for people, with its name, and why it is accuracy where that is not asked."""
        return f"{metric.format_value(self.value_by(metric))} {metric.name}{self.fallback_note(metric)}"

    def fallback_note(self, metric: Metric) -> str:
        """Why a score is compared by accuracy although its metric is another; empty where it is not."""
        if not metric.is_accuracy or self.metric is MetricName.ACCURACY:
            return ""
        return f" ({self.metric} is not defined: every row has one label)"


def common_metric(*scores: TaskScore) -> Metric:
    """The metric by which scores can be compared: their own, or accuracy where any of them has no value."""
    names = {score.metric for score in scores if score.value is not None}
    if len(names) == 1 and all(score.value is not None for score in scores):
        return METRICS[names.pop()]
    return ACCURACY


def gain(new: TaskScore, old: TaskScore) -> float:
    """How much better one score is than another on the same rows, by the metric that both have."""
    metric = common_metric(new, old)
    return metric.merit(new.value_by(metric)) - metric.merit(old.value_by(metric))


@dataclass(frozen=True, kw_only=True)
class TaskReplacement:
    """Earlier tasks that a new one replaces for rows that name no task.

    `windows` needed growth before and none of them led to a version, the latest first; `task_scores` are the
    candidate's scores as the new task on all of their labelled rows, in the same order.
    """

    tasks: tuple[str, ...]
    windows: tuple[str, ...]
    task_scores: tuple[TaskScore, ...]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A candidate on every task's hold-out rows.

    `initial` scores the same model on the new task before the new branch was trained; `best_existing` the
    best earlier task that has all of its classes, if there is one; `single_task` a model trained on the new
    task alone, where the job asks for it. `changed_tasks` names earlier tasks whose weights or check logits
    are no longer equal bit for bit: none, unless freezing broke. A consolidated candidate opens no task:
    `teacher` scores the model it was distilled from, task by task, and `task` and `initial` are those of the
    newest task. `teacher` is empty for every other candidate. `routed` scores the candidate on the same rows
    without their task, where rows name none; `replacement` says which tasks the router no longer uses.
    `chance_level` is the accuracy of knowing nothing on the new task, `metric_chance_level` its value by the
    scores' metric where that is another one. A refined candidate opens no task either: `task` is the refined
    one, `best_existing` its version before on the same rows, and `refinement` what changed.
    """

    task: str
    task_scores: tuple[TaskScore, ...]
    initial: TaskScore
    chance_level: float
    best_existing: TaskScore | None = None
    single_task: TaskScore | None = None
    changed_tasks: tuple[str, ...] = ()
    teacher: tuple[TaskScore, ...] = ()
    routed: tuple[TaskScore, ...] = ()
    replacement: TaskReplacement | None = None
    metric_chance_level: float | None = None
    refinement: RefinementScore | None = None

    @property
    def opens_task(self) -> bool:
        """Whether the candidate has a task that its parent has not."""
        return not self.teacher and self.refinement is None

    def chance(self, metric: Metric) -> float | None:
        """What knowing nothing scores on the new task by accuracy or by the scores' metric, if measured."""
        return self.chance_level if metric.is_accuracy else self.metric_chance_level

    def score(self, task: str) -> TaskScore:
        """The score on one task; KeyError where it was not measured."""
        return {score.task: score for score in self.task_scores}[task]

    def accuracy(self, task: str) -> float:
        """Accuracy on one task; KeyError where it was not measured."""
        return self.score(task).accuracy


@dataclass(frozen=True, kw_only=True)
class PredictionFlips:
    """Rows that only one model predicts correctly: `negative_count` the old, `positive_count` the new."""

    task: str
    negative_count: int
    positive_count: int
    rows: int

    @property
    def negative_rate(self) -> float:
        """Share of all rows that were correct and are wrong now (Yan et al. 2021), 0 to 1."""
        return self.negative_count / self.rows

    @property
    def positive_rate(self) -> float:
        """Share of all rows that were wrong and are correct now; less `negative_rate` it is the gain."""
        return self.positive_count / self.rows


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """What one gate decided: the value it checked, the threshold, and whether the gate passed."""

    gate: str
    value: float
    threshold: float
    passed: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class AccuracyMatrix:
    """R as rows by growth and columns by task; None where nothing was measured.

    `values` holds R by `metric`; empty where that is accuracy. All figures but the average accuracy are by
    it, and None where they need an entry on which it is not defined. `chance_level` and `single_task` hold,
    for each task, its value for guessing and for a model trained on the task alone. `intervals` holds the
    95 % confidence interval of each accuracy; empty for a matrix without row counts.

    >>> matrix = AccuracyMatrix(
    ...     tasks=("a", "b"),
    ...     accuracy=((0.9, 0.5), (0.8, 0.95)),
    ...     chance_level=(0.5, 0.5),
    ...     single_task=(None, 1.0),
    ... )
    >>> matrix.average_accuracy, round(matrix.backward_transfer, 3), round(matrix.forgetting, 3)
    (0.875, -0.1, 0.1)
    >>> matrix.forward_transfer, round(matrix.intransigence, 3)
    (0.0, 0.05)
    """

    tasks: tuple[str, ...]
    accuracy: tuple[tuple[float | None, ...], ...]
    chance_level: tuple[float | None, ...]
    single_task: tuple[float | None, ...]
    intervals: tuple[tuple[ConfidenceInterval | None, ...], ...] = ()
    metric: MetricName = MetricName.ACCURACY
    values: tuple[tuple[float | None, ...], ...] = ()

    @property
    def average_accuracy(self) -> float | None:
        """Mean of the last row, A_T = 1/T sum_j R[T][j] (Lopez-Paz and Ranzato 2017, as ACC)."""
        return _mean_or_none(self.accuracy[-1]) if self.tasks else None

    @property
    def average_value(self) -> float | None:
        """The same by the metric."""
        return _mean_or_none(self.metric_values[-1]) if self.tasks else None

    @property
    def metric_values(self) -> tuple[tuple[float | None, ...], ...]:
        """R by the metric."""
        return self.values or self.accuracy

    @property
    def backward_transfer(self) -> float | None:
        """BWT = 1/(T-1) sum_{j<T} R[T][j] - R[j][j] (Lopez-Paz and Ranzato 2017)."""
        return _mean_or_none([self._gain(now, self._at(j, j)) for j, now in enumerate(self._last_row()[:-1])])

    @property
    def forward_transfer(self) -> float | None:
        """FWT = 1/(T-1) sum_{j>1} R[j-1][j] - chance_j (Lopez-Paz and Ranzato 2017).

        R[j-1][j] is the new task's initial model, before its branch was trained; chance is 1/C.
        """
        before = [(self.metric_values[j - 1][j], self.chance_level[j]) for j in range(1, len(self.tasks))]
        return _mean_or_none(
            [self._gain(measured, chance) for measured, chance in before if measured is not None]
        )

    @property
    def forgetting(self) -> float | None:
        """F = 1/(T-1) sum_{j<T} max_{i<T} R[i][j] - R[T][j]: best past minus current (Chaudhry 2018)."""
        return _mean_or_none([self._lost(j, now) for j, now in enumerate(self._last_row()[:-1])])

    @property
    def intransigence(self) -> float | None:
        """I = mean of single_j - R[j][j]: what growing cost against a single-task model (Chaudhry 2018).

        Chaudhry et al. compare with a jointly trained model; here the baseline is a model of one branch
        trained on the task's own rows. None unless the job asks for that baseline.
        """
        pairs = [(single_task, self._at(j, j)) for j, single_task in enumerate(self.single_task)]
        return _mean_or_none(
            [self._gain(single_task, now) for single_task, now in pairs if single_task is not None]
        )

    def _lost(self, task: int, now: float | None) -> float | None:
        """How far a task's value now is from the best it had before."""
        gains = [self._gain(self._at(i, task), now) for i in range(task, len(self.tasks) - 1)]
        return None if None in gains else max(value for value in gains if value is not None)

    def _last_row(self) -> list[float | None]:
        return [self._at(len(self.tasks) - 1, j) for j in range(len(self.tasks))]

    def _at(self, i: int, j: int) -> float | None:
        if self.accuracy[i][j] is None:
            raise ValueError(f"R[{i}][{j}] was not measured")
        return self.metric_values[i][j]

    def _gain(self, new: float | None, old: float | None) -> float | None:
        """How much better one value is than another; None where either is."""
        if new is None or old is None:
            return None
        metric = METRICS[self.metric]
        return metric.merit(new) - metric.merit(old)


def _mean_or_none(values: Sequence[float | None]) -> float | None:
    """The mean; None without a value, or where any is None."""
    defined = [value for value in values if value is not None]
    return fmean(defined) if defined and len(defined) == len(values) else None


def build_accuracy_matrix(evaluations: tuple[Evaluation, ...]) -> AccuracyMatrix:
    """Assemble R from one evaluation a version, in the order the tasks were opened.

    A consolidation or a refinement opens no task: it replaces the row of the newest one. The figures are by
    the metric of the scores; where it was changed since the first of them, by accuracy.
    """
    evaluations = _one_evaluation_per_task(evaluations)
    names = {score.metric for evaluation in evaluations for score in evaluation.task_scores}
    metric = METRICS[names.pop()] if len(names) == 1 else ACCURACY
    tasks = tuple(evaluation.task for evaluation in evaluations)
    rows: list[tuple[TaskScore | None, ...]] = []
    for i, evaluation in enumerate(evaluations):
        scores: dict[str, TaskScore] = {score.task: score for score in evaluation.task_scores}
        if i + 1 < len(evaluations):
            scores[tasks[i + 1]] = evaluations[i + 1].initial
        rows.append(tuple(scores.get(task) for task in tasks))
    return AccuracyMatrix(
        tasks=tasks,
        accuracy=tuple(tuple(None if score is None else score.accuracy for score in row) for row in rows),
        chance_level=tuple(evaluation.chance(metric) for evaluation in evaluations),
        single_task=tuple(_value_or_none(evaluation.single_task, metric) for evaluation in evaluations),
        intervals=tuple(tuple(None if score is None else score.interval for score in row) for row in rows),
        metric=metric.name,
        values=()
        if metric.is_accuracy
        else tuple(tuple(_value_or_none(score, metric) for score in row) for row in rows),
    )


def _value_or_none(score: TaskScore | None, metric: Metric) -> float | None:
    """The value of a score by a metric; None without a score, and where it is not defined."""
    if score is None:
        return None
    return score.accuracy if metric.is_accuracy else score.value


def _one_evaluation_per_task(evaluations: tuple[Evaluation, ...]) -> tuple[Evaluation, ...]:
    """The evaluation that opened each task, with the scores of the newest version before the next opening."""
    rows: list[Evaluation] = []
    for evaluation in evaluations:
        if evaluation.opens_task or not rows:
            rows.append(evaluation)
            continue
        if evaluation.refinement is not None and evaluation.best_existing is not None:
            rows = _remeasure(rows, evaluation.best_existing)
        rows[-1] = replace(rows[-1], task_scores=evaluation.task_scores)
    return tuple(rows)


def _remeasure(rows: Sequence[Evaluation], before: TaskScore) -> list[Evaluation]:
    """Earlier rows with a refined task on the hold-out rows it has now.

    `before` scores its version before the refinement on them. Every row since its refinement before that has
    the same answers, and so the same score.
    """
    last = next((score for score in rows[-1].task_scores if score.task == before.task), None)
    return [
        replace(row, task_scores=tuple(before if score == last else score for score in row.task_scores))
        for row in rows
    ]
