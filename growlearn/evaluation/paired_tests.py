"""Paired tests of smaller and larger candidates on the same hold-out rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, norm, ttest_1samp

from growlearn.bootstrap import bootstrap_values, count_resamples
from growlearn.domain.metric import ACCURACY, Metric
from growlearn.domain.model_selection import Candidate, CandidateKind, ModelSelection, PairedComparison
from growlearn.evaluation.swap_test import swap_p_values
from growlearn.metrics import ScoredRows, Values, compute_metric

CorrectMask = npt.NDArray[np.bool_]
"""Whether each hold-out row is predicted correctly, bool [N]."""


def select_smallest_adequate(
    candidates: Sequence[Candidate],
    correct: Mapping[CandidateKind, CorrectMask],
    alpha: float,
    min_effect: float = 0.0,
    metric_test: MetricTest | None = None,
) -> ModelSelection:
    """Compare candidates of different cost and select the smallest that no larger one outperforms.

    Where a candidate outperforms `no_change`, the selection is the smallest of those that do so themselves,
    if any is left. Of branches only one is compared: see `_select_branch`.

    Among candidates of equal cost only the best on validation rows is compared. Each is tested against all
    larger ones at alpha divided by their number (Bonferroni), so a candidate that is as good as they are is
    rejected with probability at most alpha. The test is McNemar's; for a metric other than accuracy
    `metric_test` takes its place.
    """
    metric = ACCURACY if metric_test is None else metric_test.metric

    def compare(smaller: Candidate, larger: Candidate, level: float, effect: float) -> PairedComparison:
        kinds = smaller.kind, larger.kind
        comparison = compare_paired(kinds, correct[smaller.kind], correct[larger.kind], level, effect)
        return comparison if metric_test is None else metric_test.test(comparison, level, effect)

    ordered = sorted(candidates, key=lambda candidate: candidate.cost)
    branch, comparisons = _select_branch(
        ordered, metric, lambda smaller, larger: compare(smaller, larger, alpha, 0.0)
    )
    pool = [candidate for candidate in ordered if branch in (None, candidate) or not candidate.kind.is_branch]
    finalists = [candidate for candidate in pool if candidate is _best_at_cost(candidate.cost, pool, metric)]
    for index, smaller in enumerate(finalists):
        larger_candidates = finalists[index + 1 :]
        for larger in larger_candidates:
            comparisons.append(compare(smaller, larger, alpha / len(larger_candidates), min_effect))
    selected = _select_kind([candidate.kind for candidate in finalists], comparisons)
    return ModelSelection(
        candidates=tuple(ordered),
        comparisons=tuple(comparisons),
        alpha=alpha,
        selected=selected,
        min_accuracy_gain=min_effect,
        metric=metric.name,
    )


def _select_branch(
    candidates: Sequence[Candidate],
    metric: Metric,
    compare: Callable[[Candidate, Candidate], PairedComparison],
) -> tuple[Candidate | None, list[PairedComparison]]:
    """The branch that stands for all: the best that the frozen answer enters, unless one alone beats it.

    Both are the best of their sort on validation rows. None where the frozen answer enters none: then all
    are compared by their cost.
    """
    joined = [candidate for candidate in candidates if candidate.kind.is_joined]
    alone = [item for item in candidates if item.kind.is_branch and not item.kind.is_joined]
    if not joined:
        return None, []
    best = min(joined, key=partial(_validation_cost, metric))
    if not alone:
        return best, []
    rival = min(alone, key=partial(_validation_cost, metric))
    comparison = compare(best, rival)
    return (rival if comparison.outperformed else best), [comparison]


def _select_kind(
    finalists: Sequence[CandidateKind], comparisons: Sequence[PairedComparison]
) -> CandidateKind:
    outperformed = [comparison.smaller for comparison in comparisons if comparison.outperformed]
    remaining = [kind for kind in finalists if kind not in outperformed]
    if CandidateKind.NO_CHANGE not in outperformed:
        return remaining[0]
    better_kinds = [
        comparison.larger
        for comparison in comparisons
        if comparison.outperformed and comparison.smaller is CandidateKind.NO_CHANGE
    ]
    return next((kind for kind in remaining if kind in better_kinds), remaining[0])


def _best_at_cost(cost: tuple[int, int], candidates: Sequence[Candidate], metric: Metric) -> Candidate:
    """Of the candidates with this cost, the best on validation rows; the first of equals."""
    return min(
        (candidate for candidate in candidates if candidate.cost == cost),
        key=partial(_validation_cost, metric),
    )


def _validation_cost(metric: Metric, candidate: Candidate) -> float:
    """What to have least of on validation rows: the metric turned round, or the loss without a value."""
    cost = candidate.validation_loss
    if candidate.validation_value is not None:
        cost = -metric.merit(candidate.validation_value)
    return math.inf if cost is None or math.isnan(cost) else cost


@dataclass(frozen=True, eq=False)
class MetricTest:
    """Compares candidates by a metric for which there is no exact test, with resamples of the hold-out rows.

    `rows` hold what each candidate says of the same rows, with one numbering of the classes. Resamples are
    drawn with a fixed seed and within each label, so that a rare class is in all of them.
    """

    metric: Metric
    rows: Mapping[CandidateKind, ScoredRows]
    _values: dict[tuple[CandidateKind, int], Values] = field(default_factory=dict)

    def test(self, comparison: PairedComparison, alpha: float, min_effect: float) -> PairedComparison:
        """The comparison by the metric: gain, percentile interval (Efron and Tibshirani 1993) and p-value.

        The p-value is that of the bootstrap, or of `swap_p_values` where the metric scores predicted classes:
        it needs no variance within a class, so the interval need not agree with it.

        A candidate whose training diverged, so that its probabilities are no numbers, loses to any other.
        """
        smaller, larger = comparison.smaller, comparison.larger
        merits = self._merit(smaller), self._merit(larger)
        if any(map(math.isnan, merits)):
            return replace(comparison, outperformed=not math.isnan(merits[1]))
        difference = merits[1] - merits[0]
        is_swapped = self.metric.chooses_threshold
        resamples = count_resamples(1.0 if is_swapped else alpha)  # for an interval fewer will do
        gains = self.metric.merit(1.0) * (
            self._resampled(larger, resamples) - self._resampled(smaller, resamples)
        )
        low, high = np.quantile(gains, (alpha / 2, 1 - alpha / 2))
        p_value = (
            swap_p_values(self.metric, self.rows[smaller], self.rows[larger], alpha)[1]
            if is_swapped
            else bootstrap_p_value(gains, self.rows[larger])
        )
        return replace(
            comparison,
            difference=difference,
            low=float(low),
            high=float(high),
            p_value=p_value,
            outperformed=p_value < alpha and difference >= self.metric.scale_bound(min_effect, merits[0]),
        )

    def _merit(self, kind: CandidateKind) -> float:
        value = compute_metric(self.metric, self.rows[kind])
        assert value is not None, "candidates are compared by a metric that is defined on their rows"
        return self.metric.merit(value)

    def _resampled(self, kind: CandidateKind, resamples: int) -> Values:
        key = (kind, resamples)
        if key not in self._values:
            self._values[key] = bootstrap_values(self.metric, self.rows[kind], resamples)
        return self._values[key]


def gain_p_value(metric: Metric, before: ScoredRows, after: ScoredRows, alpha: float) -> float:
    """One-sided p-value of "no better after than before", on the same rows.

    By a metric that scores predicted classes the randomisation test, by another the bootstrap.
    """
    if metric.chooses_threshold:
        return swap_p_values(metric, before, after, alpha)[1]
    resampled = [bootstrap_values(metric, rows, count_resamples(alpha)) for rows in (before, after)]
    return bootstrap_p_value(metric.merit(1.0) * (resampled[1] - resampled[0]), before)


def bootstrap_p_value(gains: Values, rows: ScoredRows) -> float:
    """The one-sided p-value of "no better": the share of resamples without a gain, counted with one more.

    Where the rows have two classes, or a positive one and others, and the rarer side has m rows, it is 2^-m
    at least, the smallest that a sign test has: of one row all resamples are alike, and the share alone would
    be certain.

    >>> targets = np.array([0, 0, 0, 1, 1])
    >>> rows = ScoredRows(np.full((5, 2), 0.5), targets, targets, positive=1)
    >>> bootstrap_p_value(np.full(999, 0.1), rows)
    0.25
    """
    sides = rows.targets if rows.positive is None else rows.targets == rows.positive
    counts = np.unique(sides, return_counts=True)[1]
    smallest = 0.5 ** int(counts.min()) if len(counts) == 2 else 0.0
    return max(smallest, float((1 + np.sum(gains <= 0)) / (1 + len(gains))))


def compare_paired(
    kinds: tuple[CandidateKind, CandidateKind],
    smaller_correct: CorrectMask,
    larger_correct: CorrectMask,
    alpha: float,
    min_effect: float = 0.0,
) -> PairedComparison:
    """Whether the larger candidate is correct on more of the same rows: the exact, one-sided McNemar test.

    `kinds` are those of the smaller and of the larger candidate. A significant difference below `min_effect`
    does not count.

    Of the n rows that only one candidate predicts correctly, a larger candidate that is no better would have
    each with probability 1/2: p = P(Binomial(n, 1/2) >= only_larger_correct) (McNemar 1947). The interval at
    1 - alpha is the adjusted Wald interval of Bonett and Price (2012) for a paired difference.

    >>> import numpy as np
    >>> smaller, larger = np.arange(100) < 80, np.arange(100) < 90
    >>> test = compare_paired((CandidateKind.NEW_HEAD, CandidateKind.BRANCH), smaller, larger, 0.05)
    >>> test.only_larger_correct, test.difference, round(test.p_value, 5), test.outperformed
    (10, 0.1, 0.00098, True)
    """
    rows = len(smaller_correct)
    only_larger_correct = int((larger_correct & ~smaller_correct).sum())
    only_smaller_correct = int((smaller_correct & ~larger_correct).sum())
    difference = (only_larger_correct - only_smaller_correct) / rows
    p_value = mcnemar_p_value(only_larger_correct, only_smaller_correct)
    low, high = _bonett_price_interval(only_larger_correct, only_smaller_correct, rows, alpha)
    return PairedComparison(
        smaller=kinds[0],
        larger=kinds[1],
        only_larger_correct=only_larger_correct,
        only_smaller_correct=only_smaller_correct,
        rows=rows,
        difference=difference,
        low=low,
        high=high,
        p_value=p_value,
        outperformed=p_value < alpha and difference >= min_effect,
    )


def mcnemar_p_value(wins: int, losses: int) -> float:
    """One-sided exact p-value of at least `wins` among `wins + losses` rows, each won with probability 1/2.

    >>> mcnemar_p_value(5, 0), mcnemar_p_value(0, 0)
    (0.03125, 1.0)
    """
    return float(binom.sf(wins - 1, wins + losses, 0.5)) if wins + losses else 1.0


def mean_decrease_p_value(decreases: Values) -> float:
    """One-sided p-value of "the mean is not above 0" of paired differences: Student's t-test.

    Without any spread it is 0 for a positive mean and 1 otherwise.

    >>> round(mean_decrease_p_value(np.array([0.1, 0.3, 0.2, 0.1])), 4)
    0.0177
    >>> mean_decrease_p_value(np.zeros(4)), mean_decrease_p_value(np.full(4, 0.1))
    (1.0, 0.0)
    """
    if len(decreases) < 2 or np.ptp(decreases) == 0:
        return 0.0 if len(decreases) > 1 and decreases[0] > 0 else 1.0
    return float(ttest_1samp(decreases, 0.0, alternative="greater").pvalue)


def _bonett_price_interval(wins: int, losses: int, rows: int, alpha: float) -> tuple[float, float]:
    win_rate, loss_rate = (wins + 1) / (rows + 2), (losses + 1) / (rows + 2)
    difference = win_rate - loss_rate
    half_width = float(norm.isf(alpha / 2)) * math.sqrt((win_rate + loss_rate - difference**2) / (rows + 2))
    return max(-1.0, difference - half_width), min(1.0, difference + half_width)
