from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.evaluation import Cell, Evaluation
from growlearn.domain.growth import Birth, GrowthPlan
from growlearn.domain.job import GrowthSpec, Job, ModelSpec, SourceSpec
from growlearn.domain.lineage import Branch, BranchState, Manifest, Version
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.domain.stream import Alias, AliasMove, Message, MessageKind, Stream, Transition
from growlearn.domain.window import IngestedFile, SourceFile, Window, WindowState
from growlearn.registry.promotion import challenge, promote, rollback

SCHEMA = Schema(inputs={"x": Input(type=InputType.NUMBER)})
ROWS = 10


class Ledger:
    """A store whose windows are led through all states, without a model; counts are of 10 rows."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = ManualClock()

    def open(self, stream: str) -> None:
        self.store.apply(Job(name=stream, source=SourceSpec(url="memory"), schema=SCHEMA), self.clock.now())

    def settle(self, stream: str) -> str:
        """A window with nothing to grow."""
        window = self._arrive(stream)
        self._step(window, WindowState.ACCEPTED, WindowState.JUDGED)
        self._step(window, WindowState.JUDGED, WindowState.SETTLED, messages=(self._cycle(window),))
        return window.id

    def grow(self, stream: str, state: WindowState = WindowState.PROMOTED, **correct: int) -> str:
        """A window that opens the last of the tasks named, each with its right answers."""
        window = self._arrive(stream)
        self._step(window, WindowState.ACCEPTED, WindowState.JUDGED)
        plan = _plan(window, self.store.stream(stream).base)
        self._step(window, WindowState.JUDGED, WindowState.GROWING, plan=plan)
        evaluation = _evaluation(correct)
        self._step(window, WindowState.GROWING, WindowState.EVALUATED, evaluation=evaluation)
        self._step(window, WindowState.EVALUATED, state, **self._outcome(window, state, list(correct)))
        return window.id

    def roll_back(self, stream: str, target: int | None = None) -> None:
        moves, base = rollback(
            self.store.stream(stream), self.store.versions(stream), target, "me", "r", self.clock.now()
        )
        self.store.move_aliases(stream, moves, base, Message(stream=stream, kind=MessageKind.ALIASES))

    def _outcome(self, window: Window, state: WindowState, tasks: list[str]) -> dict[str, Any]:
        stream, versions = self.store.stream(window.stream), self.store.versions(window.stream)
        if state is WindowState.REJECTED:
            return {"branches": (self._branch(window, None),), "messages": (self._cycle(window),)}
        version = make_version(len(versions) + 1, stream.base, stream=stream.name, window=window.id)
        version = replace(version, tasks=tuple(tasks))
        crown = promote if state is WindowState.PROMOTED else challenge
        moves, base = crown(stream, (*versions, version), version.number, "gates", "r", self.clock.now())
        return {
            "version": version,
            "branches": (self._branch(window, version.number),),
            "alias_moves": moves,
            "base": base,
            "base_before": stream.base,
            "messages": (self._cycle(window), Message(stream=stream.name, kind=MessageKind.ALIASES)),
        }

    def _arrive(self, stream: str) -> Window:
        now, number = self.clock.now(), len(self.store.windows(stream)) + 1
        window = Window(
            stream=stream,
            number=number,
            state=WindowState.ACCEPTED,
            source=f"f{number}",
            discovered_at=now,
            updated_at=now,
        )
        file = SourceFile(url=f"f{number}", fingerprint="1", size_bytes=1)
        self.store.record_ingest(
            IngestedFile(
                stream=stream,
                file=file,
                sha256=None,
                schema="0" * 16,
                rows=1,
                windows=(window,),
                bad_rows=(),
                at=now,
            )
        )
        assert self.store.claim(stream, "w", now, 60) == window
        return window

    def _step(self, window: Window, source: WindowState, target: WindowState, **records: Any) -> None:
        self.store.advance(
            Transition(
                stream=window.stream,
                window=window.id,
                source=source,
                target=target,
                worker="w",
                at=self.clock.now(),
                **records,
            )
        )

    def _branch(self, window: Window, version: int | None) -> Branch:
        number = len(self.store.branches(window.stream)) + 1
        return Branch(
            stream=window.stream,
            id=f"b{number}",
            parent=None,
            stem="b1",
            task="t",
            window=window.id,
            version=version,
            parameters=1,
            sha256="0" * 64,
            state=BranchState.REJECTED if version is None else BranchState.KEPT,
            created_at=self.clock.now(),
        )

    @staticmethod
    def _cycle(window: Window) -> Message:
        return Message(stream=window.stream, kind=MessageKind.CYCLE, window=window.id)


def _plan(window: Window, base_version: int | None) -> GrowthPlan:
    return GrowthPlan(
        stream=window.stream,
        window=window.id,
        task="t",
        classes=(0, 1),
        base=Manifest(stream=window.stream, schema=SCHEMA, model=ModelSpec(), branches=(), tasks=()),
        base_version=base_version,
        parent=None,
        lineage=(),
        birth=Birth.ZERO,
        copy_head=False,
        new_branches=("b1",),
        train="0" * 64,
        validation="1" * 64,
        holdout="2" * 64,
        growth=GrowthSpec(),
        seed=0,
    )


def _evaluation(correct: dict[str, int]) -> Evaluation:
    cells = tuple(Cell(task=task, correct=count, rows=ROWS) for task, count in correct.items())
    task = cells[-1].task
    return Evaluation(task=task, cells=cells, before=Cell(task=task, correct=5, rows=ROWS), chance=0.5)


def make_version(number: int, parent: int | None, stream: str = "s", window: str = "w1") -> Version:
    return Version(
        stream=stream,
        number=number,
        parent=parent,
        window=window,
        branches=(),
        tasks=(),
        parameters=1,
        average_accuracy=1.0,
        manifest=Manifest(stream=stream, schema=SCHEMA, model=ModelSpec(), branches=(), tasks=()),
        created_at=ManualClock().now(),
    )


@pytest.fixture
def ledger() -> Ledger:
    made = Ledger()
    made.open("s")
    return made


@pytest.fixture
def versions() -> tuple[Version, ...]:
    """1 - 2 - 3, and 4 grown from 2 beside 3."""
    return tuple(make_version(n, parent) for n, parent in ((1, None), (2, 1), (3, 2), (4, 2)))


@pytest.fixture
def stream() -> Stream:
    """Champion 3, base 3, challenger 4."""
    now = ManualClock().now()
    job = Job(name="s", source=SourceSpec(url="memory"), schema=SCHEMA)
    return Stream(job=job, created_at=now, updated_at=now, champion=3, challenger=4, base=3)


@pytest.fixture
def moved() -> Any:
    """Alias moves in short: alias, from, to."""

    def told(moves: tuple[AliasMove, ...]) -> list[tuple[Alias, int | None, int | None]]:
        return [(move.alias, move.before, move.after) for move in moves]

    return told
