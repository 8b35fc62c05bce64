"""When a window waits for labels, and when it is judged again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.errors import TooFewLabels
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import HoldoutFiles, Job, LabelDelayConfig, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import Stream
from growlearn.domain.window import Window, WindowState
from growlearn.growth.label_delay import can_wait, is_ready, require_labelled_fraction, required_labels

AT = datetime(2026, 1, 1, tzinfo=UTC)
JOB = Job(
    name="s",
    source=SourceConfig(url="data"),
    schema=Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, id_column="id", task="task"),
    label_delay=LabelDelayConfig(timeout="2d"),
)
KEYLESS = replace(JOB, schema=replace(JOB.schema, id_column=None))
STREAM = Stream(job=JOB, created_at=AT, parent_version=3)
WAITING = Window(
    stream="s", number=1, state=WindowState.AWAITING_LABELS, source="f", discovered_at=AT, updated_at=AT,
    rows=100, labelled=10, labels_required=40, judged_by_version=3,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "job", "hours", "waits"),
    [
        ({}, JOB, 48, True),
        ({}, JOB, 49, False),
        ({}, KEYLESS, 0, False),
        ({"labelled": 100}, JOB, 0, False),
        ({"state": WindowState.QUARANTINED}, JOB, 0, False),  # judging it met a bug
        ({"labelled": None}, JOB, 0, False),  # ingested before labels were counted
    ],
)
def test_a_window_waits_while_labels_may_come(
    changes: dict[str, int | WindowState | None], job: Job, hours: int, waits: bool
) -> None:
    window = replace(WAITING, **changes)  # type: ignore[arg-type]
    assert can_wait(window, job, AT + timedelta(hours=hours)) is waits


@pytest.mark.parametrize(
    ("changes", "stream", "hours", "ready"),
    [
        ({}, STREAM, 1, False),
        ({"labelled": 39}, STREAM, 1, False),
        ({"labelled": 40}, STREAM, 1, True),
        ({}, replace(STREAM, parent_version=4), 1, True),
        ({}, STREAM, 49, True),
        ({}, replace(STREAM, job=KEYLESS), 1, True),
        ({"labelled": 40, "state": WindowState.JUDGED}, STREAM, 1, False),
    ],
)
def test_it_is_judged_again_once_labels_model_or_time_have_changed(
    changes: dict[str, object], stream: Stream, hours: int, ready: bool
) -> None:
    window = replace(WAITING, **changes)  # type: ignore[arg-type]
    assert is_ready(window, stream, AT + timedelta(hours=hours)) is ready


@pytest.mark.parametrize(
    ("job", "required"),
    [
        (JOB, 28),  # 20 to train on and 3 that choose the epoch, of the 85 % that are not held out
        (replace(JOB, holdout=HoldoutFiles(url="test")), 23),
        (replace(JOB, schema=replace(JOB.schema, task=None)), 59),  # and 30 as drift reference
        (replace(JOB, schema=replace(JOB.schema, task=None), drift=DriftConfig(min_rows=2)), 28),
        (replace(JOB, growth=GrowthConfig(min_rows=50)), 66),
        (replace(JOB, label_delay=LabelDelayConfig(min_labelled_fraction=0.7)), 70),
        (replace(JOB, growth=GrowthConfig(min_rows=500)), 100),  # never more than its rows
    ],
)
def test_enough_labels_are_required_for_all_three_parts(job: Job, required: int) -> None:
    assert required_labels(replace(WAITING, labelled=0), job) == required


def test_failed_attempts_are_repeated_rarely_though_labels_come_one_by_one() -> None:
    """Each attempt costs a judgement: their number grows with the logarithm of the labels."""
    labelled, attempts = 28, 0
    while labelled < 1000:
        labelled = required_labels(replace(WAITING, rows=1000, labelled=labelled), JOB)
        attempts += 1
    assert attempts < 40
    assert labelled == 1000  # the last attempt has all labels


@given(rows=st.integers(1, 500), labelled=st.integers(0, 499), fraction=st.floats(0, 1))
def test_more_labels_are_required_than_there_are_and_never_more_than_rows(
    rows: int, labelled: int, fraction: float
) -> None:
    """So no attempt is repeated with the same labels."""
    known = min(labelled, rows - 1)
    job = replace(JOB, label_delay=LabelDelayConfig(min_labelled_fraction=fraction))
    assert known < required_labels(replace(WAITING, rows=rows, labelled=known), job) <= rows


def test_a_fraction_of_labelled_rows_may_be_required() -> None:
    half = replace(JOB, label_delay=LabelDelayConfig(min_labelled_fraction=0.5))
    require_labelled_fraction(replace(WAITING, labelled=50), half)
    with pytest.raises(
        TooFewLabels, match=r"49 of 100 rows have labels, less than 50% \(label_delay.min_labelled_fraction\)"
    ):
        require_labelled_fraction(replace(WAITING, labelled=49), half)
