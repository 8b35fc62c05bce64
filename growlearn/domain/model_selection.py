"""Model selection: the new branch against cheaper candidates, on the same hold-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from growlearn.domain.evaluation import TaskScore
from growlearn.domain.growth import BranchInit, Combination
from growlearn.domain.metric import MetricName


class CandidateKind(StrEnum):
    """What can serve a new task, the cheapest first."""

    NO_CHANGE = "no_change"  # an earlier task that has all of its classes serves it unchanged
    NEW_HEAD = "new_head"  # a new head on frozen branches
    FINE_TUNE = "fine_tune"  # a copy of an earlier branch, trained further, alone
    RESIDUAL = "residual"  # a branch on a frozen stem, trained on the residual of the frozen answer
    AVERAGE = "average"  # the fine-tuned copy, averaged with the frozen answer
    BRANCH = "branch"  # the planned new branch, where no frozen answer has its classes

    @property
    def is_branch(self) -> bool:
        """Whether it brings a new branch."""
        return self not in (CandidateKind.NO_CHANGE, CandidateKind.NEW_HEAD)

    @property
    def is_joined(self) -> bool:
        """Whether the answer of the frozen branches enters."""
        return self in (CandidateKind.RESIDUAL, CandidateKind.AVERAGE)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One candidate, trained with the plan's budget, and its cost.

    `parameters` counts those it would add, `branches` those run for a prediction; `seconds` is the training
    time. `validation_value` (of a metric other than accuracy) or `validation_loss` chooses among candidates
    of equal cost; both are None where nothing was trained. `combination` is how the new head joins the frozen
    answer, `init` how its branch starts; both None without a new branch. `log_loss` is that on the hold-out.
    """

    kind: CandidateKind
    task_score: TaskScore
    parameters: int
    branches: int
    seconds: float
    validation_loss: float | None = None
    validation_value: float | None = None
    init: BranchInit | None = None
    combination: Combination | None = None
    log_loss: float | None = None

    @property
    def cost(self) -> tuple[int, int]:
        """Parameters, then branches run: the sort key of candidates."""
        return self.parameters, self.branches


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """A smaller candidate against a larger one, row by row.

    A branch that the frozen answer enters counts as smaller than one alone: it is kept where none is better.
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

    Of candidates with equal cost only the best on validation rows is compared, and of branches only one.
    `metric` is what they are compared by. `dropped_seconds` is the training time of what was trained for
    the same window after drift, and dropped, `dropped_reason` a sentence that says why.
    """

    candidates: tuple[Candidate, ...]
    comparisons: tuple[PairedComparison, ...]
    alpha: float
    selected: CandidateKind
    min_accuracy_gain: float = 0.0
    metric: MetricName = MetricName.ACCURACY
    dropped_seconds: float = 0.0
    dropped_reason: str = ""

    @property
    def branch(self) -> CandidateKind:
        """The branch that was compared with what is smaller; the first where none was compared."""
        compared = [item for item in self.comparisons if not item.smaller.is_branch]
        kinds = [item.larger for item in compared if item.larger.is_branch]
        branches = [item.kind for item in self.candidates if item.kind.is_branch]
        return self.selected if self.selected.is_branch else [*kinds, *branches][0]

    @property
    def against_no_change(self) -> tuple[PairedComparison, ...]:
        """The comparisons with the unchanged model; empty where it was no candidate."""
        return tuple(item for item in self.comparisons if item.smaller is CandidateKind.NO_CHANGE)

    @property
    def outperforms_no_change(self) -> bool:
        """Whether the selected candidate outperforms the unchanged model."""
        return any(item.outperformed for item in self.against_no_change if item.larger is self.selected)

    def candidate(self, kind: CandidateKind) -> Candidate:
        """The candidate of that kind; KeyError where there is none."""
        return {candidate.kind: candidate for candidate in self.candidates}[kind]
