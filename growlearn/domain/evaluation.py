"""The accuracy matrix and every continual-learning figure that derives from it.

R[i][j] is the accuracy on task j after growing task i, with tasks in the order they were opened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import fmean

from growlearn.domain.interval import Interval, wilson


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One model on one task's hold-out rows; `answers` are the stored ones to every row (sha256), in order.

    None in records of earlier versions, and where there is no row.
    """

    task: str
    correct: int
    rows: int
    answers: str | None = None

    @property
    def accuracy(self) -> float:
        """Share of rows answered right, 0 to 1."""
        return self.correct / self.rows

    @property
    def interval(self) -> Interval:
        """Where the accuracy on other rows of the task lies, with 95 % confidence (Wilson 1927)."""
        return wilson(self.correct, self.rows)


@dataclass(frozen=True, kw_only=True)
class Succession:
    """Earlier tasks that a new one takes the place of for rows that name none.

    `windows` called for growth before and nothing came of them, the latest first; `cells` are what the
    candidate answers to all of their labelled rows as the new task, in the same order.
    """

    tasks: tuple[str, ...]
    windows: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A candidate on every task's hold-out rows.

    `before` is the same model before the new branch was trained, on the new task; `known` the best that
    an earlier task with all of its classes answers there, if there is one; `alone` a model trained on
    the new task by itself, where the job asks for it. `changed` names earlier tasks whose
    weights or probe answers are not equal to the last bit any more: none, unless freezing broke.
    A consolidated candidate opens no task: `taught` is what the model consolidated answers, task by task,
    and `task` the newest one, of which `before` says the same. Empty for every other candidate. `routed` is
    what the candidate answers on the same rows without being told their task, where rows name none;
    `succession` says which tasks are not routed to any more.
    """

    task: str
    cells: tuple[Cell, ...]
    before: Cell
    chance: float
    known: Cell | None = None
    alone: Cell | None = None
    changed: tuple[str, ...] = ()
    taught: tuple[Cell, ...] = ()
    routed: tuple[Cell, ...] = ()
    succession: Succession | None = None

    def accuracy(self, task: str) -> float:
        """Accuracy on one task; KeyError where it was not measured."""
        return {cell.task: cell.accuracy for cell in self.cells}[task]


@dataclass(frozen=True, kw_only=True)
class Flips:
    """Rows of one task that one of two models has right: `lost` the old one alone, `gained` the new."""

    task: str
    lost: int
    gained: int
    rows: int

    @property
    def negative(self) -> float:
        """Share of all rows that were right and are wrong now (Yan et al. 2021), 0 to 1."""
        return self.lost / self.rows

    @property
    def positive(self) -> float:
        """Share of all rows that were wrong and are right now; accuracy rose by this less `negative`."""
        return self.gained / self.rows


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """What one gate said: the figure it looked at, the bound, and whether it holds."""

    gate: str
    figure: float
    bound: float
    passed: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class AccuracyMatrix:
    """R as rows by growth and columns by task; None where nothing was measured.

    `chance` and `alone` hold, for each task, the accuracy of guessing and that of a model trained
    on the task by itself. `intervals` holds, cell by cell, how exactly R is known at 95 %; empty for a
    matrix that no counts are known of.

    >>> matrix = AccuracyMatrix(
    ...     tasks=("a", "b"), accuracy=((0.9, 0.5), (0.8, 0.95)), chance=(0.5, 0.5), alone=(None, 1.0)
    ... )
    >>> matrix.average_accuracy, round(matrix.backward_transfer, 3), round(matrix.forgetting, 3)
    (0.875, -0.1, 0.1)
    >>> matrix.forward_transfer, round(matrix.intransigence, 3)
    (0.0, 0.05)
    >>> round(matrix.forward_transfer_alone, 3)
    -0.05
    """

    tasks: tuple[str, ...]
    accuracy: tuple[tuple[float | None, ...], ...]
    chance: tuple[float, ...]
    alone: tuple[float | None, ...]
    intervals: tuple[tuple[Interval | None, ...], ...] = ()

    @property
    def average_accuracy(self) -> float | None:
        """Mean of the last row, A_T = 1/T sum_j R[T][j] (Lopez-Paz and Ranzato 2017, as ACC)."""
        return fmean(self._last()) if self.tasks else None

    @property
    def backward_transfer(self) -> float | None:
        """BWT = 1/(T-1) sum_{j<T} R[T][j] - R[j][j] (Lopez-Paz and Ranzato 2017)."""
        return _mean([now - self._at(j, j) for j, now in enumerate(self._last()[:-1])])

    @property
    def forward_transfer(self) -> float | None:
        """FWT = 1/(T-1) sum_{j>1} R[j-1][j] - chance_j (Lopez-Paz and Ranzato 2017).

        R[j-1][j] is the new task's model at birth, before its branch was trained; chance is 1/C.
        """
        before = [(self.accuracy[j - 1][j], self.chance[j]) for j in range(1, len(self.tasks))]
        return _mean([measured - chance for measured, chance in before if measured is not None])

    @property
    def forward_transfer_alone(self) -> float | None:
        """FWT = 1/(T-1) sum_{j>1} R[j][j] - alone_j (Wang et al. 2024): what earlier tasks gave a new one.

        The reference starts with nothing and is trained on the same rows by the same budget. None unless the
        job asks for it; tasks without one are left out.
        """
        pairs = [(alone, self._at(j, j)) for j, alone in enumerate(self.alone) if j > 0]
        return _mean([now - alone for alone, now in pairs if alone is not None])

    @property
    def forgetting(self) -> float | None:
        """F = 1/(T-1) sum_{j<T} max_{i<T} R[i][j] - R[T][j]: best past minus current (Chaudhry 2018)."""
        last = self._last()[:-1]
        past = [max(self._at(i, j) for i in range(j, len(self.tasks) - 1)) for j in range(len(last))]
        return _mean([best - now for best, now in zip(past, last, strict=True)])

    @property
    def intransigence(self) -> float | None:
        """I = mean of alone_j - R[j][j]: what growing cost against training alone (Chaudhry 2018).

        Chaudhry et al. take a jointly trained model as the reference; here it is a model of one
        branch trained on the task's own rows. None unless the job asks for that reference.
        """
        pairs = [(alone, self._at(j, j)) for j, alone in enumerate(self.alone)]
        return _mean([alone - now for alone, now in pairs if alone is not None])

    def _last(self) -> list[float]:
        return [self._at(len(self.tasks) - 1, j) for j in range(len(self.tasks))]

    def _at(self, i: int, j: int) -> float:
        value = self.accuracy[i][j]
        if value is None:
            raise ValueError(f"R[{i}][{j}] was not measured")
        return value


def _mean(values: list[float]) -> float | None:
    return fmean(values) if values else None


def matrix_of(evaluations: tuple[Evaluation, ...]) -> AccuracyMatrix:
    """Assemble R from one evaluation a growth, in the order the tasks were opened.

    A consolidation opens no task: it measures the row of the newest one again.
    """
    evaluations = _latest_rows(evaluations)
    tasks = tuple(evaluation.task for evaluation in evaluations)
    rows: list[tuple[Cell | None, ...]] = []
    for i, evaluation in enumerate(evaluations):
        known: dict[str, Cell] = {cell.task: cell for cell in evaluation.cells}
        if i + 1 < len(evaluations):
            known[tasks[i + 1]] = evaluations[i + 1].before
        rows.append(tuple(known.get(task) for task in tasks))
    return AccuracyMatrix(
        tasks=tasks,
        accuracy=tuple(tuple(None if cell is None else cell.accuracy for cell in row) for row in rows),
        chance=tuple(evaluation.chance for evaluation in evaluations),
        alone=tuple(None if e.alone is None else e.alone.accuracy for e in evaluations),
        intervals=tuple(tuple(None if cell is None else cell.interval for cell in row) for row in rows),
    )


def _latest_rows(evaluations: tuple[Evaluation, ...]) -> tuple[Evaluation, ...]:
    rows: list[Evaluation] = []
    for evaluation in evaluations:
        if evaluation.taught and rows:
            rows[-1] = replace(rows[-1], cells=evaluation.cells)
        else:
            rows.append(evaluation)
    return tuple(rows)
