"""A named task that gets a second version: rows that name it are routed between the two, and gated so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from growlearn.domain.evaluation import Evaluation, GateResult
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.ingest.rows import object_column
from growlearn.serving.predictor import Predictor
from tests.unit.digits import Digits, Images
from tests.unit.in_memory import NO_BASELINES, TASKED, World

JOB = replace(TASKED, baseline_comparison=NO_BASELINES, growth=replace(TASKED.growth, epochs=4))


def send_twice(folder: Path, digits: Digits, second: Images) -> tuple[World, Window]:
    """Digits of task `a`, then images that name it too and have other labels."""
    images, labels = digits
    world = World(folder, JOB)
    world.send("1.parquet", images[:300], labels[:300], "a")
    window = world.send("2.parquet", second, [(label or 0) + 10 for label in labels[300:600]], "a")
    report = world.store.window_record("digits", "w2").report
    assert report is not None
    assert (report.verdict, report.task) == (Verdict.DRIFT, "a/2")
    return world, window


def read_gate(world: World) -> tuple[Evaluation, GateResult]:
    record = world.store.window_record("digits", "w2")
    assert record.evaluation is not None
    return record.evaluation, next(gate for gate in record.gates if gate.gate == "routed_accuracy")


def test_a_version_that_takes_the_rows_of_the_first_is_rejected(tmp_path: Path, digits: Digits) -> None:
    world, window = send_twice(tmp_path, digits, digits[0][300:600])  # the same inputs: none can be told
    evaluation, gate = read_gate(world)
    assert window.state is WindowState.REJECTED
    assert evaluation.accuracy("a") > 0.7  # with its own head
    assert [score.task for score in evaluation.routed] == ["a", "a/2"]
    assert not gate.passed
    assert gate.value > 0.1
    assert gate.reason.startswith("routed accuracy of task 'a': ")


def test_a_version_with_inputs_of_its_own_is_promoted_and_measured_as_it_is_served(
    tmp_path: Path, digits: Digits
) -> None:
    world, window = send_twice(tmp_path, digits, 255 - digits[0][300:600])
    evaluation, gate = read_gate(world)
    assert (window.state, gate.passed) == (WindowState.PROMOTED, True)
    version = world.store.versions("digits")[-1]
    predictor = Predictor(version.manifest, world.artifacts.get)
    for score, task in zip(evaluation.routed, world.store.tasks("digits"), strict=True):
        rows = world.ports.models.rows(task.holdout, version.manifest.schema)
        named = replace(rows, tasks=object_column(["a"] * len(rows)))
        assert score.task == task.name
        assert score.correct == int(predictor.is_correct(named).sum())
    images, labels = digits
    world.send("3.parquet", images[600:800], labels[600:800], "b")  # the router learns a third task
    later = world.store.window_record("digits", "w3")
    assert later.evaluation is not None
    assert [score.task for score in later.evaluation.routed] == ["a", "a/2"]
    assert any(gate.reason.startswith("routed accuracy of task 'a") for gate in later.gates)
