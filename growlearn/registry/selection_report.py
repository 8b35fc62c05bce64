"""The candidates of a growth and their comparison, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator

from growlearn.domain.metric import METRICS, Metric
from growlearn.domain.model_selection import Candidate, ModelSelection, PairedComparison
from growlearn.registry.score_text import format_branch_count, format_scored


def describe_selection(selection: ModelSelection) -> Iterator[str]:
    """Every candidate with its (a, s) and scores, then the comparisons and the rule that decided."""
    for item in selection.candidates:
        yield _format_candidate(item)
    compared_kinds = {kind for item in selection.comparisons for kind in (item.smaller, item.larger)}
    for item in selection.candidates:
        if selection.comparisons and item.kind not in compared_kinds:
            yield f"{item.kind} was not compared: another one is better on validation rows."
    metric, required = METRICS[selection.metric], selection.min_accuracy_gain
    if not metric.is_accuracy and selection.comparisons:
        test = "randomisation test" if metric.chooses_threshold else "bootstrap"
        yield f"Compared by {metric.name}, with a paired {test} of the hold-out rows."
    for comparison in selection.comparisons:
        yield _format_comparison(comparison, metric)
    min_effect_text = f", by +{metric.format_bound(required)} or more" if required else ""
    if selection.dropped_reason:
        yield f"{selection.dropped_reason} It took {selection.dropped_seconds:.1f} s of training."
    if any(item.kind.is_joined for item in selection.candidates):
        yield "Of branches, one that the frozen answer enters is kept unless one alone outperforms it."
    rule = f"The smallest that none outperforms at alpha {selection.alpha:g}{min_effect_text}"
    yield f"{rule}: {selection.selected}."


def _format_candidate(candidate: Candidate) -> str:
    loss_text = "" if candidate.log_loss is None else f", log loss {candidate.log_loss:.4f}"
    if candidate.validation_loss is not None:
        loss_text += f", validation loss {candidate.validation_loss:.4f}"
    combination, sum_text = candidate.combination, ""
    if combination is not None and combination.frozen_weight > 0:
        sum_text = f" ({combination.frozen_weight:g} F + {combination.step_size:g} h)"
    return (
        f"{candidate.kind}{sum_text}: {format_scored(candidate.task_score)}{loss_text}; "
        f"{candidate.parameters:,} new parameters, {format_branch_count(candidate.branches)} run, "
        f"{candidate.seconds:.1f} s of training."
    )


def _format_comparison(comparison: PairedComparison, metric: Metric) -> str:
    verdict = "outperforms" if comparison.outperformed else "does not outperform"
    interval = metric.format_interval(comparison.low, comparison.high)
    return (
        f"{comparison.larger} {verdict} {comparison.smaller}: {comparison.only_larger_correct} rows gained, "
        f"{comparison.only_smaller_correct} lost of {comparison.rows}, "
        f"{metric.format_gain(comparison.difference)} ({interval}), p {comparison.p_value:.2g}."
    )
