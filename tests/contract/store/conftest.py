"""Every implementation of the Store port, created by the migrations, and examples to store in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL

from growlearn.adapters.db.migrate import upgrade_database
from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.drift import DriftReport
from growlearn.domain.evaluation import Evaluation, GateResult
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.job import Job
from growlearn.domain.lineage import (
    BranchRecord,
    Manifest,
    Task,
    Version,
)
from growlearn.domain.model_selection import ModelSelection
from growlearn.domain.stream import Transition, WindowRecord
from growlearn.domain.window import BadRow, IngestResult, SourceFile, Window, WindowState
from growlearn.ports import Store
from tests.contract.store import examples
from tests.contract.store.examples import AT

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


# Examples as fixtures -------------------------------------------------------------------------------


@pytest.fixture
def at() -> datetime:
    return examples.AT


@pytest.fixture
def job() -> Job:
    return examples.JOB


@pytest.fixture
def report() -> DriftReport:
    return examples.REPORT


@pytest.fixture
def manifest() -> Manifest:
    return examples.MANIFEST


@pytest.fixture
def plan() -> GrowthPlan:
    return examples.PLAN


@pytest.fixture
def consolidation() -> ConsolidationPlan:
    return examples.CONSOLIDATION


@pytest.fixture
def full() -> Window:
    return examples.FULL


@pytest.fixture
def result() -> GrowthResult:
    return examples.RESULT


@pytest.fixture
def evaluation() -> Evaluation:
    return examples.EVALUATION


@pytest.fixture
def model_selection() -> ModelSelection:
    return examples.MODEL_SELECTION


@pytest.fixture
def gates() -> tuple[GateResult, ...]:
    return examples.GATES


@pytest.fixture
def version() -> Version:
    return examples.VERSION


@pytest.fixture
def branch() -> BranchRecord:
    return examples.BRANCH


@pytest.fixture
def task() -> Task:
    return examples.TASK


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
def two_windows(store: Store, job: Job, at: datetime, make_ingest: MakeIngest) -> None:
    """The stream of the job, with w1 and w2."""
    store.apply(job, at)
    store.record_ingest(make_ingest(1))
    store.record_ingest(make_ingest(2))


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
