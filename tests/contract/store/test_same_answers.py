"""Whatever is asked in whatever order, the store in memory and a database answer alike."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from growlearn.adapters.db.store import DbStore, open_db_store
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.delayed_labels import LabelJoinResult, LabelUpdate, PendingLabels
from growlearn.domain.drift import RemainingBudget
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.growth import GrowthPlan, Progress
from growlearn.domain.job import HoldoutFraction, Job
from growlearn.domain.lineage import BranchRecord, Task, Version
from growlearn.domain.stream import (
    Alias,
    AliasChange,
    Message,
    MessageKind,
    TrackerIds,
    Transition,
    WindowRecord,
)
from growlearn.domain.window import PENDING, TRANSITIONS, BadRow, Claim, IngestResult, WindowState
from growlearn.ports import Store

STREAMS = st.sampled_from(["digits", "other"])
WORKERS = st.sampled_from(["ada", "bob"])
NUMBERS = st.integers(1, 3)
MAYBE = st.none() | NUMBERS
STATES = st.sampled_from(list(WindowState))


@pytest.fixture
def examples(
    job: Job,
    at: datetime,
    make_ingest: Callable[..., IngestResult],
    version: Version,
    branch: BranchRecord,
    task: Task,
    window_record: WindowRecord,
) -> dict[str, Any]:
    return {
        "job": job,
        "at": at,
        "make_ingest": make_ingest,
        "version": version,
        "branch": branch,
        "task": task,
        "record": window_record,
    }


def test_memory_and_database_answer_alike(examples: dict[str, Any], migrated_file: Path) -> None:
    class Twins(_Twins):
        example = examples
        file = migrated_file

    run_state_machine_as_test(
        Twins,
        settings=settings(
            max_examples=50,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


class _Twins(RuleBasedStateMachine):
    example: dict[str, Any]
    file: Path

    def __init__(self) -> None:
        super().__init__()
        self.job: Job = self.example["job"]
        self.make_ingest: Callable[..., IngestResult] = self.example["make_ingest"]
        self.now: datetime = self.example["at"]
        self.folder = tempfile.mkdtemp()
        self.database: DbStore = open_db_store(f"sqlite:///{shutil.copy(self.file, self.folder)}")
        self.memory = MemoryStore()

    def teardown(self) -> None:
        self.both(lambda store: list(_everything(store, self.now)))
        self.database.close()
        shutil.rmtree(self.folder)

    def both(self, ask: Callable[[Store], object]) -> None:
        assert _answer(ask, self.memory) == _answer(ask, self.database)

    @initialize()
    def start(self) -> None:
        for name in ("digits", "other"):
            self.apply(name, 0.1)
            for number in (1, 2, 3):
                self.ingest_one(name, number)

    @rule(seconds=st.sampled_from([0.000001, 1, 30, 60]))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(name=STREAMS, fraction=st.sampled_from([0.1, 0.2]))
    def apply(self, name: str, fraction: float) -> None:
        job = replace(self.job, name=name, holdout=HoldoutFraction(fraction=fraction))
        self.both(lambda store: store.apply(job, self.now))

    @rule(name=st.sampled_from(["other", "nowhere"]))
    def delete(self, name: str) -> None:
        self.both(lambda store: store.delete(name))

    @rule(
        stream=STREAMS,
        url=NUMBERS,
        fingerprint=st.sampled_from("ab"),
        number=NUMBERS,
        state=STATES,
        rows=NUMBERS,
        filled=MAYBE,
    )
    def ingest(
        self,
        stream: str,
        url: int,
        fingerprint: str,
        number: int,
        state: WindowState,
        rows: int,
        filled: int | None,
    ) -> None:
        made = self.make_ingest(number, stream=stream, state=state, rows=rows)
        before = self.make_ingest(number, stream=stream, state=WindowState.OPEN, rows=filled or 0).windows
        ingested = replace(
            made,
            stream=stream,
            file=replace(made.file, url=str(url), fingerprint=fingerprint),
            bad_rows=(BadRow(row=rows, reason=f"row {rows}"),),
            extended_windows=() if filled is None else before,
        )
        self.both(lambda store: store.record_ingest(ingested))

    @rule(stream=STREAMS, number=NUMBERS)
    def ingest_one(self, stream: str, number: int) -> None:
        ingested = replace(self.make_ingest(number, stream=stream), stream=stream)
        self.both(lambda store: store.record_ingest(ingested))

    @rule(stream=STREAMS, number=NUMBERS, last=st.integers(0, 4), before=MAYBE, after=MAYBE, window=NUMBERS)
    def join(
        self, stream: str, number: int, last: int, before: int | None, after: int | None, window: int
    ) -> None:
        """Labels joined to a window, worked out from what may or may not hold."""
        snapshots = [window_row.snapshot or "0" * 64 for window_row in self.memory.windows(stream)]
        old = snapshots[window - 1] if last and window <= len(snapshots) else "0" * 64
        change = LabelUpdate(
            window=f"w{window}", before=old, after=str(number) * 64, labels=1, labelled=number
        )
        joining = LabelJoinResult(
            last_window=max(last, len(snapshots)),
            pending_before=self._make_pending(before),
            pending=self._make_pending(after),
            label_updates=(change,),
        )
        made = self.make_ingest(number, stream=stream)
        ingested = replace(made, stream=stream, windows=(), label_join=joining, at=self.now)
        file = replace(made.file, url="labels", fingerprint=str(self.now))
        self.both(lambda store: store.record_ingest(replace(ingested, file=file)))

    def _make_pending(self, labels: int | None) -> tuple[PendingLabels, ...]:
        if labels is None:
            return ()
        at: datetime = self.example["at"]
        return (PendingLabels(source="f", content=str(labels) * 64, labels=labels, at=at),)

    @rule(stream=STREAMS, number=NUMBERS)
    def wake(self, stream: str, number: int) -> None:
        self.both(lambda store: store.requeue(stream, f"w{number}", self.now))

    @rule(stream=STREAMS, worker=WORKERS)
    def claim(self, stream: str, worker: str) -> None:
        self.both(lambda store: store.claim(stream, worker, self.now, 60))

    @rule(stream=STREAMS, number=NUMBERS, worker=WORKERS, late=st.booleans(), done=MAYBE)
    def renew(self, stream: str, number: int, worker: str, late: bool, done: int | None) -> None:
        claim = self._make_claim(stream, number, worker, late)
        progress = None if done is None else Progress(stage="training", done=done, total=3)
        self.both(lambda store: store.renew(claim, self.now, 60, progress))

    @rule(stream=STREAMS, number=NUMBERS, worker=WORKERS, late=st.booleans())
    def release(self, stream: str, number: int, worker: str, late: bool) -> None:
        claim = self._make_claim(stream, number, worker, late)
        self.both(lambda store: store.release(claim))

    def _make_claim(self, stream: str, number: int, worker: str, late: bool = False) -> Claim:
        """The claim that such a window has now, or the one before."""
        window = next((item for item in self.memory.windows(stream) if item.number == number), None)
        claimed = 0 if window is None else window.claim - late
        return Claim(stream=stream, window=f"w{number}", worker=worker, number=claimed)

    @rule(stream=STREAMS, number=NUMBERS, states=st.tuples(STATES, STATES), worker=WORKERS)
    def leap(self, stream: str, number: int, states: tuple[WindowState, WindowState], worker: str) -> None:
        self.both(lambda store: store.advance(self._make_transition(stream, number, *states, worker)))

    @rule(stream=STREAMS, worker=WORKERS, choices=st.lists(st.integers(0, 2), min_size=1, max_size=6))
    def work(self, stream: str, worker: str, choices: list[int]) -> None:
        """Several legal moves, each as the window's worker if it can be had."""
        for which in choices:
            self._step(stream, worker, which)

    def _step(self, stream: str, worker: str, which: int) -> None:
        self.both(lambda store: store.claim(stream, worker, self.now, 60))
        pending = [window for window in self.memory.windows(stream) if window.state in PENDING]
        if not pending:
            return
        source = pending[0].state
        target = TRANSITIONS[source][-1 - which % len(TRANSITIONS[source])]
        transition = self._make_transition(stream, pending[0].number, source, target, worker)
        if target in (WindowState.PROMOTED, WindowState.PENDING_APPROVAL):
            transition = self._grown(transition)
        self.both(lambda store: store.advance(transition))

    def _make_transition(
        self, stream: str, number: int, source: WindowState, target: WindowState, worker: str
    ) -> Transition:
        return Transition(
            stream=stream, window=f"w{number}", source=source, target=target, worker=worker, at=self.now,
            claim=self._make_claim(stream, number, worker).number,
            messages=(Message(stream=stream, kind=MessageKind.CYCLE, window=f"w{number}"),),
            labels_required=number if target is WindowState.AWAITING_LABELS else None,
            judged_by_version=number if target is WindowState.AWAITING_LABELS else None,
            **self._make_evidence(source, target),
        )  # fmt: skip

    def _make_evidence(self, source: WindowState, target: WindowState) -> dict[str, Any]:
        """What a step records, different each time."""
        record: WindowRecord = self.example["record"]
        assert record.report is not None
        assert isinstance(record.plan, GrowthPlan)
        seed = round(self.now.timestamp())
        plan = replace(record.plan, seed=seed)
        if target is WindowState.JUDGED:
            return {"report": replace(record.report, reason=f"judged at {seed}")}
        if target is WindowState.GROWING:
            return {"plan": plan, "remaining_budget": RemainingBudget(growths=1, hours=None)}
        if target is WindowState.EVALUATED:
            return {
                "plan": plan,
                "result": record.result,
                "evaluation": record.evaluation,
                "model_selection": record.model_selection,
            }
        return {"gates": record.gates} if source is WindowState.EVALUATED else {}

    def _grown(self, transition: Transition) -> Transition:
        number = len(self.memory.versions(transition.stream)) + 1
        branch_id = f"b{1 + len(self.memory.branches(transition.stream)) % 2}"  # the third is made twice
        branch: BranchRecord = replace(self.example["branch"], id=branch_id, stem=branch_id, version=number)
        version: Version = replace(self.example["version"], number=number, parent=number - 1 or None)
        task: Task = replace(self.example["task"], version=number)
        return replace(
            transition,
            version=replace(version, stream=transition.stream, window=transition.window),
            branches=(replace(branch, stream=transition.stream, window=transition.window),),
            new_task=replace(task, stream=transition.stream, window=transition.window),
            alias_changes=(
                self._make_alias_change(transition.stream, Alias.CHAMPION, number - 1 or None, number),
            ),
            parent_version=number,
        )

    def _make_alias_change(
        self, stream: str, alias: Alias, before: int | None, after: int | None
    ) -> AliasChange:
        return AliasChange(
            stream=stream, alias=alias, before=before, after=after, actor="ada", reason="r", at=self.now
        )

    @rule(stream=STREAMS, alias=st.sampled_from(list(Alias)), before=MAYBE, after=MAYBE, base=MAYBE)
    def move_alias(
        self, stream: str, alias: Alias, before: int | None, after: int | None, base: int | None
    ) -> None:
        change = self._make_alias_change(stream, alias, before, after)
        news = Message(stream=stream, kind=MessageKind.ALIASES)
        self.both(lambda store: store.change_aliases(stream, [change], base, news))

    @rule(message=st.integers(1, 12), run=st.none() | st.just("r"), model=st.none() | st.just("7"))
    def deliver(self, message: int, run: str | None, model: str | None) -> None:
        tracker_ids = TrackerIds(run_id=run, model_version=model)
        self.both(lambda store: store.outbox.record_delivery(message, tracker_ids, self.now))

    @rule(message=st.integers(1, 12))
    def fail_to_deliver(self, message: int) -> None:
        self.both(lambda store: store.outbox.record_failure(message, "no route", self.now))

    @rule(stream=STREAMS, minutes=NUMBERS)
    def tick(self, stream: str, minutes: int) -> None:
        due = self.now + timedelta(minutes=minutes)
        self.both(lambda store: store.claim_ticks({stream: due}))

    @rule(streams=st.sets(STREAMS), minutes=NUMBERS)
    def tick_all(self, streams: set[str], minutes: int) -> None:
        due = dict.fromkeys(streams, self.now + timedelta(minutes=minutes))
        self.both(lambda store: store.claim_ticks(due))


def _answer(ask: Callable[[Store], object], store: Store) -> object:
    try:
        return ask(store)
    except GrowLearnError as error:
        return type(error), str(error)


def _everything(store: Store, now: datetime) -> Iterator[object]:
    yield store.streams()
    yield store.stream_schedules()
    yield store.stream_work()
    yield store.windows_in_progress(now)
    yield store.stream_statuses(now)
    yield store.outbox.pending()
    for name in ("digits", "other"):
        windows = store.windows(name)
        yield windows
        yield [store.bad_rows(name, window.id) for window in windows]
        yield [store.window_record(name, window.id) for window in windows]
        yield store.drift_reports(name, [window.id for window in windows[1:]])
        yield [store.decision_log(name, window.id) for window in windows]
        yield [store.windows(name, [state]) for state in WindowState]
        yield store.ingested_files(name)
        yield store.pending_labels(name)
        yield store.label_joins(name)
        yield store.branches(name)
        yield store.tasks(name)
        yield store.versions(name)
        yield store.alias_changes(name)
        yield store.decision_log(name)
        yield store.last_tick(name)
