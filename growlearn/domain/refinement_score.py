"""What a refinement changed, and whether that is enough to keep it."""

from __future__ import annotations

from dataclasses import dataclass

from growlearn.domain.metric import MetricName

MIN_TASK_GAIN = 0.1
"""By what share of the log loss a new task must answer better than a corrected known one.

Hold-out rows share hours and places with the other rows of their window, so answers that keep windows apart
look better on them than they will on the next one.
"""


@dataclass(frozen=True, kw_only=True)
class MetricChange:
    """A refined task by the job's metric, where that scores predicted classes and is not accuracy.

    The p-values are one-sided, of a paired randomisation test: `p_drop` that the metric is no lower than
    before, `p_rise` that it is no higher.
    """

    metric: MetricName
    before: float
    after: float
    p_drop: float
    p_rise: float


@dataclass(frozen=True, kw_only=True)
class LossChange:
    """A refined task against its version before, on the same hold-out rows.

    `loss_before` and `loss_after` are mean log losses in nats. The p-values are one-sided, of paired tests by
    row: `p_decrease` that the loss is no lower, `p_increase` that it is no higher, `p_accuracy_drop` that no
    fewer rows are predicted correctly. `by_metric` stands in for accuracy where the job's metric is another.
    """

    rows: int
    loss_before: float
    loss_after: float
    p_decrease: float
    p_increase: float
    accuracy_before: float
    accuracy_after: float
    p_accuracy_drop: float
    by_metric: MetricChange | None = None

    @property
    def p_drop(self) -> float:
        """That the predicted classes are no worse, by the metric that scores them."""
        return self.p_accuracy_drop if self.by_metric is None else self.by_metric.p_drop


@dataclass(frozen=True, kw_only=True)
class RefinementScore:
    """What a refinement changed: on the task's earlier hold-out rows, on those of the new windows, on both.

    `new` is None where hold-out files hold all of the rows. `alpha` is the level of each test.
    `after_drift` says whether the new window had drifted, `is_repeated` whether refinements of the task were
    tried twice or more in vain since it last learned. `opened_loss` is then the mean log loss on all of
    the rows, each routed, of a model with a new task instead; None where none was trained.
    """

    earlier: LossChange
    new: LossChange | None
    both: LossChange
    alpha: float
    after_drift: bool = False
    is_repeated: bool = False
    opened_loss: float | None = None

    @property
    def p_decrease(self) -> float:
        """That the loss is lower neither on the new rows nor on all: the smaller p-value, times two.

        Bonferroni's correction; without new hold-out rows there is one test alone.
        """
        if self.new is None:
            return self.both.p_decrease
        return min(1.0, 2 * min(self.new.p_decrease, self.both.p_decrease))

    @property
    def lowers_new_loss(self) -> bool:
        """Whether the loss on the new rows fell, beyond chance there or on all rows."""
        shown = self.new or self.both
        return self.p_decrease < self.alpha and shown.loss_after < shown.loss_before

    @property
    def keeps_earlier_loss(self) -> bool:
        """Whether the earlier rows' loss did not rise beyond chance, or all rows make up for it.

        They do where their loss fell beyond chance and the earlier ones' accuracy (or the metric that stands
        in for it) did not, or tries before were in vain: each had twice the rows, so labels that changed for
        good outvote the earlier ones. After drift they do also where it fell and a new task does not answer
        them much better, or could not.
        """
        if self.earlier.p_increase >= self.alpha:
            return True
        if self.after_drift and (self.opened_loss is not None or not self.is_task_promising):
            return self.both.loss_after < self.both.loss_before
        is_accurate = self.is_repeated or self.earlier.p_drop >= self.alpha
        return self.both.p_decrease < self.alpha and is_accurate

    @property
    def is_task_promising(self) -> bool:
        """Whether a new task could lower the loss on all rows by `MIN_TASK_GAIN`.

        As if every row were routed right: then it spares what the earlier ones lost, and may answer the new
        ones as well as the earlier ones were answered.
        """
        gain = (self.earlier.loss_after - self.earlier.loss_before) * self.earlier.rows
        if self.new is not None:
            gain += max(0.0, self.new.loss_after - self.earlier.loss_before) * self.new.rows
        return gain >= MIN_TASK_GAIN * self.both.loss_after * self.both.rows
