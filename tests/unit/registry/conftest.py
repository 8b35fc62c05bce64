from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.evaluation import Evaluation, TaskScore
from growlearn.domain.growth import BranchInit, GrowthPlan
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.lineage import BranchRecord, BranchState, Manifest, Version
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import Alias, AliasChange, Message, MessageKind, Stream, Transition
from growlearn.domain.window import IngestResult, SourceFile, Window, WindowState
from growlearn.registry.promotion import promote_version, rollback_version, set_challenger

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
ROWS = 10


class StreamHistory:
    """A store with windows in any final state, without a model; counts are of 10 rows."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = ManualClock()

    def open(self, stream: str) -> None:
        self.store.apply(Job(name=stream, source=SourceConfig(url="memory"), schema=SCHEMA), self.clock.now())

    def skip(self, stream: str) -> str:
        """A window from which nothing is grown."""
        window = self._arrive(stream)
        self._step(window, WindowState.ACCEPTED, WindowState.JUDGED)
        self._step(window, WindowState.JUDGED, WindowState.SKIPPED, messages=(self._cycle(window),))
        return window.id

    def grow(self, stream: str, state: WindowState = WindowState.PROMOTED, **correct: int) -> str:
        """A window that adds the last of the named tasks, each with its correct predictions."""
        window = self._arrive(stream)
        self._step(window, WindowState.ACCEPTED, WindowState.JUDGED)
        plan = _plan(window, self.store.stream(stream).parent_version)
        self._step(window, WindowState.JUDGED, WindowState.GROWING, plan=plan)
        evaluation = _evaluation(correct)
        self._step(window, WindowState.GROWING, WindowState.EVALUATED, evaluation=evaluation)
        self._step(window, WindowState.EVALUATED, state, **self._outcome(window, state, list(correct)))
        return window.id

    def roll_back(self, stream: str, target: int | None = None) -> None:
        changes, parent_version = rollback_version(
            self.store.stream(stream), self.store.versions(stream), target, "me", "r", self.clock.now()
        )
        self.store.change_aliases(
            stream, changes, parent_version, Message(stream=stream, kind=MessageKind.ALIASES)
        )

    def _outcome(self, window: Window, state: WindowState, tasks: list[str]) -> dict[str, Any]:
        stream, versions = self.store.stream(window.stream), self.store.versions(window.stream)
        if state is WindowState.REJECTED:
            return {"branches": (self._branch(window, None),), "messages": (self._cycle(window),)}
        version = make_version(len(versions) + 1, stream.parent_version, stream=stream.name, window=window.id)
        version = replace(version, tasks=tuple(tasks))
        set_alias = promote_version if state is WindowState.PROMOTED else set_challenger
        changes, parent_version = set_alias(
            stream, (*versions, version), version.number, "gates", "r", self.clock.now()
        )
        return {
            "version": version,
            "branches": (self._branch(window, version.number),),
            "alias_changes": changes,
            "parent_version": parent_version,
            "parent_version_before": stream.parent_version,
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
            IngestResult(
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
        claimed = self.store.claim(stream, "w", now, 60)
        assert claimed == replace(window, claim=1)
        return claimed

    def _step(self, window: Window, source: WindowState, target: WindowState, **records: Any) -> None:
        self.store.advance(
            Transition(
                stream=window.stream,
                window=window.id,
                source=source,
                target=target,
                worker="w",
                claim=window.claim,
                at=self.clock.now(),
                **records,
            )
        )

    def _branch(self, window: Window, version: int | None) -> BranchRecord:
        number = len(self.store.branches(window.stream)) + 1
        return BranchRecord(
            stream=window.stream,
            id=f"b{number}",
            parent=None,
            stem="b1",
            task="t",
            window=window.id,
            version=version,
            parameters=1,
            sha256="0" * 64,
            state=BranchState.REJECTED if version is None else BranchState.ACCEPTED,
            created_at=self.clock.now(),
        )

    @staticmethod
    def _cycle(window: Window) -> Message:
        return Message(stream=window.stream, kind=MessageKind.CYCLE, window=window.id)


def _plan(window: Window, parent_version: int | None) -> GrowthPlan:
    return GrowthPlan(
        stream=window.stream,
        window=window.id,
        task="t",
        classes=(0, 1),
        parent_manifest=Manifest(
            stream=window.stream, schema=SCHEMA, model=ModelConfig(), branches=(), tasks=()
        ),
        parent_version=parent_version,
        parent_task=None,
        lineage=(),
        init=BranchInit.RESIDUAL,
        init_head_from_parent=False,
        new_branches=("b1",),
        train="0" * 64,
        validation="1" * 64,
        holdout="2" * 64,
        growth=GrowthConfig(),
        seed=0,
    )


def _evaluation(correct: dict[str, int]) -> Evaluation:
    task_scores = tuple(TaskScore(task=task, correct=count, rows=ROWS) for task, count in correct.items())
    task = task_scores[-1].task
    return Evaluation(
        task=task,
        task_scores=task_scores,
        initial=TaskScore(task=task, correct=5, rows=ROWS),
        chance_level=0.5,
    )


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
        manifest=Manifest(stream=stream, schema=SCHEMA, model=ModelConfig(), branches=(), tasks=()),
        created_at=ManualClock().now(),
    )


@pytest.fixture
def history() -> StreamHistory:
    history = StreamHistory()
    history.open("s")
    return history


@pytest.fixture
def versions() -> tuple[Version, ...]:
    """1 - 2 - 3, and 4 grown from 2 beside 3."""
    return tuple(make_version(n, parent) for n, parent in ((1, None), (2, 1), (3, 2), (4, 2)))


@pytest.fixture
def stream() -> Stream:
    """Champion 3, parent version 3, challenger 4."""
    now = ManualClock().now()
    job = Job(name="s", source=SourceConfig(url="memory"), schema=SCHEMA)
    return Stream(job=job, created_at=now, champion=3, challenger=4, parent_version=3)


@pytest.fixture
def summarize() -> Any:
    """Alias changes in short: alias, from, to."""

    def summarize_changes(changes: tuple[AliasChange, ...]) -> list[tuple[Alias, int | None, int | None]]:
        return [(change.alias, change.before, change.after) for change in changes]

    return summarize_changes
