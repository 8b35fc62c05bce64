"""Cycles to tell of, and every tracker with a way to look at what it keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.tracker import MemoryTracker
from growlearn.adapters.mlflow.tracker import MlflowTracker
from growlearn.domain.drift import DriftReport, Score
from growlearn.domain.evaluation import AccuracyMatrix, Cell, Evaluation, GateResult, matrix_of
from growlearn.domain.growth import Birth, Epoch, GrowthPlan, GrowthResult, PrefixPoint
from growlearn.domain.job import Job, ModelSpec, RegistrySpec, SourceSpec
from growlearn.domain.ledger import Chapter
from growlearn.domain.lineage import Branch, BranchState, BranchWeights, Manifest, TaskHead, Version
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.domain.stream import Stream, WindowRecord
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.evaluation.answers import Answers, dump
from growlearn.growth.circumstances import circumstances_here
from growlearn.growth.model import weights
from growlearn.growth.model.network import GrowingNetwork
from growlearn.growth.newborn import conceive
from growlearn.growth.router.router import grow_router
from growlearn.ingest.rows import Rows, object_column, row_keys
from growlearn.ports import CycleRecord, Tracker

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEMA = Schema(
    inputs={"x": Input(type=InputType.NUMBER), "kind": Input(type=InputType.CATEGORY)}, task="task"
)
MODEL = ModelSpec(width=8, heads=2)


@dataclass
class Looked:
    """What a tracker keeps, in one form for all: windows with a run, versions by number, aliases."""

    windows: Callable[[str], list[str]]
    versions: Callable[[str], dict[int, str]]
    aliases: Callable[[str], dict[str, str]]


@dataclass
class Told:
    """A tracker under test, the artifacts it reads, and what it keeps."""

    tracker: Tracker
    artifacts: MemoryArtifacts
    look: Looked


@dataclass
class ToldMlflow(Told):
    """With MLflow's own client, for what only MLflow has."""

    client: Any
    uri: str

    def run(self, stream: str, window: str) -> Any:
        """The one run of a window."""
        experiment = self.client.get_experiment_by_name(f"growlearn/{stream}")
        (run,) = self.client.search_runs([experiment.experiment_id], f"run_name = '{window}'")
        return run


@pytest.fixture(scope="session")
def sqlite_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One local store for all tests: MLflow's migrations take seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow-local')}/home/mlflow.db"


@pytest.fixture(scope="session")
def server_uri(
    tmp_path_factory: pytest.TempPathFactory,
    serve: Any,
) -> Iterator[str]:
    """A real `mlflow server` on a free port of this machine."""
    folder = tmp_path_factory.mktemp("mlflow-server")
    stores = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    stores += ["--artifacts-destination", str(folder / "artifacts")]
    with serve(["server", "--workers", "1", *stores], "/health", folder) as url:
        yield url


@pytest.fixture(params=["memory", "sqlite", "server"])
def told(request: pytest.FixtureRequest) -> Told:
    """Every tracker in turn."""
    artifacts = MemoryArtifacts()
    if request.param == "memory":
        tracker = MemoryTracker()
        return Told(tracker, artifacts, _look_into_memory(tracker))
    return _mlflow(request, artifacts)


@pytest.fixture(params=["sqlite", "server"])
def mlflow_told(request: pytest.FixtureRequest) -> ToldMlflow:
    """MLflow's stores in turn."""
    return _mlflow(request, MemoryArtifacts())


def _mlflow(request: pytest.FixtureRequest, artifacts: MemoryArtifacts) -> ToldMlflow:
    from growlearn.adapters.mlflow.client import alone, open_client, sqlite_file  # noqa: PLC0415 - slow

    uri = request.getfixturevalue(f"{request.param}_uri")
    with alone(sqlite_file(uri)):
        client = open_client(uri)
    return ToldMlflow(MlflowTracker(uri, artifacts), artifacts, _look_into_mlflow(client), client, uri)


def _look_into_memory(tracker: MemoryTracker) -> Looked:
    return Looked(
        windows=lambda stream: [window for name, _, window in tracker.runs if name == stream],
        versions=lambda model: {
            number: str(place + 1) for place, (_, _, number) in enumerate(tracker.versions.get(model, []))
        },
        aliases=lambda model: {alias.value: at for alias, at in tracker.aliases.get(model, {}).items()},
    )


def _look_into_mlflow(client: Any) -> Looked:
    def windows(stream: str) -> list[str]:
        experiment = client.get_experiment_by_name(f"growlearn/{stream}")
        runs = [] if experiment is None else client.search_runs([experiment.experiment_id])
        return sorted(run.info.run_name for run in runs)

    def versions(model: str) -> dict[int, str]:
        found = client.search_model_versions(f"name = '{model}'")
        return {int(each.tags["growlearn.version"]): str(each.version) for each in found}

    def aliases(model: str) -> dict[str, str]:
        return {alias: str(at) for alias, at in client.get_registered_model(model).aliases.items()}

    return Looked(windows, versions, aliases)


@pytest.fixture
def of() -> Stream:
    """A stream no other test has: the server is shared."""
    return stream(f"s-{uuid4().hex[:12]}")


@pytest.fixture
def settled_cycle(of: Stream) -> CycleRecord:
    return settled(of)


@pytest.fixture
def grown_cycle(of: Stream, told: Told) -> CycleRecord:
    return grown(of, told.artifacts)


@pytest.fixture
def second_cycle(grown_cycle: CycleRecord) -> CycleRecord:
    return second(grown_cycle)


def job(name: str) -> Job:
    source = SourceSpec(url="incoming")
    return Job(
        name=name, source=source, schema=SCHEMA, model=MODEL, registry=RegistrySpec(model=f"{name}-model")
    )


def stream(name: str, created_at: datetime = NOON) -> Stream:
    return Stream(job=job(name), created_at=created_at, updated_at=created_at)


def settled(of: Stream) -> CycleRecord:
    """A window in which nothing had to be grown."""
    window = _window(of, 2, WindowState.SETTLED, Verdict.STABLE, None)
    report = DriftReport(
        verdict=Verdict.STABLE,
        task="a/b",
        reason="nothing moved",
        alpha=0.05,
        scores=(_score(0.4), _score(0.2)),
    )
    empty = AccuracyMatrix(tasks=(), accuracy=(), chance=(), alone=())
    return CycleRecord(
        stream=of, window=window, record=WindowRecord(report=report), matrix=empty, version=None, branches=()
    )


def grown(of: Stream, artifacts: MemoryArtifacts) -> CycleRecord:
    """A window that made version 1: one branch, one task whose name MLflow would not take as it is."""
    manifest, plan, result = _grow(of.name, artifacts)
    window = _window(of, 1, WindowState.PROMOTED, Verdict.FIRST, "a/b")
    evaluation = Evaluation(
        task="a/b",
        cells=(Cell(task="a/b", correct=9, rows=10, answers=artifacts.put(dump(_answers()))),),
        before=Cell(task="a/b", correct=5, rows=10),
        chance=0.5,
    )
    gates = (GateResult(gate="gain", figure=0.4, bound=0.0, passed=True, reason="0.90 after, 0.50 before"),)
    report = DriftReport(verdict=Verdict.FIRST, task="a/b", reason="the first window", alpha=0.05)
    version = Version(
        stream=of.name,
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
    return CycleRecord(
        stream=of,
        window=window,
        record=record,
        matrix=matrix_of((evaluation,)),
        version=version,
        branches=(_branch(of.name, manifest),),
        story=(
            Chapter("What came", ("40 rows.", "3 kept out.")),
            Chapter("What was decided", ("Promoted.",)),
        ),
    )


def _answers() -> Answers:
    """Ten rows of which nine are right, each with a confidence of 0.9."""
    logits = np.log(np.array([[0.9, 0.1]] * 6 + [[0.1, 0.9]] * 4, np.float32))
    return Answers(logits, np.array([0] * 5 + [1] * 5))


def second(first: CycleRecord) -> CycleRecord:
    """A later window that made version 2 of the same weights, which answer as before."""
    assert first.version is not None
    assert first.record.evaluation is not None
    window = replace(first.window, number=3)
    version = replace(first.version, number=2, parent=1, window="w3")
    return replace(first, window=window, version=version, base_cells=first.record.evaluation.cells)


def _window(of: Stream, number: int, state: WindowState, verdict: Verdict, task: str | None) -> Window:
    return Window(
        stream=of.name,
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


def _score(p_value: float) -> Score:
    return Score(
        detector="output-ks",
        task="a/b",
        name="output 0",
        statistic=1 - p_value,
        p_value=p_value,
        threshold=0.01,
        reference_rows=30,
        window_rows=40,
        effect=0.25,
    )


def _branch(name: str, manifest: Manifest) -> Branch:
    return Branch(
        stream=name,
        id="b1",
        parent=None,
        stem="b1",
        task="a/b",
        window="w1",
        version=1,
        parameters=100,
        sha256=manifest.branches[0].sha256,
        state=BranchState.KEPT,
        created_at=NOON,
    )


def _grow(name: str, artifacts: MemoryArtifacts) -> tuple[Manifest, GrowthPlan, GrowthResult]:
    base = Manifest(stream=name, schema=SCHEMA, model=MODEL, branches=(), tasks=())
    plan = GrowthPlan(
        stream=name,
        window="w1",
        task="a/b",
        classes=(0, 1),
        base=base,
        base_version=None,
        parent=None,
        lineage=(),
        birth=Birth.OWN,
        copy_head=False,
        new_branches=("b1",),
        train="0" * 64,
        validation="1" * 64,
        holdout="2" * 64,
        growth=job(name).growth,
        seed=7,
    )
    network = GrowingNetwork(MODEL)
    newborn = conceive(plan, network, _rows())
    network.add_branch("b1", newborn.branches[0], "b1", newborn.stem)
    branch = artifacts.put(network.branch_weights("b1"))
    head = artifacts.put(weights.dump(newborn.head.state_dict()))
    assert newborn.stem is not None
    newborn.stem.requires_grad_(False)
    router = grow_router(
        base, newborn.stem, "a/b", (0, 1), (_rows(), _rows()), artifacts.get, artifacts.put, seed=7
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
    return Rows(inputs, object_column([0, 1] * 3), None, row_keys(inputs, SCHEMA))


def _result(manifest: Manifest) -> GrowthResult:
    return GrowthResult(
        branches=manifest.branches,
        branch_parameters=(100,),
        head=manifest.tasks[0].sha256,
        birth_head=manifest.tasks[0].sha256,
        lineage=("b1",),
        epochs=tuple(
            Epoch(epoch=n, train_loss=1 / n, validation_loss=1.1 / n, validation_accuracy=0.8, seconds=0.5)
            for n in (1, 2, 3)
        ),
        best_epoch=3,
        birth_loss=0.69,
        best_loss=0.37,
        prefix_losses=(0.37,),
        train_rows=30,
        validation_rows=4,
        seconds=1.5,
        peak_memory_bytes=10**6,
        threads=1,
        seed=7,
        approximation=(
            PrefixPoint(branch=None, loss=0.6, accuracy=0.5),
            PrefixPoint(branch="b1", loss=0.37, accuracy=0.9),
        ),
        circumstances=circumstances_here(),
    )
