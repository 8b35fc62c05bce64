"""A challenger answers later windows beside the champion, and is then promoted or declined."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from growlearn.domain.errors import ConcurrentUpdate, CorruptArtifact, is_defect
from growlearn.domain.job import ShadowPromotion
from growlearn.domain.lineage import Version
from growlearn.domain.metric import METRICS, Metric
from growlearn.domain.printable import format_reason
from growlearn.domain.stream import Message, MessageKind, Stream
from growlearn.domain.window import BUG_REASON, PENDING, Window, WindowState
from growlearn.evaluation.paired_tests import gain_p_value, mcnemar_p_value
from growlearn.evaluation.served_rows import score_served_rows
from growlearn.ingest.rows import Rows, concat_rows
from growlearn.metrics import compute_metric
from growlearn.pipeline.context import Ports
from growlearn.pipeline.verify import find_refusal
from growlearn.registry.promotion import promote_version, rollback_version
from growlearn.registry.version_tree import get_version
from growlearn.serving.predictor import Predictor

_log = logging.getLogger(__name__)
_ACTOR = "trial"
_NOT_PROCESSED = (*PENDING, WindowState.OPEN, WindowState.QUARANTINED)


def decide_challenger(name: str, ports: Ports) -> None:
    """Decide on a stream's challenger where enough labelled windows have come since it was made.

    It is promoted unless the champion is significantly better on their rows by the job's metric, at
    baseline_comparison.alpha: McNemar's exact test for accuracy, else `gain_p_value`. Then, or where it no
    longer gives its stored logits, or the comparison meets a bug, it is declined, and the next growth extends
    the champion.
    """
    stream = ports.store.stream(name)
    config = stream.job.registry.promote
    if not isinstance(config, ShadowPromotion) or stream.challenger is None or stream.champion is None:
        return
    versions = ports.store.versions(name)
    challenger, champion = get_version(versions, stream.challenger), get_version(versions, stream.champion)
    later_windows = _windows_since(challenger, ports)
    if len(later_windows) < config.shadow_windows:
        return  # asked at every tick: no row is read before there are enough of them
    try:
        decision = _find_decision(challenger, champion, later_windows, stream, ports)
    except Exception as error:
        if not is_defect(error):
            raise
        _log.exception("a bug: the challenger of stream %s cannot be compared", name)
        decision = True, format_reason(f"{BUG_REASON} in its comparison: {type(error).__name__}: {error}")
    if decision is None:
        return
    declined, reason = decision
    change_aliases, target = (
        (rollback_version, champion.number) if declined else (promote_version, challenger.number)
    )
    alias_changes, parent_version = change_aliases(
        stream, versions, target, _ACTOR, reason, ports.clock.now()
    )
    with suppress(ConcurrentUpdate):  # a person, or another worker, was first
        message = Message(stream=name, kind=MessageKind.ALIASES)
        ports.store.change_aliases(
            name, alias_changes, parent_version, message, parent_version_before=stream.parent_version
        )


def _find_decision(
    challenger: Version, champion: Version, later: Sequence[Window], stream: Stream, ports: Ports
) -> tuple[bool, str] | None:
    """Whether the challenger is declined, and why; None where too few of the later windows have labels."""
    config = stream.job.registry.promote
    assert isinstance(config, ShadowPromotion)
    loaded = [(window, _load_labelled_rows(window, ports, stream)) for window in later]
    windows = [rows for window, rows in loaded if rows and _has_enough_labels(window, rows, stream)]
    if len(windows) < config.shadow_windows:
        return None
    if refusal := find_refusal(ports.store, ports.artifacts, stream.name, challenger.number):
        return True, refusal
    return _judge(challenger, champion, windows, stream, ports)


def _judge(
    challenger: Version, champion: Version, windows: Sequence[Rows], stream: Stream, ports: Ports
) -> tuple[bool, str]:
    """Whether the challenger is declined, and the figures that decided it."""
    rows, alpha = concat_rows(windows), stream.job.baseline_comparison.alpha
    comparison = _compare(
        Predictor(challenger.manifest, ports.artifacts.get, device=ports.models.device),
        Predictor(champion.manifest, ports.artifacts.get, device=ports.models.device),
        rows,
        METRICS[stream.job.metric],
        alpha,
    )
    reason = (
        f"{comparison.challenger} against {comparison.champion} of version "
        f"{champion.number} on {len(rows)} rows of {len(windows)} windows as challenger "
        f"(p = {comparison.p_value:.2g} that the champion is no better)"
    )
    return comparison.p_value < alpha, reason


@dataclass(frozen=True)
class _Comparison:
    """Both values for people, and the p-value of "the champion is no better"."""

    challenger: str
    champion: str
    p_value: float


def _compare(
    challenger: Predictor, champion: Predictor, rows: Rows, metric: Metric, alpha: float
) -> _Comparison:
    """By the metric where it is defined on the rows, else by accuracy, which the text then says."""
    if not metric.is_accuracy:
        old = score_served_rows(champion, rows, challenger.labels)
        new = replace(score_served_rows(challenger, rows, champion.labels), positive=old.positive)
        values = compute_metric(metric, new), compute_metric(metric, old)
        if None not in values:
            new_text, old_text = map(metric.format_value, values)
            p_value = gain_p_value(metric, before=new, after=old, alpha=alpha)
            return _Comparison(f"{new_text} {metric.name}", old_text, p_value)
    new_correct, old_correct = challenger.is_correct(rows), champion.is_correct(rows)
    p_value = mcnemar_p_value(
        int((old_correct & ~new_correct).sum()), int((new_correct & ~old_correct).sum())
    )
    note = "" if metric.is_accuracy else f" ({metric.name} is not defined: every row has one label)"
    return _Comparison(f"{new_correct.mean():.2%} right{note}", f"{old_correct.mean():.2%}", p_value)


def _windows_since(challenger: Version, ports: Ports) -> list[Window]:
    """Processed windows after the challenger's own that have labels, or whose labels were not counted."""
    windows = ports.store.windows(challenger.stream)
    own_number = next(window.number for window in windows if window.id == challenger.window)
    return [
        window
        for window in windows
        if window.number > own_number
        and window.state not in _NOT_PROCESSED
        and window.snapshot is not None
        and window.labelled != 0
    ]


def _has_enough_labels(window: Window, rows: Rows, stream: Stream) -> bool:
    """Whether half of its rows, or drift.min_rows, are labelled: a few show no champion to be better."""
    return len(rows) >= min(stream.job.drift.min_rows, window.rows / 2)


def _load_labelled_rows(window: Window, ports: Ports, stream: Stream) -> Rows | None:
    """Its labelled rows; None where they are corrupt or have another schema."""
    assert window.snapshot is not None
    try:
        return ports.models.rows(window.snapshot, stream.job.schema).select_labelled()
    except (CorruptArtifact, KeyError, ValueError):
        return None
