"""Estimates of a window's accuracy before its labels are known, and their comparison with the labels."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from growlearn.domain.accuracy_estimate import AccuracyEstimate
from growlearn.domain.errors import CorruptArtifact, is_defect
from growlearn.domain.interval import ConfidenceInterval
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Stream
from growlearn.domain.window import Window, WindowState
from growlearn.evaluation.accuracy_estimate import answer_rows, estimate_accuracy
from growlearn.ingest.rows import Rows
from growlearn.pipeline.context import Ports
from growlearn.registry.version_tree import get_version, select_version_tasks
from growlearn.serving.predictor import Predictor

_MAX_ROWS = 20_000  # of a window; its accuracy is known to 0.3 points then
_log = logging.getLogger(__name__)


def estimate_window(window: Window, ports: Ports) -> None:
    """Estimate the champion's accuracy on a window that is about to be judged; the first estimate counts.

    Nothing is estimated before there is a champion, or where rows or weights cannot be read.
    """
    store, stream = ports.store, ports.store.stream(window.stream)
    if window.state is not WindowState.ACCEPTED or stream.champion is None:
        return
    if window.id in store.accuracy_estimates(stream.name):
        return
    version = get_version(store.versions(stream.name), stream.champion)
    with _leave_out(window):
        rows = _load_rows(window, stream, ports).sample(_MAX_ROWS)
        accuracy, interval, _ = _estimate(version, rows, ports)
        estimate = AccuracyEstimate(
            window=window.id,
            version=version.number,
            rows=len(rows),
            accuracy=accuracy,
            low=interval.low,
            high=interval.high,
        )
        store.record_accuracy_estimate(stream.name, estimate)


def compare_with_labels(name: str, ports: Ports) -> None:
    """Compare every estimate of a stream with the labels that have come since it was last compared."""
    store = ports.store
    outdated = store.outdated_estimates(name, _MAX_ROWS)
    if not outdated:
        return
    stream, versions = store.stream(name), store.versions(name)
    for estimate in outdated:
        window = store.window(name, estimate.window)
        with _leave_out(window):
            rows = _load_rows(window, stream, ports).select_labelled().sample(_MAX_ROWS)
            _, interval, correct = _estimate(get_version(versions, estimate.version), rows, ports)
            compared = replace(
                estimate,
                known_rows=len(rows),
                known_correct=correct,
                known_low=interval.low,
                known_high=interval.high,
            )
            store.record_accuracy_estimate(name, compared)


@contextmanager
def _leave_out(window: Window) -> Iterator[None]:
    """Leave the estimate of a window out whose rows or weights cannot be read, or that meets a bug.

    A bug is logged: an estimate decides nothing, so it may not stop its stream.
    """
    try:
        yield
    except (CorruptArtifact, KeyError, ValueError):  # removed, or stored under other columns
        return
    except Exception as error:
        if not is_defect(error):
            raise
        _log.exception("a bug: window %s of stream %s has no estimate", window.id, window.stream)


def _load_rows(window: Window, stream: Stream, ports: Ports) -> Rows:
    assert window.snapshot is not None, "an accepted window has rows"
    return ports.models.rows(window.snapshot, stream.job.schema)


def _estimate(version: Version, rows: Rows, ports: Ports) -> tuple[float, ConfidenceInterval, int]:
    """The expected accuracy on these rows, its interval, and how many are answered as they are labelled."""
    manifest, models, store = version.manifest, ports.models, ports.store
    opened = models.network(manifest), models.router(manifest)
    predictor = Predictor(manifest, ports.artifacts.get, device=models.device, opened=opened)
    answers = answer_rows(predictor, rows)
    tasks = select_version_tasks(store.tasks(version.stream), store.versions(version.stream), version.number)
    reference_rows = {task.name: len(models.rows(task.reference_rows, manifest.schema)) for task in tasks}
    accuracy, interval = estimate_accuracy(answers.probability, answers.task, reference_rows)
    return accuracy, interval, int(np.count_nonzero(answers.correct))
