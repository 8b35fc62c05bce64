"""The accuracy matrix and every continual-learning metric derived from it.

R[i][j] is the accuracy on task j after growing task i, with tasks in the order they were opened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import fmean

from growlearn.domain.interval import ConfidenceInterval, wilson_interval


@dataclass(frozen=True, kw_only=True)
class TaskScore:
    """One model's score on one task's hold-out rows.

    `logits_sha256` is the sha256 of the stored logits of every row, in order; None where there is no row.
    """

    task: str
    correct: int
    rows: int
    logits_sha256: str | None = None

    @property
    def accuracy(self) -> float:
        """Share of rows predicted correctly, 0 to 1."""
        return self.correct / self.rows

    @property
    def interval(self) -> ConfidenceInterval:
        """The 95 % confidence interval of the accuracy on the task (Wilson 1927)."""
        return wilson_interval(self.correct, self.rows)


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

    def accuracy(self, task: str) -> float:
        """Accuracy on one task; KeyError where it was not measured."""
        return {score.task: score.accuracy for score in self.task_scores}[task]


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

    `chance_level` and `single_task` hold, for each task, the accuracy of guessing and that of a model trained
    on the task alone. `intervals` holds the 95 % confidence interval of each entry of R; empty for a matrix
    without row counts.

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
    chance_level: tuple[float, ...]
    single_task: tuple[float | None, ...]
    intervals: tuple[tuple[ConfidenceInterval | None, ...], ...] = ()

    @property
    def average_accuracy(self) -> float | None:
        """Mean of the last row, A_T = 1/T sum_j R[T][j] (Lopez-Paz and Ranzato 2017, as ACC)."""
        return fmean(self._last_row()) if self.tasks else None

    @property
    def backward_transfer(self) -> float | None:
        """BWT = 1/(T-1) sum_{j<T} R[T][j] - R[j][j] (Lopez-Paz and Ranzato 2017)."""
        return _mean_or_none(
            [now - self._measured_accuracy(j, j) for j, now in enumerate(self._last_row()[:-1])]
        )

    @property
    def forward_transfer(self) -> float | None:
        """FWT = 1/(T-1) sum_{j>1} R[j-1][j] - chance_j (Lopez-Paz and Ranzato 2017).

        R[j-1][j] is the new task's initial model, before its branch was trained; chance is 1/C.
        """
        before = [(self.accuracy[j - 1][j], self.chance_level[j]) for j in range(1, len(self.tasks))]
        return _mean_or_none([measured - chance for measured, chance in before if measured is not None])

    @property
    def forgetting(self) -> float | None:
        """F = 1/(T-1) sum_{j<T} max_{i<T} R[i][j] - R[T][j]: best past minus current (Chaudhry 2018)."""
        last = self._last_row()[:-1]
        past = [
            max(self._measured_accuracy(i, j) for i in range(j, len(self.tasks) - 1))
            for j in range(len(last))
        ]
        return _mean_or_none([best - now for best, now in zip(past, last, strict=True)])

    @property
    def intransigence(self) -> float | None:
        """I = mean of single_j - R[j][j]: what growing cost against a single-task model (Chaudhry 2018).

        Chaudhry et al. compare with a jointly trained model; here the baseline is a model of one branch
        trained on the task's own rows. None unless the job asks for that baseline.
        """
        pairs = [
            (single_task, self._measured_accuracy(j, j)) for j, single_task in enumerate(self.single_task)
        ]
        return _mean_or_none([single_task - now for single_task, now in pairs if single_task is not None])

    def _last_row(self) -> list[float]:
        return [self._measured_accuracy(len(self.tasks) - 1, j) for j in range(len(self.tasks))]

    def _measured_accuracy(self, i: int, j: int) -> float:
        value = self.accuracy[i][j]
        if value is None:
            raise ValueError(f"R[{i}][{j}] was not measured")
        return value


def _mean_or_none(values: list[float]) -> float | None:
    return fmean(values) if values else None


def build_accuracy_matrix(evaluations: tuple[Evaluation, ...]) -> AccuracyMatrix:
    """Assemble R from one evaluation a growth, in the order the tasks were opened.

    A consolidation opens no task: it replaces the row of the newest one.
    """
    evaluations = _merge_consolidations(evaluations)
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
        chance_level=tuple(evaluation.chance_level for evaluation in evaluations),
        single_task=tuple(None if e.single_task is None else e.single_task.accuracy for e in evaluations),
        intervals=tuple(tuple(None if score is None else score.interval for score in row) for row in rows),
    )


def _merge_consolidations(evaluations: tuple[Evaluation, ...]) -> tuple[Evaluation, ...]:
    rows: list[Evaluation] = []
    for evaluation in evaluations:
        if evaluation.teacher and rows:
            rows[-1] = replace(rows[-1], task_scores=evaluation.task_scores)
        else:
            rows.append(evaluation)
    return tuple(rows)
