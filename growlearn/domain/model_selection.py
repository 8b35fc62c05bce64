"""Model selection: the new branch against cheaper candidates, on the same hold-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from growlearn.domain.evaluation import TaskScore
from growlearn.domain.metric import MetricName


class CandidateKind(StrEnum):
    """What can serve a new task, the cheapest first."""

    NO_CHANGE = "no_change"  # an earlier task that has all of its classes serves it unchanged
    NEW_HEAD = "new_head"  # a new head on frozen branches
    FINE_TUNE = "fine_tune"  # a copy of the newest branch, trained further
    BRANCH = "branch"  # the planned new branch


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One candidate, trained with the plan's budget, and its cost.

    `parameters` counts those it would add, `branches` those run for a prediction; `seconds` is the training
    time. `validation_value` (of a metric other than accuracy) or `validation_loss` chooses among candidates
    of equal cost; both are None where nothing was trained.
    """

    kind: CandidateKind
    task_score: TaskScore
    parameters: int
    branches: int
    seconds: float
    validation_loss: float | None = None
    validation_value: float | None = None

    @property
    def cost(self) -> tuple[int, int]:
        """Parameters, then branches run: the sort key of candidates."""
        return self.parameters, self.branches


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """A smaller candidate against a larger one, row by row.

    `only_larger_correct` counts rows that only the larger predicts correctly, `only_smaller_correct` those
    that only the smaller does (negative flips). `difference` is the gain of the larger by the metric of the
    selection, with the confidence interval `low` to `high` at 1 - alpha; `p_value` is of the one-sided test
    that the larger is no better. `outperformed` also needs a difference of the minimum gain.
    """

    smaller: CandidateKind
    larger: CandidateKind
    only_larger_correct: int
    only_smaller_correct: int
    rows: int
    difference: float
    low: float
    high: float
    p_value: float
    outperformed: bool


@dataclass(frozen=True, kw_only=True)
class ModelSelection:
    """All candidates, smallest first, their comparisons, and the smallest that no larger one outperforms.

    Of candidates with equal cost only the best on validation rows is compared. `metric` is what they are
    compared by.
    """

    candidates: tuple[Candidate, ...]
    comparisons: tuple[PairedComparison, ...]
    alpha: float
    selected: CandidateKind
    min_accuracy_gain: float = 0.0
    metric: MetricName = MetricName.ACCURACY

    def candidate(self, kind: CandidateKind) -> Candidate:
        """The candidate of that kind; KeyError where there is none."""
        return {candidate.kind: candidate for candidate in self.candidates}[kind]
