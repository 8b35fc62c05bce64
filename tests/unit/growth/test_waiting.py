"""When a window waits for labels, and when it is looked at again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.drift_spec import DriftSpec
from growlearn.domain.errors import TooFewLabels
from growlearn.domain.job import GrowthSpec, HoldoutFiles, Job, LabelSpec, SourceSpec
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.domain.stream import Stream
from growlearn.domain.window import Window, WindowState
from growlearn.growth.waiting import is_ripe, may_wait, require_share, wanted_labels

AT = datetime(2026, 1, 1, tzinfo=UTC)
JOB = Job(
    name="s",
    source=SourceSpec(url="data"),
    schema=Schema(inputs={"x": Input(type=InputType.NUMBER)}, key="id", task="task"),
    labels=LabelSpec(wait="2d"),
)
KEYLESS = replace(JOB, schema=replace(JOB.schema, key=None))
STREAM = Stream(job=JOB, created_at=AT, updated_at=AT, base=3)
WAITING = Window(
    stream="s", number=1, state=WindowState.WAITING, source="f", discovered_at=AT, updated_at=AT, rows=100,
    labelled=10, wanted=40, judged_by=3,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "job", "hours", "waits"),
    [
        ({}, JOB, 48, True),
        ({}, JOB, 49, False),
        ({}, KEYLESS, 0, False),
        ({"labelled": 100}, JOB, 0, False),
        ({"labelled": None}, JOB, 0, False),  # taken in before labels were counted
    ],
)
def test_a_window_waits_while_labels_may_come(
    changes: dict[str, int | None], job: Job, hours: int, waits: bool
) -> None:
    window = replace(WAITING, **changes)  # type: ignore[arg-type]
    assert may_wait(window, job, AT + timedelta(hours=hours)) is waits


@pytest.mark.parametrize(
    ("changes", "stream", "hours", "ripe"),
    [
        ({}, STREAM, 1, False),
        ({"labelled": 39}, STREAM, 1, False),
        ({"labelled": 40}, STREAM, 1, True),
        ({}, replace(STREAM, base=4), 1, True),
        ({}, STREAM, 49, True),
        ({}, replace(STREAM, job=KEYLESS), 1, True),
        ({"labelled": 40, "state": WindowState.JUDGED}, STREAM, 1, False),
    ],
)
def test_it_is_looked_at_again_once_anything_has_changed(
    changes: dict[str, object], stream: Stream, hours: int, ripe: bool
) -> None:
    window = replace(WAITING, **changes)  # type: ignore[arg-type]
    assert is_ripe(window, stream, AT + timedelta(hours=hours)) is ripe


@pytest.mark.parametrize(
    ("job", "wanted"),
    [
        (JOB, 28),  # 20 to train on and 3 that choose the epoch, of the 85 % that are not held out
        (replace(JOB, holdout=HoldoutFiles(url="test")), 23),
        (replace(JOB, schema=replace(JOB.schema, task=None)), 59),  # and 30 as drift reference
        (replace(JOB, schema=replace(JOB.schema, task=None), drift=DriftSpec(min_rows=2)), 28),
        (replace(JOB, growth=GrowthSpec(min_rows=50)), 66),
        (replace(JOB, labels=LabelSpec(share=0.7)), 70),
        (replace(JOB, growth=GrowthSpec(min_rows=500)), 100),  # its rows are all there is
    ],
)
def test_enough_labels_are_wanted_to_grow_from(job: Job, wanted: int) -> None:
    assert wanted_labels(replace(WAITING, labelled=0), job) == wanted


def test_where_they_did_not_suffice_an_eighth_more_is_wanted() -> None:
    assert wanted_labels(replace(WAITING, labelled=80), JOB) == 90
    assert wanted_labels(replace(WAITING, labelled=99), JOB) == 100


@given(rows=st.integers(1, 500), labelled=st.integers(0, 499), share=st.floats(0, 1))
def test_what_is_wanted_is_more_than_there_is_and_can_be_had(rows: int, labelled: int, share: float) -> None:
    """So a window is never tried again with the labels it was tried with."""
    known = min(labelled, rows - 1)
    job = replace(JOB, labels=LabelSpec(share=share))
    assert known < wanted_labels(replace(WAITING, rows=rows, labelled=known), job) <= rows


def test_a_share_of_labels_may_be_asked_for() -> None:
    half = replace(JOB, labels=LabelSpec(share=0.5))
    require_share(replace(WAITING, labelled=50), half)
    with pytest.raises(TooFewLabels, match=r"49 of 100 rows have labels, less than 50% \(labels.share\)"):
        require_share(replace(WAITING, labelled=49), half)
