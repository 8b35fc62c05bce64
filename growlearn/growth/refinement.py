"""When new labelled rows of a known task are worth a training, and how they join those it has.

`refine: worthwhile` waits for `refine.min_rows` new labelled rows, and then for one of two reasons: they are
a fifth or more of all rows that the task has learned from, or the log loss on the window is higher than on
its hold-out. So the number of trainings grows with the logarithm of the rows where nothing changes. A
refinement that was tried and not kept is tried again once there are twice as many new rows: what failures
cost stays proportional to the rows. `every_window` asks for `refine.min_rows` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from growlearn.domain.drift_config import RefineConfig
from growlearn.domain.errors import TooFewLabels
from growlearn.domain.job import HoldoutFiles, Job
from growlearn.domain.schema import Label
from growlearn.ingest.holdout import Holdout
from growlearn.ingest.rows import Column, Rows, Split, concat_rows, split_rows

MAX_HOLDOUT_ROWS = 10_000
"""Hold-out rows of a refined task: an accuracy is known to half a point, and costs a bounded time."""
MAX_REFERENCE_ROWS = 10_000
"""Its reference rows for drift, which choose epochs too."""
_MIN_SHARE_OF_LEARNED = 5  # a fifth
_BACK_OFF = 2


def required_new_rows(config: RefineConfig, failed_new_rows: Sequence[int] = ()) -> int:
    """New labelled rows below which no refinement is tried.

    `failed_new_rows` are those of each refinement of the task that was tried in vain since it last learned.

    >>> required_new_rows(RefineConfig(min_rows=500), failed_new_rows=(600, 1300))
    2600
    """
    if config.when == "every_window" or not failed_new_rows:
        return config.min_rows
    return max(config.min_rows, _BACK_OFF * failed_new_rows[-1])


def count_doubled(failed_new_rows: Sequence[int]) -> int:
    """How many failed refinements had at least twice the new rows of the one before that counts.

    >>> count_doubled([600, 700, 1300])
    2
    """
    count = last = 0
    for rows in failed_new_rows:
        if rows >= _BACK_OFF * last:
            count, last = count + 1, rows
    return count


def is_large_share(new_rows: int, learned_rows: int) -> bool:
    """Whether the new rows are a fifth or more of those that the task has learned from.

    >>> [is_large_share(rows, learned_rows=1000) for rows in (199, 200)]
    [False, True]
    """
    return _MIN_SHARE_OF_LEARNED * new_rows >= learned_rows


def split_new_rows(
    job: Job,
    rows: Rows,
    classes: Sequence[Label],
    held_out_hashes: Column,
    load_holdout: Callable[[type | None], Holdout],
) -> Split:
    """The labelled new rows of a known task in three disjoint parts; raises TooFewLabels.

    Rows with other labels are left out, and so are training rows with the inputs of a row that the task holds
    out, by their hashes (uint64). Where the job names hold-out files, their rows are left out too, and the
    hold-out part is empty.
    """
    known = set(classes)
    labelled = rows.take(np.array([label in known for label in rows.labels], dtype=bool))
    if isinstance(job.holdout, HoldoutFiles):
        kinds = {type(label) for label in classes}
        external = load_holdout(kinds.pop() if len(kinds) == 1 else None)
        labelled = labelled.take(~np.isin(labelled.row_hashes, external.row_hashes))
        split = split_rows(labelled, 0.0, job.growth.validation_fraction)
    else:
        split = split_rows(labelled, job.holdout.fraction, job.growth.validation_fraction)
    train = split.train.take(~np.isin(split.train.row_hashes, held_out_hashes))
    if len(train) < job.growth.min_rows:
        raise TooFewLabels(f"only {len(train)} new labelled rows left to train on")
    if len(set(train.labels)) == 1:
        raise TooFewLabels(f"every new row has the label {train.labels[0]!r}: there is nothing to tell apart")
    if len(split.holdout) == 0 and not isinstance(job.holdout, HoldoutFiles):
        raise TooFewLabels("the split left no new labelled row for the hold-out")
    return replace(split, train=train)


def merge_rows(earlier: Rows, new: Rows, max_rows: int) -> tuple[Rows, int]:
    """All rows of both, or those with the smallest row hashes: the same sample of the same rows.

    The earlier ones come first; the number says how many they are.
    """
    rows = concat_rows([earlier, new])
    kept = np.sort(np.argsort(rows.row_hashes, kind="stable")[:max_rows])
    return rows.take(kept), int((kept < len(earlier)).sum())
