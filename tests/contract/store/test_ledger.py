"""Every decision is written once, with all that it rests on, and nothing of it is ever changed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from growlearn import __version__
from growlearn.domain.drift import DriftReport
from growlearn.domain.errors import LostRace
from growlearn.domain.job import GrowthSpec, Job
from growlearn.domain.ledger import Entry, EntryKind, configuration_of
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Alias, AliasMove, Message, MessageKind, Transition, WindowRecord
from growlearn.domain.window import IngestedFile, WindowState
from growlearn.ports import Store

Move = Callable[..., Transition]
NEWS = Message(stream="digits", kind=MessageKind.ALIASES)


def _moved(before: int | None, after: int, at: datetime) -> AliasMove:
    return AliasMove(
        stream="digits", alias=Alias.CHAMPION, before=before, after=after, actor="ada", reason="r", at=at
    )


def _steps(store: Store) -> list[Entry]:
    return [entry for entry in store.ledger("digits") if entry.kind is EntryKind.STEP]


def test_a_job_is_written_when_it_is_given_and_when_it_changes(store: Store, job: Job, at: datetime) -> None:
    later = at + timedelta(hours=1)
    other = replace(job, growth=GrowthSpec(epochs=9))
    store.apply(job, at, "ada")
    store.apply(job, later, "bob")
    store.apply(other, later, "bob")

    assert store.ledger("digits") == (
        Entry(
            stream="digits", kind=EntryKind.JOB, at=at, actor="ada", code=__version__,
            configuration=configuration_of(job), job=job,
        ),
        Entry(
            stream="digits", kind=EntryKind.JOB, at=later, actor="bob", code=__version__,
            configuration=configuration_of(other), job=other,
        ),
    )  # fmt: skip


def test_a_step_is_written_with_all_that_it_brought(
    store: Store, promote: Callable[..., Version], evidence: WindowRecord, job: Job, at: datetime
) -> None:
    version = promote(alias_moves=(_moved(None, 1, at),), base=1)

    steps = _steps(store)

    assert [(entry.step.source, entry.step.target) for entry in steps if entry.step] == [
        (WindowState.ACCEPTED, WindowState.JUDGED),
        (WindowState.JUDGED, WindowState.GROWING),
        (WindowState.GROWING, WindowState.EVALUATED),
        (WindowState.EVALUATED, WindowState.PROMOTED),
    ]
    judged, planned, measured, decided = (entry.step for entry in steps)
    assert judged is not None and judged.report == evidence.report  # noqa: PT018 - for mypy
    assert planned is not None and planned.plan == evidence.plan  # noqa: PT018
    assert measured is not None and measured.worth == evidence.worth  # noqa: PT018
    assert decided is not None and decided.version == version  # noqa: PT018
    assert decided.gates == evidence.gates
    assert steps[-1].moves == (_moved(None, 1, at),)
    assert {(e.actor, e.code, e.configuration, e.window, e.snapshot) for e in steps} == {
        ("ada", __version__, configuration_of(job), "w1", "d" * 64)  # as the step read it
    }


def test_figures_that_are_no_numbers_are_kept(
    store: Store, job: Job, taken: Callable[..., IngestedFile], move: Move, report: DriftReport, at: datetime
) -> None:
    store.apply(job, at)
    store.record_ingest(taken())
    store.claim("digits", "ada", at, 60)
    told = replace(report, scores=(replace(report.scores[0], statistic=math.nan, p_value=math.inf),))

    store.advance(move(report=told))

    (entry,) = _steps(store)
    assert entry.step is not None
    assert repr(entry.step.report) == repr(told)  # nan is not nan


def test_what_a_person_moves_is_written(
    store: Store, promote: Callable[..., Version], job: Job, at: datetime
) -> None:
    promote()

    store.move_aliases("digits", [_moved(None, 1, at)], 1, NEWS)

    assert store.ledger("digits")[-1] == Entry(
        stream="digits", kind=EntryKind.ALIASES, at=at, actor="ada", code=__version__,
        configuration=configuration_of(job), alias_moves=(_moved(None, 1, at),),
    )  # fmt: skip


def test_a_lost_race_writes_nothing(store: Store, promote: Callable[..., Version], at: datetime) -> None:
    promote()
    before = store.ledger("digits")

    with pytest.raises(LostRace):
        store.move_aliases("digits", [_moved(7, 1, at)], 1, NEWS)

    assert store.ledger("digits") == before


def test_the_ledger_of_an_unknown_stream_is_empty(store: Store) -> None:
    assert store.ledger("nobody") == ()
