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

from growlearn.adapters.db.store import DbStore, open_store
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import Job
from growlearn.domain.labels import EarlyLabels, Joining, Relabelled
from growlearn.domain.lineage import Branch, Task, Version
from growlearn.domain.stream import Alias, AliasMove, Message, MessageKind, Receipt, Transition
from growlearn.domain.window import PENDING, TRANSITIONS, BadRow, IngestedFile, WindowState
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
    taken: Callable[..., IngestedFile],
    version: Version,
    branch: Branch,
    task: Task,
) -> dict[str, Any]:
    return {"job": job, "at": at, "taken": taken, "version": version, "branch": branch, "task": task}


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
        self.taken: Callable[..., IngestedFile] = self.example["taken"]
        self.now: datetime = self.example["at"]
        self.folder = tempfile.mkdtemp()
        self.database: DbStore = open_store(f"sqlite:///{shutil.copy(self.file, self.folder)}")
        self.memory = MemoryStore()

    def teardown(self) -> None:
        self.both(lambda store: list(_everything(store)))
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

    @rule(name=STREAMS, holdout=st.sampled_from([0.1, 0.2]))
    def apply(self, name: str, holdout: float) -> None:
        self.both(lambda store: store.apply(replace(self.job, name=name, holdout=holdout), self.now))

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
        made = self.taken(number, stream=stream, state=state, rows=rows)
        before = self.taken(number, stream=stream, state=WindowState.DISCOVERED, rows=filled or 0).windows
        ingested = replace(
            made,
            stream=stream,
            file=replace(made.file, url=str(url), fingerprint=fingerprint),
            bad_rows=(BadRow(row=rows, reason=f"row {rows}"),),
            filled=() if filled is None else before,
        )
        self.both(lambda store: store.record_ingest(ingested))

    @rule(stream=STREAMS, number=NUMBERS)
    def ingest_one(self, stream: str, number: int) -> None:
        ingested = replace(self.taken(number, stream=stream), stream=stream)
        self.both(lambda store: store.record_ingest(ingested))

    @rule(stream=STREAMS, number=NUMBERS, last=st.integers(0, 4), before=MAYBE, after=MAYBE, window=NUMBERS)
    def join(
        self, stream: str, number: int, last: int, before: int | None, after: int | None, window: int
    ) -> None:
        """Labels joined to a window, worked out from what may or may not hold."""
        snapshots = [each.snapshot or "0" * 64 for each in self.memory.windows(stream)]
        old = snapshots[window - 1] if last and window <= len(snapshots) else "0" * 64
        change = Relabelled(
            window=f"w{window}", before=old, after=str(number) * 64, labels=1, labelled=number
        )
        joining = Joining(
            last_window=max(last, len(snapshots)),
            early_before=self._early(before),
            early=self._early(after),
            relabelled=(change,),
        )
        made = self.taken(number, stream=stream)
        ingested = replace(made, stream=stream, windows=(), joining=joining, at=self.now)
        file = replace(made.file, url="labels", fingerprint=str(self.now))
        self.both(lambda store: store.record_ingest(replace(ingested, file=file)))

    def _early(self, labels: int | None) -> tuple[EarlyLabels, ...]:
        if labels is None:
            return ()
        at: datetime = self.example["at"]
        return (EarlyLabels(source="f", content=str(labels) * 64, labels=labels, at=at),)

    @rule(stream=STREAMS, number=NUMBERS)
    def wake(self, stream: str, number: int) -> None:
        self.both(lambda store: store.wake(stream, f"w{number}", self.now))

    @rule(stream=STREAMS, worker=WORKERS)
    def claim(self, stream: str, worker: str) -> None:
        self.both(lambda store: store.claim(stream, worker, self.now, 60))

    @rule(stream=STREAMS, number=NUMBERS, worker=WORKERS)
    def renew(self, stream: str, number: int, worker: str) -> None:
        self.both(lambda store: store.renew(stream, f"w{number}", worker, self.now, 60))

    @rule(stream=STREAMS, number=NUMBERS, worker=WORKERS)
    def release(self, stream: str, number: int, worker: str) -> None:
        self.both(lambda store: store.release(stream, f"w{number}", worker))

    @rule(stream=STREAMS, number=NUMBERS, states=st.tuples(STATES, STATES), worker=WORKERS)
    def leap(self, stream: str, number: int, states: tuple[WindowState, WindowState], worker: str) -> None:
        self.both(lambda store: store.advance(self._move(stream, number, *states, worker)))

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
        move = self._move(stream, pending[0].number, source, target, worker)
        if target in (WindowState.PROMOTED, WindowState.HELD):
            move = self._grown(move)
        self.both(lambda store: store.advance(move))

    def _move(
        self, stream: str, number: int, source: WindowState, target: WindowState, worker: str
    ) -> Transition:
        return Transition(
            stream=stream, window=f"w{number}", source=source, target=target, worker=worker, at=self.now,
            messages=(Message(stream=stream, kind=MessageKind.CYCLE, window=f"w{number}"),),
            wanted=number if target is WindowState.WAITING else None,
            judged_by=number if target is WindowState.WAITING else None,
        )  # fmt: skip

    def _grown(self, move: Transition) -> Transition:
        number = len(self.memory.versions(move.stream)) + 1
        branch_id = f"b{1 + len(self.memory.branches(move.stream)) % 2}"  # the third is made twice
        branch: Branch = replace(self.example["branch"], id=branch_id, stem=branch_id, version=number)
        version: Version = replace(self.example["version"], number=number, parent=number - 1 or None)
        task: Task = replace(self.example["task"], version=number)
        return replace(
            move,
            version=replace(version, stream=move.stream, window=move.window),
            branches=(replace(branch, stream=move.stream, window=move.window),),
            opened=replace(task, stream=move.stream, window=move.window),
            alias_moves=(self._alias_move(move.stream, Alias.CHAMPION, number - 1 or None, number),),
            base=number,
        )

    def _alias_move(self, stream: str, alias: Alias, before: int | None, after: int | None) -> AliasMove:
        return AliasMove(
            stream=stream, alias=alias, before=before, after=after, actor="ada", reason="r", at=self.now
        )

    @rule(stream=STREAMS, alias=st.sampled_from(list(Alias)), before=MAYBE, after=MAYBE, base=MAYBE)
    def move_alias(
        self, stream: str, alias: Alias, before: int | None, after: int | None, base: int | None
    ) -> None:
        move = self._alias_move(stream, alias, before, after)
        news = Message(stream=stream, kind=MessageKind.ALIASES)
        self.both(lambda store: store.move_aliases(stream, [move], base, news))

    @rule(message=st.integers(1, 12), run=st.none() | st.just("r"), model=st.none() | st.just("7"))
    def deliver(self, message: int, run: str | None, model: str | None) -> None:
        receipt = Receipt(run_id=run, model_version=model)
        self.both(lambda store: store.delivered(message, receipt, self.now))

    @rule(message=st.integers(1, 12))
    def fail_to_deliver(self, message: int) -> None:
        self.both(lambda store: store.undelivered(message, "no route", self.now))

    @rule(stream=STREAMS, minutes=NUMBERS)
    def tick(self, stream: str, minutes: int) -> None:
        due = self.now + timedelta(minutes=minutes)
        self.both(lambda store: store.claim_tick(stream, due, "one"))


def _answer(ask: Callable[[Store], object], store: Store) -> object:
    try:
        return ask(store)
    except GrowLearnError as error:
        return type(error), str(error)


def _everything(store: Store) -> Iterator[object]:
    yield store.streams()
    yield store.pending_messages()
    for name in ("digits", "other"):
        windows = store.windows(name)
        yield windows
        yield [store.bad_rows(name, window.id) for window in windows]
        yield store.seen(name)
        yield store.early_labels(name)
        yield store.label_joins(name)
        yield store.branches(name)
        yield store.tasks(name)
        yield store.versions(name)
        yield store.alias_moves(name)
        yield store.ledger(name)
        yield store.last_tick(name)
