"""Window reports to log, and every tracker with a way to read what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.tracker import MemoryTracker
from growlearn.adapters.mlflow.code_snapshot import CodeSnapshot
from growlearn.adapters.mlflow.tracker import MlflowTracker
from growlearn.domain.evaluation import (
    AccuracyMatrix,
)
from growlearn.domain.stream import Alias, Stream, TrackerIds, WindowRecord
from growlearn.ports import Tracker, WindowReport
from tests.contract.tracker.reports import (
    make_promoted_report,
    make_second_report,
    make_skipped_report,
    make_stream,
)


@dataclass
class TrackerContents:
    """What a tracker holds, in one form for all: windows with a run, versions by number, aliases."""

    windows: Callable[[str], list[str]]
    versions: Callable[[str], dict[int, str]]
    aliases: Callable[[str], dict[str, str]]


@dataclass
class Somebody:
    """What somebody else does to a registered model, in the tracker's own ways."""

    delete_model: Callable[[str], None]
    delete_version: Callable[[str, str], None]
    move_alias: Callable[[str, str, str], None]
    register: Callable[[str], str]  # a version of no stream; returns its number


@dataclass
class TrackerCase:
    """A tracker under test, the artifacts it reads, and what it holds."""

    tracker: Tracker
    artifacts: MemoryArtifacts
    contents: TrackerContents
    somebody: Somebody


@dataclass
class MlflowCase(TrackerCase):
    """With MLflow's own client, for what only MLflow has."""

    client: Any
    uri: str

    def run(self, stream: str, window: str) -> Any:
        """The one run of a window."""
        experiment = self.client.get_experiment_by_name(f"growlearn/{stream}")
        (run,) = self.client.search_runs([experiment.experiment_id], f"run_name = '{window}'")
        return run


@pytest.fixture(scope="session")
def sqlite_uri(tmp_path_factory: pytest.TempPathFactory, add_mlflow_store: Callable[[Path], None]) -> str:
    """One local store for all tests: MLflow's migrations take seconds."""
    home = tmp_path_factory.mktemp("mlflow-local") / "home"
    add_mlflow_store(home)
    return f"sqlite:///{home}/mlflow.db"


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
def case(request: pytest.FixtureRequest) -> TrackerCase:
    """Every tracker in turn."""
    artifacts = MemoryArtifacts()
    if request.param == "memory":
        tracker = MemoryTracker()
        return TrackerCase(tracker, artifacts, _read_memory(tracker), _meddle_with_memory(tracker))
    return _make_mlflow_case(request, artifacts)


@pytest.fixture(params=["sqlite", "server"])
def mlflow_case(request: pytest.FixtureRequest) -> MlflowCase:
    """MLflow's stores in turn."""
    return _make_mlflow_case(request, MemoryArtifacts())


@dataclass
class Logged:
    """A stream of which w1 and w3 made versions 1, the champion, and 2, and w2 was skipped."""

    case: MlflowCase
    stream: Stream
    first: WindowReport
    second: WindowReport
    first_ids: TrackerIds


@pytest.fixture(scope="module", params=["sqlite", "server"])
def logged(request: pytest.FixtureRequest) -> Logged:
    """What several tests read in each of MLflow's stores, and none changes."""
    case = _make_mlflow_case(request, MemoryArtifacts())
    stream = make_stream(f"s-{uuid4().hex[:12]}")
    first = make_promoted_report(stream, case.artifacts)
    second = make_second_report(first)
    first_ids = case.tracker.log_cycle(first)
    case.tracker.log_cycle(make_skipped_report(stream))
    case.tracker.log_cycle(second)
    assert first.version is not None
    case.tracker.set_aliases(stream, [first.version], {Alias.CHAMPION: 1})
    return Logged(case, stream, first, second, first_ids)


@pytest.fixture
def small_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models without the many files of their code, for tests that load none."""
    code = CodeSnapshot("growlearn_0", {"__init__.py": ""}, ())
    monkeypatch.setattr("growlearn.adapters.mlflow.export._snapshot_serving_code", lambda: code)


def _make_mlflow_case(request: pytest.FixtureRequest, artifacts: MemoryArtifacts) -> MlflowCase:
    from growlearn.adapters.mlflow.client import get_tracking_sqlite_path, lock_tracking_store, open_client  # noqa: PLC0415 - slow

    uri = request.getfixturevalue(f"{request.param}_uri")
    with lock_tracking_store(get_tracking_sqlite_path(uri)):
        client = open_client(uri)
    tracker = MlflowTracker(uri, artifacts)
    return MlflowCase(tracker, artifacts, _read_mlflow(client), _meddle_with_mlflow(client), client, uri)


def _read_memory(tracker: MemoryTracker) -> TrackerContents:
    return TrackerContents(
        windows=lambda stream: [window for name, _, window in tracker.runs if name == stream],
        versions=lambda model: {
            entry[2]: number for number, entry in tracker.versions.get(model, {}).items() if entry is not None
        },
        aliases=lambda model: {
            alias.value: number for alias, number in tracker.aliases.get(model, {}).items()
        },
    )


def _meddle_with_memory(tracker: MemoryTracker) -> Somebody:
    def delete_version(model: str, number: str) -> None:
        del tracker.versions[model][number]

    def move_alias(model: str, alias: str, number: str) -> None:
        tracker.aliases.setdefault(model, {})[Alias(alias)] = number

    def delete_model(model: str) -> None:
        del tracker.versions[model]
        tracker.aliases.pop(model, None)

    def register(model: str) -> str:
        versions = tracker.versions.setdefault(model, {})
        number = str(len(versions) + 1)
        versions[number] = None
        return number

    return Somebody(delete_model, delete_version, move_alias, register)


def _meddle_with_mlflow(client: Any) -> Somebody:
    def register(model: str) -> str:
        if not client.search_registered_models(f"name = '{model}'"):
            client.create_registered_model(model)
        return str(client.create_model_version(model, "s3://elsewhere/model").version)

    return Somebody(
        client.delete_registered_model,
        client.delete_model_version,
        client.set_registered_model_alias,
        register,
    )


def _read_mlflow(client: Any) -> TrackerContents:
    def windows(stream: str) -> list[str]:
        experiment = client.get_experiment_by_name(f"growlearn/{stream}")
        runs = [] if experiment is None else client.search_runs([experiment.experiment_id])
        return sorted(run.info.run_name for run in runs)

    def versions(model: str) -> dict[int, str]:
        registered = client.search_model_versions(f"name = '{model}'")
        return {
            int(entry.tags["growlearn.version"]): str(entry.version)
            for entry in registered
            if "growlearn.version" in entry.tags
        }

    def aliases(model: str) -> dict[str, str]:
        return {alias: str(number) for alias, number in client.get_registered_model(model).aliases.items()}

    return TrackerContents(windows, versions, aliases)


@pytest.fixture
def stream() -> Stream:
    """A stream that no other test uses: the server is shared."""
    return make_stream(f"s-{uuid4().hex[:12]}")


@pytest.fixture
def skipped_report(stream: Stream) -> WindowReport:
    return make_skipped_report(stream)


@pytest.fixture
def promoted_report(stream: Stream, case: TrackerCase) -> WindowReport:
    return make_promoted_report(stream, case.artifacts)


@pytest.fixture
def plain_report(promoted_report: WindowReport, small_models: None) -> WindowReport:
    """The same without its training and evaluation, whose files take most of the time."""
    report = promoted_report.record.report
    empty = AccuracyMatrix(tasks=(), accuracy=(), chance_level=(), single_task=())
    return replace(promoted_report, record=WindowRecord(report=report), matrix=empty)


@pytest.fixture
def second_report(plain_report: WindowReport) -> WindowReport:
    return make_second_report(plain_report)
