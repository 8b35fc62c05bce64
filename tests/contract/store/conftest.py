"""Every implementation of the Store port, made by the migrations, and examples to put into it."""

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

from growlearn.adapters.db.migrate import upgrade
from growlearn.adapters.db.store import open_store
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.circumstances import Circumstances
from growlearn.domain.consolidation import ConsolidationPlan, Lesson
from growlearn.domain.drift import DriftReport, Score
from growlearn.domain.evaluation import Cell, Evaluation, GateResult, Succession
from growlearn.domain.growth import Birth, Epoch, GrowthPlan, GrowthResult, ParentScore
from growlearn.domain.job import (
    GrowthSpec,
    HoldoutFiles,
    Job,
    ModelSpec,
    RetainPerClass,
    Schedule,
    SourceSpec,
)
from growlearn.domain.lineage import (
    Branch,
    BranchState,
    BranchWeights,
    Manifest,
    Task,
    TaskHead,
    Version,
)
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.domain.stream import Transition, WindowRecord
from growlearn.domain.window import BadRow, IngestedFile, SourceFile, Verdict, Window, WindowState
from growlearn.domain.worth import Comparison, Contender, Means, Worth
from growlearn.ports import Store

AT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
_databases = count()


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Engine) -> Engine:
    """A real server's engine, with a database `migrated` to copy."""
    with postgres.connect() as connection:
        connection.execute(text("CREATE DATABASE migrated"))
    upgrade(text_of(postgres.url.set(database="migrated")))
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
    with open_store(text_of(migrated_postgres.url.set(database="shared"))) as opened:
        yield opened


@pytest.fixture
def postgres_store(shared_postgres_store: Store) -> Iterator[Store]:
    """An empty store; emptied rather than made afresh, which would take half a second a test."""
    yield shared_postgres_store
    for stream in shared_postgres_store.streams():
        shared_postgres_store.delete(stream.name)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file to copy."""
    file = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """A SQLite file of this test's own, migrated."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'growlearn.db')}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """A migrated database of each kind."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each implementation, the twin in memory first; empty."""
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "sqlite":
        with open_store(request.getfixturevalue("sqlite_url")) as opened:
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
        source=SourceSpec(url="/data/ziffern-äöü", pattern="*.parquet", settle_s=0.1),
        schema=Schema(
            inputs={
                "z": Input(type=InputType.NUMBER),
                "image": Input(type=InputType.IMAGE, shape=(1, 8, 8)),
                "a": Input(type=InputType.CATEGORY),
            },
            label="y",
            task="regime",
        ),
        schedule=Schedule(cron="0 3 * * 0"),
        holdout=HoldoutFiles(url="/data/test"),
        retain=RetainPerClass(per_class=50),
    )


Ingest = Callable[..., IngestedFile]
Move = Callable[..., Transition]


@pytest.fixture
def taken() -> Ingest:
    """An ingested file that became one window; keywords change the window."""

    def make(number: int = 1, **changes: object) -> IngestedFile:
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
        return IngestedFile(
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
def move() -> Move:
    """A move of w1 by worker "ada", from accepted to judged unless keywords say otherwise."""

    def make(source: WindowState = WindowState.ACCEPTED, **changes: object) -> Transition:
        target = {
            WindowState.ACCEPTED: WindowState.JUDGED,
            WindowState.JUDGED: WindowState.GROWING,
            WindowState.GROWING: WindowState.EVALUATED,
        }.get(source, WindowState.PROMOTED)
        plain = Transition(
            stream="digits", window="w1", source=source, target=target, worker="ada", at=AT, snapshot="d" * 64
        )
        return replace(plain, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture
def report() -> DriftReport:
    score = Score(
        detector="output-ks", task="task-1", name="7", statistic=0.1 + 0.2, p_value=1e-300,
        threshold=0.005, reference_rows=200, window_rows=100, effect=0.7 / 3,
    )  # fmt: skip
    return DriftReport(
        verdict=Verdict.DRIFT,
        task="task-2",
        reason="output 7 moved: KS 0.30, p < 0.005",
        alpha=0.05,
        scores=(score, replace(score, name="column age", statistic=0.25, effect=-1e-300)),
    )


@pytest.fixture
def manifest(job: Job) -> Manifest:
    return Manifest(
        stream="digits",
        schema=job.schema,
        model=ModelSpec(width=32, heads=2),
        branches=(BranchWeights(id="b1", parent=None, stem="b1", sha256="1" * 64),),
        tasks=(TaskHead(name="task-1", classes=(0, 1, "1", "zwei"), lineage=("b1",), sha256="2" * 64),),
    )


@pytest.fixture
def plan(manifest: Manifest) -> GrowthPlan:
    return GrowthPlan(
        stream="digits", window="w1", task="task-2", classes=(0, "0", "null"), base=manifest,
        base_version=1, parent="task-1", lineage=("b1",), birth=Birth.ZERO, copy_head=True,
        new_branches=("b2",),
        train="3" * 64,
        validation="4" * 64, holdout="5" * 64, growth=GrowthSpec(epochs=3), seed=2**63 - 1,
        parent_scores=(ParentScore(task=None, lineage=(), accuracy=1 / 3),),
    )  # fmt: skip


@pytest.fixture
def consolidation(manifest: Manifest) -> ConsolidationPlan:
    """A plan that has a window of its own, w3."""
    return ConsolidationPlan(
        stream="digits", window="w3", base=manifest, base_version=1,
        lessons=(Lesson(task="task-1", train="3" * 64, validation="4" * 64, holdout="5" * 64),),
        new_branches=("b2",), growth=GrowthSpec(epochs=3), max_accuracy_loss=0.1 + 0.2, seed=2**63 - 1,
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
        branch_parameters=(12345,), head="7" * 64, birth_head="8" * 64, lineage=("b1", "b2"),
        epochs=(epoch,), best_epoch=1, birth_loss=float("inf"), best_loss=2.25, prefix_losses=(2.5, 2.25),
        train_rows=80, validation_rows=20, seconds=3.5, peak_memory_bytes=2**33, threads=2, seed=7,
        circumstances=Circumstances(
            growlearn="0.1.0", commit=None, code_sha256="a" * 64, python="3.11.9",
            packages={"torch": "2.13.0+cpu", "numpy": "2.4.6"}, packages_sha256="b" * 64, platform="Linux",
            cpu="EPYC", instructions="AVX2", threads=2, device="cpu",
        ),
        probes="9" * 64, superseded=("task-1",),
    )  # fmt: skip


@pytest.fixture
def evaluation() -> Evaluation:
    return Evaluation(
        task="task-2",
        cells=(
            Cell(task="task-2", correct=19, rows=20, answers="6" * 64),
            Cell(task="task-1", correct=7, rows=9),
        ),
        before=Cell(task="task-2", correct=2, rows=20),
        chance=1 / 3,
        alone=Cell(task="task-2", correct=18, rows=20),
        routed=(Cell(task="task-2", correct=17, rows=20), Cell(task="task-1", correct=6, rows=9)),
        succession=Succession(
            tasks=("task-1",), windows=("w2",), cells=(Cell(task="task-2", correct=30, rows=31),)
        ),
    )


@pytest.fixture
def worth() -> Worth:
    head, branch = (
        Contender(
            means=means, cell=Cell(task="task-1", correct=correct, rows=10, answers="5" * 64),
            parameters=100, branches=1, latency_s=0.001, seconds=2.5,
        )
        for means, correct in ((Means.HEAD, 7), (Means.BRANCH, 8))
    )  # fmt: skip
    compared = Comparison(
        cheaper=Means.HEAD, dearer=Means.BRANCH, gained=2, lost=1, rows=10, difference=0.1,
        low=-0.2, high=0.4, p_value=0.5, beaten=False,
    )  # fmt: skip
    return Worth(contenders=(head, branch), comparisons=(compared,), alpha=0.05, winner=Means.HEAD)


@pytest.fixture
def gates() -> tuple[GateResult, ...]:
    gate = GateResult(gate="gain", figure=0.85, bound=0.0, passed=True, reason="gained 0.85")
    return gate, replace(gate, gate="forgetting", figure=-0.0, passed=False)


@pytest.fixture
def version(manifest: Manifest) -> Version:
    return Version(
        stream="digits", number=1, parent=None, window="w1", branches=("b1", "b2"), tasks=("task-1",),
        parameters=2**40, average_accuracy=0.1 + 0.2, manifest=manifest, created_at=AT,
    )  # fmt: skip


@pytest.fixture
def branch() -> Branch:
    return Branch(
        stream="digits", id="b1", parent=None, stem="b1", task="task-1", window="w1", version=1,
        parameters=12345, sha256="1" * 64, state=BranchState.KEPT, created_at=AT,
    )  # fmt: skip


@pytest.fixture
def task() -> Task:
    return Task(
        stream="digits", name="task-1", classes=(0, 1, "zwei"), lineage=("b1",), head="2" * 64,
        holdout="3" * 64, reference="4" * 64, window="w1", version=1, opened_at=AT,
    )  # fmt: skip


@pytest.fixture
def promote_in(
    job: Job,
    taken: Ingest,
    move: Move,
    version: Version,
    branch: Branch,
    task: Task,
    evidence: WindowRecord,
) -> Callable[..., Version]:
    """Bring window `number` of digits in a store all the way to promoted, as version `number`."""

    def run(store: Store, number: int = 1, **changes: object) -> Version:
        if number == 1:
            store.apply(job, AT)
        window = f"w{number}"
        store.record_ingest(replace(taken(number), bad_rows=(BadRow(row=7, reason="x is NaN"),)))
        store.claim("digits", "ada", AT, 60)
        store.advance(move(window=window, report=evidence.report))
        store.advance(move(WindowState.JUDGED, window=window, plan=evidence.plan))
        told = {"result": evidence.result, "evaluation": evidence.evaluation, "worth": evidence.worth}
        store.advance(move(WindowState.GROWING, window=window, **told))
        made = replace(version, number=number, window=window, parent=number - 1 or None)
        last = move(
            WindowState.EVALUATED,
            window=window,
            gates=evidence.gates,
            version=made,
            branches=(replace(branch, id=f"b{number}", stem=f"b{number}", window=window, version=number),),
            opened=replace(task, name=f"task-{number}", window=window, version=number),
        )
        store.advance(replace(last, **changes))  # type: ignore[arg-type]
        return made

    return run


@pytest.fixture
def promote(store: Store, promote_in: Callable[..., Version]) -> Callable[..., Version]:
    """As promote_in, in the store under test."""
    return partial(promote_in, store)


@pytest.fixture
def evidence(
    report: DriftReport,
    plan: GrowthPlan,
    result: GrowthResult,
    evaluation: Evaluation,
    worth: Worth,
    gates: tuple[GateResult, ...],
) -> WindowRecord:
    return WindowRecord(
        report=report, plan=plan, result=result, evaluation=evaluation, worth=worth, gates=gates
    )
