"""The consolidation of a model that reaches its branch budget, on real handwritten digits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.adapters.engines.local import LocalEngine
from growlearn.adapters.memory.tracker import MemoryTracker
from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.growth import Progress
from growlearn.domain.growth_config import ConsolidationConfig
from growlearn.domain.job import Job
from growlearn.domain.stream import Message, MessageKind
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.drift import monitor_history
from growlearn.drift.monitor_history import make_task_budget
from growlearn.drift.sequential.alpha_budget import AlphaBudget
from growlearn.growth import distillation
from growlearn.growth.student import Student
from growlearn.ingest.source_ingest import ingest_new_files
from growlearn.pipeline.consolidation import request_consolidation
from growlearn.pipeline.run import claim_next_window
from growlearn.registry.matrix import load_accuracy_matrix
from growlearn.registry.outbox import deliver_messages
from growlearn.registry.promotion import rollback_version
from growlearn.serving.predictor import Predictor
from tests.unit import in_memory
from tests.unit.consolidated import JOB, World
from tests.unit.digits import Digits, rotate


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_consolidation_whose_number_is_taken_gets_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[Window] = []
    open_window = world.store.open_window

    def taken_at_first(window: Window, plan: ConsolidationPlan) -> bool:
        if not failed:
            failed.append(window)
            return False
        return open_window(window, plan)

    monkeypatch.setattr(world.store, "open_window", taken_at_first)
    world.send("a", "b", "c")
    assert [name for name, _ in world.run()] == ["w1", "w2", "w4", "w3", "w5"]
    assert failed


def test_a_window_claimed_before_the_model_was_full_waits_for_the_consolidation(tmp_path: Path) -> None:
    world = World(tmp_path, replace(JOB, consolidation=None))
    world.send("a", "b")
    world.run()
    world.send("c")
    stream = world.store.stream("digits")
    ingest_new_files(stream, world.source, world.store, world.artifacts, world.clock, lambda _: None)
    assert world.store.claim("digits", "worker-1", world.clock.now(), 60) is not None
    world.store.apply(JOB, world.clock.now())
    window = claim_next_window("digits", world.ports)
    assert window is not None
    assert window.verdict is Verdict.FULL
    assert world.store.claim("digits", "worker-2", world.clock.now(), 60) is None


def test_a_full_model_is_consolidated_before_the_next_training(world: World) -> None:
    world.send("a", "b", "c")
    assert world.run() == [
        ("w1", WindowState.PROMOTED),
        ("w2", WindowState.PROMOTED),
        ("w4", WindowState.PROMOTED),  # the consolidation comes before w3
        ("w3", WindowState.PROMOTED),
        ("w5", WindowState.PROMOTED),  # two branches are the maximum again
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
    (distilled,) = [branch for branch in world.store.branches("digits") if branch.window == "w4"]
    assert (distilled.id, distilled.task) == ("b3", "a, b")
    assert distilled.parent in ("b1", "b2")

    matrix = load_accuracy_matrix(world.store, "digits", 5)
    assert matrix.tasks == ("a", "b", "c")
    assert [len(row) for row in matrix.accuracy] == [3, 3, 3]
    assert (matrix.average_accuracy or 0) > 0.85
    manifest = versions[-1].manifest
    router = versions[-2].manifest.router
    assert router is not None
    assert Predictor(manifest, world.artifacts.get).router.task_classes == router.task_classes
    assert deliver_messages(world.store, MemoryTracker(), world.clock) > 0


def test_a_consolidation_can_be_rolled_back(world: World) -> None:
    world.send("a", "b")
    world.run()
    stream, versions = world.store.stream("digits"), world.store.versions("digits")
    assert stream.champion == 3
    moves, base = rollback_version(stream, versions, None, "ann", "worse", world.clock.now())
    world.store.change_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))
    assert world.store.stream("digits").champion == 2
    assert world.run() == []  # the same consolidation is not tried again
    world.send("c")
    assert world.run() == [("w4", WindowState.SKIPPED)]
    assert "is used up, and no consolidation has made room" in (world.window("w4").reason or "")


def test_a_consolidation_that_loses_too_much_accuracy_is_rejected_with_the_numbers(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(distillation, "_train_epoch", lambda *_: 0.0)  # nothing is learned,
    monkeypatch.setattr(Student, "fit_initial_heads", lambda *_: None)  # and the new heads guess
    world.ports = replace(world.ports, engine=LocalEngine(world.artifacts, tmp_path))
    world.send("a", "b", "c")
    assert world.run()[2:] == [("w4", WindowState.REJECTED), ("w3", WindowState.SKIPPED)]
    reason = world.window("w4").reason or ""
    assert reason.startswith("2 of 5 gates failed: forgetting: task '")
    assert "; negative_flips: " in reason
    assert world.store.stream("digits").champion == 2
    gates = world.store.window_record("digits", "w4").gates
    assert [(gate.gate, gate.threshold) for gate in gates][:1] == [("forgetting", 0.1)]
    assert [branch.version for branch in world.store.branches("digits")] == [1, 2, None]


def test_a_killed_consolidation_resumes_from_its_checkpoint(world: World, tmp_path: Path) -> None:
    undisturbed = World(tmp_path / "other")
    world.ports = replace(world.ports, engine=LocalEngine(world.artifacts, tmp_path))
    for stream in (world, undisturbed):
        stream.send("a", "b")
    undisturbed.run()

    def die(progress: Progress) -> None:
        if progress.stage == "training" and progress.total == 8 and progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.run(die)
    assert world.window("w3").state is WindowState.GROWING
    world.clock.advance(120)
    assert world.run() == [("w3", WindowState.PROMOTED)]
    last = [stream.store.versions("digits")[-1].manifest for stream in (world, undisturbed)]
    assert last[0] == last[1]


def test_without_retained_rows_the_budget_stays_used_up_and_the_reason_says_why(world: World) -> None:
    world.store.apply(replace(JOB, retain="none", consolidation=None), world.clock.now())
    world.send("a", "b")
    world.run()
    world.store.apply(JOB, world.clock.now())
    world.send("c")
    assert world.run() == [("w3", WindowState.SKIPPED)]
    assert "is used up, and no training row of task 'a' was retained" in (world.window("w3").reason or "")


def test_a_person_may_request_it_at_any_time(world: World) -> None:
    world.store.apply(replace(JOB, model=replace(JOB.model, max_branches=9)), world.clock.now())
    with pytest.raises(GrowLearnError, match="not learned anything"):
        request_consolidation("digits", world.store, world.clock.now())
    world.send("a", "b")
    world.run()
    assert request_consolidation("digits", world.store, world.clock.now()).id == "w3"
    with pytest.raises(GrowLearnError, match="being worked on"):
        request_consolidation("digits", world.store, world.clock.now())
    plan = world.store.window_record("digits", "w3").plan
    assert isinstance(plan, ConsolidationPlan)
    assert plan.new_branches == ("b3",)
    assert world.run() == [("w3", WindowState.PROMOTED)]


def test_a_sequential_test_that_starts_again_spends_alpha_of_its_own(
    tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that all references of a stream stay within alpha, however often it is consolidated."""
    spent: list[int] = []

    def spend(job: Job, reference_number: int, windows_per_day: float | None) -> AlphaBudget:
        spent.append(reference_number)
        return make_task_budget(job, reference_number, windows_per_day)

    monkeypatch.setattr(monitor_history, "make_task_budget", spend)
    drift = DriftConfig(decision_rule="sequential", alpha=0.05)
    job = replace(
        JOB,
        schema=replace(JOB.schema, task=None),
        drift=drift,
        growth=replace(JOB.growth, epochs=2, batch_size=32),
        consolidation=ConsolidationConfig(target_branches=1, max_accuracy_drop=1.0, epochs=1),
    )
    world = in_memory.World(tmp_path, job)
    images, labels = digits
    world.send("1.parquet", images[:300], labels[:300])
    world.send("2.parquet", images[300:500], labels[300:500])
    world.source.put("3.parquet", in_memory.parquet(rotate(images[600:900]), labels[600:900]))
    assert [window.verdict for window in world.run()] == [Verdict.DRIFT, Verdict.FULL]
    assert spent == [1, 1]
    world.send("5.parquet", images[1000:1200], labels[1000:1200])
    assert spent == [1, 1, 3, 4]  # of task-1 and task-2 as version 3 distilled them
    report = world.store.window_record("digits", "w5").report
    assert report is not None
    assert report.monitor_state is not None
    assert report.monitor_state.reference_version == 3
    assert report.monitor_state.scores is not None
    assert report.monitor_state.scores.num_windows == 1
