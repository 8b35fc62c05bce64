"""Every implementation of the Store port, created by the migrations, and examples to store in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL

from growlearn.adapters.db.migrate import upgrade_database
from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.consolidation import ConsolidationPlan, TaskData
from growlearn.domain.drift import DriftReport, DriftTestResult
from growlearn.domain.environment import TrainingEnvironment
from growlearn.domain.evaluation import Evaluation, GateResult, TaskReplacement, TaskScore
from growlearn.domain.growth import BranchInit, Epoch, GrowthPlan, GrowthResult, ProbeScore
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import HoldoutFiles, Job, RetainPerClass, Schedule, SourceConfig
from growlearn.domain.lineage import (
    BranchRecord,
    BranchState,
    BranchWeights,
    Manifest,
    Task,
    TaskHead,
    Version,
)
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.model_selection import Candidate, CandidateKind, ModelSelection, PairedComparison
from growlearn.domain.refinement_score import LossChange, RefinementScore
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import Transition, WindowRecord
from growlearn.domain.window import BadRow, IngestResult, SourceFile, Verdict, Window, WindowState
from growlearn.ports import Store

AT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
_databases = count()


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Engine) -> Engine:
    """A real server's engine, with a database `migrated` to copy."""
    with postgres.connect() as connection:
        connection.execute(text("CREATE DATABASE migrated"))
    upgrade_database(text_of(postgres.url.set(database="migrated")))
    return postgres


@pytest.fixture
def postgres_url(migrated_postgres: Engine) -> Iterator[str]:
    """A database of this test's own, migrated."""
    name = f"test_{next(_databases)}"
    with migrated_postgres.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE migrated"))
    yield text_of(migrated_postgres.url.set(database=name))
    with migrated_postgres.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def shared_postgres_store(migrated_postgres: Engine) -> Iterator[Store]:
    with migrated_postgres.connect() as connection:
        connection.execute(text("CREATE DATABASE shared TEMPLATE migrated"))
    with open_db_store(text_of(migrated_postgres.url.set(database="shared"))) as opened:
        yield opened


@pytest.fixture
def postgres_store(shared_postgres_store: Store) -> Iterator[Store]:
    """An empty store; emptied rather than created, which would take half a second per test."""
    yield shared_postgres_store
    for stream in shared_postgres_store.streams():
        shared_postgres_store.delete(stream.name)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file to copy."""
    file = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    upgrade_database(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """A SQLite file of this test's own, migrated."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'growlearn.db')}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """A migrated database of each kind."""
    database_url: str = request.getfixturevalue(f"{request.param}_url")
    return database_url


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each implementation, the one in memory first; empty."""
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "sqlite":
        with open_db_store(request.getfixturevalue("sqlite_url")) as opened:
            yield opened
    else:
        yield request.getfixturevalue("postgres_store")


def text_of(url: URL) -> str:
    return url.render_as_string(hide_password=False)


# Examples -----------------------------------------------------------------------------------------


@pytest.fixture
def at() -> datetime:
    return AT


@pytest.fixture
def job() -> Job:
    """A job that leaves no key at its default where another value could be lost."""
    return Job(
        name="digits",
        source=SourceConfig(url="/data/ziffern-äöü", pattern="*.parquet", min_file_age_s=0.1),
        schema=Schema(
            inputs={
                "z": InputColumn(type=InputType.NUMBER),
                "image": InputColumn(type=InputType.IMAGE, shape=(1, 8, 8)),
                "a": InputColumn(type=InputType.CATEGORY),
            },
            label="y",
            task="regime",
        ),
        schedule=Schedule(cron="0 3 * * 0"),
        holdout=HoldoutFiles(url="/data/test"),
        retain=RetainPerClass(per_class=50),
    )


MakeIngest = Callable[..., IngestResult]
MakeTransition = Callable[..., Transition]


@pytest.fixture
def make_ingest() -> MakeIngest:
    """An ingested file that became one window; keywords change the window."""

    def make(number: int = 1, **changes: object) -> IngestResult:
        url = f"/data/{number}.parquet"
        window = Window(
            stream="digits",
            number=number,
            state=WindowState.ACCEPTED,
            source=url,
            discovered_at=AT,
            updated_at=AT,
            rows=100,
            snapshot="5" * 64,
        )
        return IngestResult(
            stream="digits",
            file=SourceFile(url=url, fingerprint="100-1", size_bytes=2**40),
            sha256="f" * 64,
            schema="0" * 16,
            rows=1,
            windows=(replace(window, **changes),),  # type: ignore[arg-type]
            bad_rows=(),
            at=AT,
        )

    return make


@pytest.fixture
def make_transition() -> MakeTransition:
    """A transition of w1 by "ada" under its first claim, accepted to judged unless keywords say otherwise."""

    def make(source: WindowState = WindowState.ACCEPTED, **changes: object) -> Transition:
        target = {
            WindowState.ACCEPTED: WindowState.JUDGED,
            WindowState.JUDGED: WindowState.GROWING,
            WindowState.GROWING: WindowState.EVALUATED,
        }.get(source, WindowState.PROMOTED)
        plain = Transition(
            stream="digits", window="w1", source=source, target=target, worker="ada", at=AT, claim=1,
            snapshot="d" * 64,
        )  # fmt: skip
        return replace(plain, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture
def report() -> DriftReport:
    test_result = DriftTestResult(
        detector="output-ks", task="task-1", name="7", statistic=0.1 + 0.2, p_value=1e-300,
        threshold=0.005, reference_rows=200, window_rows=100, effect_size=0.7 / 3,
    )  # fmt: skip
    return DriftReport(
        verdict=Verdict.DRIFT,
        task="task-2",
        reason="output 7 moved: KS 0.30, p < 0.005",
        alpha=0.05,
        test_results=(
            test_result,
            replace(test_result, name="column age", statistic=0.25, effect_size=-1e-300),
        ),
        correct=90,
        labelled_rows=100,
    )


@pytest.fixture
def manifest(job: Job) -> Manifest:
    return Manifest(
        stream="digits",
        schema=job.schema,
        model=ModelConfig(embed_dim=32, num_heads=2),
        branches=(BranchWeights(id="b1", parent=None, stem="b1", sha256="1" * 64),),
        tasks=(TaskHead(name="task-1", classes=(0, 1, "1", "zwei"), lineage=("b1",), sha256="2" * 64),),
    )


@pytest.fixture
def plan(manifest: Manifest) -> GrowthPlan:
    return GrowthPlan(
        stream="digits", window="w1", task="task-2", classes=(0, "0", "null"), parent_manifest=manifest,
        parent_version=1, parent_task="task-1", lineage=("b1",), init=BranchInit.RESIDUAL,
        init_head_from_parent=True, new_branches=("b2",), train="3" * 64, validation="4" * 64,
        holdout="5" * 64, growth=GrowthConfig(epochs=3), seed=2**63 - 1,
        probe_scores=(ProbeScore(task=None, lineage=(), accuracy=1 / 3),),
    )  # fmt: skip


@pytest.fixture
def consolidation(manifest: Manifest) -> ConsolidationPlan:
    """A plan that has a window of its own, w3."""
    return ConsolidationPlan(
        stream="digits", window="w3", parent_manifest=manifest, parent_version=1,
        task_data=(TaskData(task="task-1", train="3" * 64, validation="4" * 64, holdout="5" * 64),),
        new_branches=("b2",), growth=GrowthConfig(epochs=3), max_accuracy_drop=0.1 + 0.2, seed=2**63 - 1,
    )  # fmt: skip


@pytest.fixture
def full(consolidation: ConsolidationPlan) -> Window:
    """That window, as it is opened."""
    return Window(
        stream="digits", number=3, state=WindowState.GROWING, source="consolidation", discovered_at=AT,
        updated_at=AT, verdict=Verdict.FULL, reason="1 branch of at most 1",
    )  # fmt: skip


@pytest.fixture
def result() -> GrowthResult:
    """A growth whose training diverged once: its losses are not all finite."""
    epoch = Epoch(
        epoch=1, train_loss=float("inf"), validation_loss=2.25, validation_accuracy=0.5, seconds=1.5
    )
    return GrowthResult(
        branches=(BranchWeights(id="b2", parent="b1", stem="b2", sha256="6" * 64),),
        branch_parameters=(12345,), head="7" * 64, initial_head="8" * 64, lineage=("b1", "b2"),
        epochs=(epoch,), best_epoch=1, initial_loss=float("inf"), best_loss=2.25, prefix_losses=(2.5, 2.25),
        train_rows=80, validation_rows=20, seconds=3.5, peak_memory_bytes=2**33, threads=2, seed=7,
        environment=TrainingEnvironment(
            growlearn="0.1.0", commit=None, code_sha256="a" * 64, python="3.11.9",
            packages={"torch": "2.13.0+cpu", "numpy": "2.4.6"}, packages_sha256="b" * 64, platform="Linux",
            cpu="EPYC", cpu_capability="AVX2", threads=2, device="cpu",
        ),
        check_logits="9" * 64, replaced_tasks=("task-1",),
    )  # fmt: skip


@pytest.fixture
def evaluation() -> Evaluation:
    change = LossChange(
        rows=9, loss_before=0.1 + 0.2, loss_after=0.25, p_decrease=1e-9, p_increase=1.0,
        accuracy_before=7 / 9, accuracy_after=8 / 9, p_accuracy_drop=0.5,
    )  # fmt: skip
    return Evaluation(
        task="task-2",
        task_scores=(
            TaskScore(task="task-2", correct=19, rows=20, logits_sha256="6" * 64),
            TaskScore(task="task-1", correct=7, rows=9),
        ),
        initial=TaskScore(task="task-2", correct=2, rows=20),
        chance_level=1 / 3,
        single_task=TaskScore(task="task-2", correct=18, rows=20),
        routed=(TaskScore(task="task-2", correct=17, rows=20), TaskScore(task="task-1", correct=6, rows=9)),
        replacement=TaskReplacement(
            tasks=("task-1",), windows=("w2",), task_scores=(TaskScore(task="task-2", correct=30, rows=31),)
        ),
        refinement=RefinementScore(earlier=change, new=None, both=change, alpha=0.05),
    )


@pytest.fixture
def model_selection() -> ModelSelection:
    head, branch = (
        Candidate(
            kind=kind, task_score=TaskScore(task="task-1", correct=correct, rows=10, logits_sha256="5" * 64),
            parameters=100, branches=1, seconds=2.5,
        )
        for kind, correct in ((CandidateKind.NEW_HEAD, 7), (CandidateKind.BRANCH, 8))
    )  # fmt: skip
    compared = PairedComparison(
        smaller=CandidateKind.NEW_HEAD, larger=CandidateKind.BRANCH, only_larger_correct=2,
        only_smaller_correct=1, rows=10, difference=0.1, low=-0.2, high=0.4, p_value=0.5, outperformed=False,
    )  # fmt: skip
    return ModelSelection(
        candidates=(head, branch), comparisons=(compared,), alpha=0.05, selected=CandidateKind.NEW_HEAD
    )


@pytest.fixture
def gates() -> tuple[GateResult, ...]:
    gate = GateResult(gate="gain", value=0.85, threshold=0.0, passed=True, reason="gained 0.85")
    return gate, replace(gate, gate="forgetting", value=-0.0, passed=False)


@pytest.fixture
def version(manifest: Manifest) -> Version:
    return Version(
        stream="digits", number=1, parent=None, window="w1", branches=("b1", "b2"), tasks=("task-1",),
        parameters=2**40, average_accuracy=0.1 + 0.2, manifest=manifest, created_at=AT,
    )  # fmt: skip


@pytest.fixture
def branch() -> BranchRecord:
    return BranchRecord(
        stream="digits", id="b1", parent=None, stem="b1", task="task-1", window="w1", version=1,
        parameters=12345, sha256="1" * 64, state=BranchState.ACCEPTED, created_at=AT,
    )  # fmt: skip


@pytest.fixture
def task() -> Task:
    return Task(
        stream="digits", name="task-1", classes=(0, 1, "zwei"), lineage=("b1",), head="2" * 64,
        holdout="3" * 64, reference_rows="4" * 64, window="w1", version=1,
    )  # fmt: skip


@pytest.fixture
def promote_in(
    job: Job,
    make_ingest: MakeIngest,
    make_transition: MakeTransition,
    version: Version,
    branch: BranchRecord,
    task: Task,
    window_record: WindowRecord,
) -> Callable[..., Version]:
    """Bring window `number` of digits in a store all the way to promoted, as version `number`."""

    def run(
        store: Store,
        number: int = 1,
        planned: GrowthPlan | ConsolidationPlan | None = window_record.plan,
        trained: GrowthPlan | None = None,
        manifest: Manifest = version.manifest,
        **changes: object,
    ) -> Version:
        if number == 1:
            store.apply(job, AT)
        window = f"w{number}"
        store.record_ingest(replace(make_ingest(number), bad_rows=(BadRow(row=7, reason="x is NaN"),)))
        store.claim("digits", "ada", AT, 60)
        store.advance(make_transition(window=window, report=window_record.report))
        store.advance(make_transition(WindowState.JUDGED, window=window, plan=planned))
        records = {
            "plan": trained,
            "result": window_record.result,
            "evaluation": window_record.evaluation,
            "model_selection": window_record.model_selection,
        }
        store.advance(make_transition(WindowState.GROWING, window=window, **records))
        new_version = replace(
            version, number=number, window=window, parent=number - 1 or None, manifest=manifest
        )
        last = make_transition(
            WindowState.EVALUATED,
            window=window,
            gates=window_record.gates,
            version=new_version,
            branches=(replace(branch, id=f"b{number}", stem=f"b{number}", window=window, version=number),),
            new_task=replace(task, name=f"task-{number}", window=window, version=number),
        )
        store.advance(replace(last, **changes))  # type: ignore[arg-type]
        return new_version

    return run


@pytest.fixture
def promote(store: Store, promote_in: Callable[..., Version]) -> Callable[..., Version]:
    """As promote_in, in the store under test."""
    return partial(promote_in, store)


@pytest.fixture
def window_record(
    report: DriftReport,
    plan: GrowthPlan,
    result: GrowthResult,
    evaluation: Evaluation,
    model_selection: ModelSelection,
    gates: tuple[GateResult, ...],
) -> WindowRecord:
    return WindowRecord(
        report=report,
        plan=plan,
        result=result,
        evaluation=evaluation,
        model_selection=model_selection,
        gates=gates,
    )
