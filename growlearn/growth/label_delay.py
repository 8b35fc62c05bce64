"""When a window that needs labels waits for them, and when it is judged again."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from growlearn.domain.errors import TooFewLabels
from growlearn.domain.job import HoldoutFiles, Job
from growlearn.domain.stream import Stream
from growlearn.domain.window import Window, WindowState

_RETRY_DIVISOR = 8  # a failed attempt is repeated once an eighth more labels have come


def can_wait(window: Window, job: Job, at: datetime) -> bool:
    """Whether labels may still come: there is an id column, some rows lack labels, no timeout yet."""
    return _lacks_labels(window, job) and not _is_timed_out(window, job, at)


def has_timed_out(window: Window, job: Job, at: datetime) -> bool:
    """Whether labels are still missing after `label_delay.timeout`."""
    return _lacks_labels(window, job) and _is_timed_out(window, job, at)


def required_labels(window: Window, job: Job) -> int:
    """Labelled rows that the next attempt to grow waits for: more than there are now, at most all rows.

    They suffice, on average, for `growth.min_rows` training rows beside hold-out and validation rows, and for
    `label_delay.min_labelled_fraction` of the window.
    """
    holdout_fraction = 0.0 if isinstance(job.holdout, HoldoutFiles) else job.holdout.fraction
    min_train_rows, validation_fraction = job.growth.min_rows, job.growth.validation_fraction
    min_reference_rows = job.drift.min_rows if job.schema.task is None else 1
    validation = max(
        min_reference_rows,
        math.ceil(min_train_rows * validation_fraction / (1 - validation_fraction)),
    )
    enough = max(
        math.ceil((min_train_rows + validation) / (1 - holdout_fraction)), _min_labelled_rows(window, job)
    )
    labelled = window.labelled or 0
    return min(window.rows, max(enough, labelled + max(1, labelled // _RETRY_DIVISOR)))


def require_labelled_fraction(window: Window, job: Job) -> None:
    """Raise TooFewLabels below `label_delay.min_labelled_fraction` of labelled rows."""
    if (window.labelled or 0) < _min_labelled_rows(window, job):
        shortfall = (
            f"less than {job.label_delay.min_labelled_fraction:.0%} (label_delay.min_labelled_fraction)"
        )
        raise TooFewLabels(f"{window.labelled} of {window.rows} rows have labels, {shortfall}")


def is_ready(window: Window, stream: Stream, at: datetime) -> bool:
    """Whether a window that waits for labels should be judged again.

    So once the required labels have come, once the model has changed (it may know this regime now), or once
    the window can wait no longer.
    """
    if window.state is not WindowState.AWAITING_LABELS:
        return False
    has_enough = (window.labelled or 0) >= (window.labels_required or 0)
    return (
        has_enough
        or window.judged_by_version != stream.parent_version
        or not can_wait(window, stream.job, at)
    )


def _min_labelled_rows(window: Window, job: Job) -> int:
    return math.ceil(job.label_delay.min_labelled_fraction * window.rows)


def _lacks_labels(window: Window, job: Job) -> bool:
    if job.schema.id_column is None or window.labelled is None or window.state is WindowState.QUARANTINED:
        return False
    return window.labelled < window.rows


def _is_timed_out(window: Window, job: Job, at: datetime) -> bool:
    return at - window.discovered_at > timedelta(seconds=job.label_delay.timeout_s)
