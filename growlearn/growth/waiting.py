"""When a window that calls for growth waits for labels, and when it is looked at again."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from growlearn.domain.errors import TooFewLabels
from growlearn.domain.job import HoldoutFiles, Job
from growlearn.domain.stream import Stream
from growlearn.domain.window import Window, WindowState

_MORE = 8  # a window that was tried in vain is tried again with an eighth more labels


def may_wait(window: Window, job: Job, at: datetime) -> bool:
    """Whether more labels may still come: a key, rows that lack one, and `labels.wait` is not over."""
    if job.schema.key is None or window.labelled is None:
        return False
    return window.labelled < window.rows and not is_over(window, job, at)


def wanted_labels(window: Window, job: Job) -> int:
    """Labelled rows with which growing from a window is tried (again): more than it has, at most its rows.

    As many as the shares of hold-out and validation leave `growth.min_rows` of to train on, on average,
    and `labels.share` of the window's rows.
    """
    held = 0.0 if isinstance(job.holdout, HoldoutFiles) else job.holdout
    train, share = job.growth.min_rows, job.growth.validation
    reference = job.drift.min_rows if job.schema.task is None else 1
    validation = max(reference, math.ceil(train * share / (1 - share)))
    enough = max(math.ceil((train + validation) / (1 - held)), _shared(window, job))
    known = window.labelled or 0
    return min(window.rows, max(enough, known + max(1, known // _MORE)))


def require_share(window: Window, job: Job) -> None:
    """Raise TooFewLabels where less than `labels.share` of a window's rows have labels."""
    if (window.labelled or 0) < _shared(window, job):
        least = f"less than {job.labels.share:.0%} (labels.share)"
        raise TooFewLabels(f"{window.labelled} of {window.rows} rows have labels, {least}")


def is_ripe(window: Window, stream: Stream, at: datetime) -> bool:
    """Whether a waiting window is to be judged anew.

    That is so once it has the labels it wanted, once the model has changed (which may know its regime by
    now), and once it may not wait any longer.
    """
    if window.state is not WindowState.WAITING:
        return False
    enough = (window.labelled or 0) >= (window.wanted or 0)
    return enough or window.judged_by != stream.base or not may_wait(window, stream.job, at)


def over(job: Job) -> str:
    """What is said of a window that has waited in vain."""
    return f"no labels within {job.labels.wait}"


def is_over(window: Window, job: Job, at: datetime) -> bool:
    """Whether a window of a stream with a key has waited as long as it may."""
    return job.schema.key is not None and at - window.discovered_at > timedelta(seconds=job.labels.wait_s)


def _shared(window: Window, job: Job) -> int:
    return math.ceil(job.labels.share * window.rows)
