"""Reports of windows and branches to log: one skipped window, one promoted one, one after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.decision_log import ReportSection
from growlearn.domain.drift import DriftReport, DriftTestResult
from growlearn.domain.evaluation import (
    AccuracyMatrix,
    Evaluation,
    GateResult,
    TaskScore,
    build_accuracy_matrix,
)
from growlearn.domain.growth import BranchInit, Epoch, GrowthPlan, GrowthResult, PrefixPoint
from growlearn.domain.job import Job, RegistryConfig, SourceConfig
from growlearn.domain.lineage import BranchRecord, BranchState, BranchWeights, Manifest, TaskHead, Version
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import Stream, WindowRecord
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.evaluation.predictions import Predictions, dump_predictions
from growlearn.growth.branch_init import init_trainable_parts
from growlearn.growth.environment import capture_environment
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.model import weights
from growlearn.network.model.network import GrowingNetwork
from growlearn.network.router.router import add_task_to_router
from growlearn.ports import WindowReport

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEMA = Schema(
    inputs={"x": InputColumn(type=InputType.NUMBER), "kind": InputColumn(type=InputType.CATEGORY)},
    task="task",
)
MODEL = ModelConfig(embed_dim=8, num_heads=2)


def make_job(name: str) -> Job:
    source = SourceConfig(url="incoming")
    return Job(
        name=name, source=source, schema=SCHEMA, model=MODEL, registry=RegistryConfig(model=f"{name}-model")
    )


def make_stream(name: str, created_at: datetime = NOON) -> Stream:
    return Stream(job=make_job(name), created_at=created_at)


def make_skipped_report(stream: Stream) -> WindowReport:
    """A window without drift, in which nothing was grown."""
    window = _window(stream, 2, WindowState.SKIPPED, Verdict.STABLE, None)
    report = DriftReport(
        verdict=Verdict.STABLE,
        task="a/b",
        reason="nothing moved",
        alpha=0.05,
        test_results=(_score(0.4), _score(0.2)),
        correct=36,
        labelled_rows=40,
    )
    empty = AccuracyMatrix(tasks=(), accuracy=(), chance_level=(), single_task=())
    return WindowReport(
        stream=stream,
        window=window,
        record=WindowRecord(report=report),
        matrix=empty,
        version=None,
        branches=(),
    )


def make_promoted_report(stream: Stream, artifacts: MemoryArtifacts) -> WindowReport:
    """A window that made version 1: one branch, one task whose name MLflow would not take as it is."""
    manifest, plan, result = _grow(stream.name, artifacts)
    window = _window(stream, 1, WindowState.PROMOTED, Verdict.FIRST, "a/b")
    evaluation = Evaluation(
        task="a/b",
        task_scores=(
            TaskScore(
                task="a/b", correct=9, rows=10, logits_sha256=artifacts.put(dump_predictions(_predictions()))
            ),
        ),
        initial=TaskScore(task="a/b", correct=5, rows=10),
        chance_level=0.5,
    )
    gates = (
        GateResult(gate="gain", value=0.4, threshold=0.0, passed=True, reason="0.90 after, 0.50 before"),
    )
    report = DriftReport(verdict=Verdict.FIRST, task="a/b", reason="the first window", alpha=0.05)
    version = Version(
        stream=stream.name,
        number=1,
        parent=None,
        window="w1",
        branches=("b1",),
        tasks=("a/b",),
        parameters=100,
        average_accuracy=0.9,
        manifest=manifest,
        created_at=NOON,
    )
    record = WindowRecord(report=report, plan=plan, result=result, evaluation=evaluation, gates=gates)
    return WindowReport(
        stream=stream,
        window=window,
        record=record,
        matrix=build_accuracy_matrix((evaluation,)),
        version=version,
        branches=(_branch(stream.name, manifest),),
        decision_report=(
            ReportSection("What came", ("40 rows.", "3 rejected.")),
            ReportSection("What was decided", ("Promoted.",)),
        ),
    )


def _predictions() -> Predictions:
    """Ten rows, nine of them right, each with a confidence of 0.9."""
    logits = np.log(np.array([[0.9, 0.1]] * 6 + [[0.1, 0.9]] * 4, np.float32))
    return Predictions(logits, np.array([0] * 5 + [1] * 5))


def make_second_report(first: WindowReport) -> WindowReport:
    """A later window that made version 2 of the same weights, which answer as before."""
    assert first.version is not None
    evaluation = first.record.evaluation
    window = replace(first.window, number=3)
    version = replace(first.version, number=2, parent=1, window="w3")
    scores = () if evaluation is None else evaluation.task_scores
    return replace(first, window=window, version=version, parent_task_scores=scores)


def _window(stream: Stream, number: int, state: WindowState, verdict: Verdict, task: str | None) -> Window:
    return Window(
        stream=stream.name,
        number=number,
        state=state,
        source=f"incoming/{number}.parquet",
        discovered_at=NOON + timedelta(hours=number),
        updated_at=NOON + timedelta(hours=number, minutes=5),
        rows=40,
        snapshot=f"{number}" * 64,
        task=task,
        verdict=verdict,
        reason="because",
    )


def _score(p_value: float) -> DriftTestResult:
    return DriftTestResult(
        detector="output-ks",
        task="a/b",
        name="output 0",
        statistic=1 - p_value,
        p_value=p_value,
        threshold=0.01,
        reference_rows=30,
        window_rows=40,
        effect_size=0.25,
    )


def _branch(name: str, manifest: Manifest) -> BranchRecord:
    return BranchRecord(
        stream=name,
        id="b1",
        parent=None,
        stem="b1",
        task="a/b",
        window="w1",
        version=1,
        parameters=100,
        sha256=manifest.branches[0].sha256,
        state=BranchState.ACCEPTED,
        created_at=NOON,
    )


def _grow(name: str, artifacts: MemoryArtifacts) -> tuple[Manifest, GrowthPlan, GrowthResult]:
    base = Manifest(stream=name, schema=SCHEMA, model=MODEL, branches=(), tasks=())
    plan = GrowthPlan(
        stream=name,
        window="w1",
        task="a/b",
        classes=(0, 1),
        parent_manifest=base,
        parent_version=None,
        parent_task=None,
        lineage=(),
        init=BranchInit.SCRATCH,
        init_head_from_parent=False,
        new_branches=("b1",),
        train="0" * 64,
        validation="1" * 64,
        holdout="2" * 64,
        growth=make_job(name).growth,
        seed=7,
    )
    network = GrowingNetwork(MODEL)
    parts = init_trainable_parts(plan, network, _rows())
    network.add_branch("b1", parts.branches[0], "b1", parts.stem)
    branch = artifacts.put(network.dump_branch("b1"))
    head = artifacts.put(weights.dump_weights(parts.head.state_dict()))
    assert parts.stem is not None
    parts.stem.requires_grad_(False)
    router = add_task_to_router(
        base, parts.stem, "a/b", (0, 1), (_rows(), _rows()), artifacts.get, artifacts.put, seed=7
    )
    manifest = replace(
        base,
        router=router,
        branches=(BranchWeights(id="b1", parent=None, stem="b1", sha256=branch),),
        tasks=(TaskHead(name="a/b", classes=(0, 1), lineage=("b1",), sha256=head),),
    )
    return manifest, plan, _result(manifest)


def _rows() -> Rows:
    inputs = {"x": np.arange(6.0), "kind": object_column(["red", "blue"] * 3)}
    return Rows(inputs, object_column([0, 1] * 3), None, hash_rows(inputs, SCHEMA))


def _result(manifest: Manifest) -> GrowthResult:
    return GrowthResult(
        branches=manifest.branches,
        branch_parameters=(100,),
        head=manifest.tasks[0].sha256,
        initial_head=manifest.tasks[0].sha256,
        lineage=("b1",),
        epochs=tuple(
            Epoch(epoch=n, train_loss=1 / n, validation_loss=1.1 / n, validation_accuracy=0.8, seconds=0.5)
            for n in (1, 2, 3)
        ),
        best_epoch=3,
        initial_loss=0.69,
        best_loss=0.37,
        prefix_losses=(0.37,),
        train_rows=30,
        validation_rows=4,
        seconds=1.5,
        peak_memory_bytes=10**6,
        threads=1,
        seed=7,
        prefix_curve=(
            PrefixPoint(branch=None, loss=0.6, accuracy=0.5),
            PrefixPoint(branch="b1", loss=0.37, accuracy=0.9),
        ),
        environment=capture_environment(),
    )
