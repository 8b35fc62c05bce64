"""A model that reaches its branch budget, in memory, on real handwritten digits."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_digits

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.source import MemorySource
from growlearn.adapters.memory.store import MemoryStore
from growlearn.adapters.memory.tracker import MemoryTracker
from growlearn.consolidating import open_now
from growlearn.cycle import next_window, run_stream
from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.growth import Progress
from growlearn.domain.job import (
    ConsolidationSpec,
    GateSpec,
    GrowthSpec,
    Job,
    ModelSpec,
    SourceSpec,
    WorthSpec,
)
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.domain.stream import Message, MessageKind
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.growth import consolidation
from growlearn.growth.pupil import Pupil
from growlearn.ingest.take_in import take_in
from growlearn.registry.matrix import matrix_for
from growlearn.registry.outbox import deliver
from growlearn.registry.promotion import rollback
from growlearn.serving.predictor import Predictor
from tests.unit.in_memory import ports_around

PAIRS = {"a": (0, 1), "b": (2, 3), "c": (4, 5)}
JOB = Job(
    name="digits",
    source=SourceSpec(url="memory"),
    schema=Schema(inputs={"image": Input(type=InputType.IMAGE, shape=(1, 8, 8))}, task="task"),
    model=ModelSpec(width=16, heads=2, patch=2, max_branches=2),
    growth=GrowthSpec(epochs=5, batch_size=16, validation=0.2),
    gates=GateSpec(min_gain=-1.0),
    worth=WorthSpec(rivals=()),  # every task gets a branch of its own
    retain="all",
    consolidation=ConsolidationSpec(branches=1, max_accuracy_loss=0.1, epochs=8),
)


class World:
    """A stream and everything around it, in memory."""

    def __init__(self, folder: Path, job: Job = JOB) -> None:
        self.clock, self.store, self.artifacts = ManualClock(), MemoryStore(), MemoryArtifacts()
        self.source = MemorySource()
        self.ports = ports_around(folder, self.clock, self.store, self.artifacts, self.source)
        self.store.apply(job, self.clock.now())

    def send(self, *tasks: str) -> None:
        """Files of one task each, not yet taken in."""
        bunch = load_digits()
        for task in tasks:
            own = np.flatnonzero(np.isin(bunch.target, PAIRS[task]))[:200]
            columns = {
                "image": (bunch.images[own] * 15.9375).astype(np.uint8).reshape(len(own), -1).tolist(),
                "label": bunch.target[own].tolist(),
                "task": [task] * len(own),
            }
            sink = io.BytesIO()
            pq.write_table(pa.table(columns), sink)
            self.source.put(f"{task}.parquet", sink.getvalue())

    def run(self, report: Any = lambda _: None) -> list[tuple[str, WindowState]]:
        return [(window.id, window.state) for window in run_stream("digits", self.ports, report).windows]

    def window(self, name: str) -> Window:
        return self.store.window("digits", name)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_consolidation_whose_number_was_taken_is_opened_under_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[Window] = []
    opens = world.store.open_window

    def taken_at_first(window: Window, plan: ConsolidationPlan) -> bool:
        if not refused:
            refused.append(window)
            return False
        return opens(window, plan)

    monkeypatch.setattr(world.store, "open_window", taken_at_first)
    world.send("a", "b", "c")
    assert [name for name, _ in world.run()] == ["w1", "w2", "w4", "w3", "w5"]
    assert refused


def test_a_window_claimed_before_the_model_was_seen_to_be_full_gives_way(tmp_path: Path) -> None:
    world = World(tmp_path, replace(JOB, consolidation=None))
    world.send("a", "b")
    world.run()
    world.send("c")
    stream = world.store.stream("digits")
    take_in(stream, world.source, world.store, world.artifacts, world.clock, lambda _: None)
    assert world.store.claim("digits", "worker-1", world.clock.now(), 60) is not None
    world.store.apply(JOB, world.clock.now())
    found = next_window("digits", world.ports)
    assert found is not None
    assert found.verdict is Verdict.FULL
    assert world.store.claim("digits", "worker-2", world.clock.now(), 60) is None


def test_a_full_model_is_consolidated_before_the_next_window_grows(world: World) -> None:
    world.send("a", "b", "c")
    assert world.run() == [
        ("w1", WindowState.PROMOTED),
        ("w2", WindowState.PROMOTED),
        ("w4", WindowState.PROMOTED),  # the consolidation goes before w3, which waits for room
        ("w3", WindowState.PROMOTED),
        ("w5", WindowState.PROMOTED),  # and two branches are again as many as there may be
    ]
    full = world.window("w4")
    assert (full.verdict, full.source, full.rows) == (Verdict.FULL, "consolidation", 0)
    versions = world.store.versions("digits")
    assert [version.branches for version in versions] == [
        ("b1",),
        ("b1", "b2"),
        ("b3",),
        ("b3", "b4"),
        ("b5",),
    ]
    assert [version.parent for version in versions] == [None, 1, 2, 3, 4]
    assert versions[2].parameters < versions[1].parameters
    (taught,) = [branch for branch in world.store.branches("digits") if branch.window == "w4"]
    assert (taught.id, taught.task) == ("b3", "a, b")
    assert taught.parent in ("b1", "b2")

    matrix = matrix_for(world.store, "digits", 5)
    assert matrix.tasks == ("a", "b", "c")
    assert [len(row) for row in matrix.accuracy] == [3, 3, 3]
    assert (matrix.average_accuracy or 0) > 0.85
    manifest = versions[-1].manifest
    assert Predictor(manifest, world.artifacts.get).router.outputs == versions[-2].manifest.router.outputs  # type: ignore[union-attr]
    assert deliver(world.store, MemoryTracker(), world.clock) > 0


def test_the_version_before_a_consolidation_can_be_gone_back_to(world: World) -> None:
    world.send("a", "b")
    world.run()
    stream, versions = world.store.stream("digits"), world.store.versions("digits")
    assert stream.champion == 3
    moves, base = rollback(stream, versions, None, "ann", "worse", world.clock.now())
    world.store.move_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))
    assert world.store.stream("digits").champion == 2
    assert world.run() == []  # declined once, the same consolidation is not tried again
    world.send("c")
    assert world.run() == [("w4", WindowState.SETTLED)]
    assert "is used up, and no consolidation has made room" in (world.window("w4").reason or "")


def test_a_consolidation_that_loses_too_much_is_rejected_with_the_figures(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consolidation, "_train_epoch", lambda *_: 0.0)  # nothing is learned,
    monkeypatch.setattr(Pupil, "start_heads", lambda *_: None)  # and the new heads guess
    world.send("a", "b", "c")
    assert world.run()[2:] == [("w4", WindowState.REJECTED), ("w3", WindowState.SETTLED)]
    reason = world.window("w4").reason or ""
    assert reason.startswith("2 of 5 gates failed: forgetting: task 'a' changed most")
    assert "; flips: " in reason
    assert world.store.stream("digits").champion == 2
    gates = world.store.record("digits", "w4").gates
    assert [(gate.gate, gate.bound) for gate in gates][:1] == [("forgetting", 0.1)]
    assert [branch.version for branch in world.store.branches("digits")] == [1, 2, None]


def test_a_killed_consolidation_is_taken_up_at_its_checkpoint(world: World, tmp_path: Path) -> None:
    undisturbed = World(tmp_path / "other")
    for each in (world, undisturbed):
        each.send("a", "b")
    undisturbed.run()

    def die(progress: Progress) -> None:
        if progress.stage == "training" and progress.total == 8 and progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.run(die)
    assert world.window("w3").state is WindowState.GROWING
    world.clock.advance(120)
    assert world.run() == [("w3", WindowState.PROMOTED)]
    last = [each.store.versions("digits")[-1].manifest for each in (world, undisturbed)]
    assert last[0] == last[1]


def test_without_kept_rows_the_budget_stays_used_up_and_the_reason_says_why(world: World) -> None:
    world.store.apply(replace(JOB, retain="none", consolidation=None), world.clock.now())
    world.send("a", "b")
    world.run()
    world.store.apply(JOB, world.clock.now())
    world.send("c")
    assert world.run() == [("w3", WindowState.SETTLED)]
    assert "is used up, and no training row of task 'a' was kept" in (world.window("w3").reason or "")


def test_a_person_may_ask_for_it_at_any_time(world: World) -> None:
    world.store.apply(replace(JOB, model=replace(JOB.model, max_branches=9)), world.clock.now())
    with pytest.raises(GrowLearnError, match="not learned anything"):
        open_now("digits", world.store, world.clock.now())
    world.send("a", "b")
    world.run()
    assert open_now("digits", world.store, world.clock.now()).id == "w3"
    with pytest.raises(GrowLearnError, match="being worked on"):
        open_now("digits", world.store, world.clock.now())
    plan = world.store.record("digits", "w3").plan
    assert isinstance(plan, ConsolidationPlan)
    assert plan.new_branches == ("b3",)
    assert world.run() == [("w3", WindowState.PROMOTED)]
