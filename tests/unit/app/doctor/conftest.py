"""An installation with real files, whose database a test can bring into any state."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from growlearn.adapters.db.engine import connect
from growlearn.adapters.db.migrate import upgrade_database
from growlearn.adapters.db.store import DbStore
from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.app.doctor.context import CheckContext, StoreContext, open_store_context
from growlearn.app.doctor.finding import Finding
from growlearn.domain.growth import BranchInit, GrowthPlan
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.lineage import BranchWeights, Manifest, Task, TaskHead, Version
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import Alias, AliasChange, Message, MessageKind, Transition
from growlearn.domain.window import IngestResult, SourceFile, Window, WindowState
from growlearn.settings import Settings, read_settings

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
JOB = Job(name="a", source=SourceConfig(url="/data"), schema=SCHEMA)
_S = WindowState


class Installation:
    """Settings, a manual clock, and a migrated database whose only stream is called a."""

    def __init__(self, settings: Settings, store: DbStore) -> None:
        self.settings = settings
        self.clock = ManualClock()
        self.store = store
        self.artifacts = FileArtifacts(settings.artifacts_url)
        store.apply(JOB, self.clock.now())

    @property
    def context(self) -> CheckContext:
        return CheckContext(settings=self.settings, clock=self.clock)

    def findings(self, check: Callable[[StoreContext], Any]) -> list[Finding]:
        """The findings of a check of the store."""
        with open_store_context(self.context) as store_context:
            assert store_context is not None
            return list(check(store_context))

    def path_of(self, digest: str) -> Path:
        assert self.artifacts.folder is not None
        return self.artifacts.folder / digest[:2] / digest[2:4] / digest

    def arrive(self) -> Window:
        """A new window with stored rows, leased to ada for a minute."""
        now, number = self.clock.now(), len(self.store.windows("a")) + 1
        window = Window(
            stream="a",
            number=number,
            state=_S.ACCEPTED,
            source=f"f{number}",
            discovered_at=now,
            updated_at=now,
            snapshot=self.artifacts.put(f"rows of w{number}".encode()),
        )
        file = SourceFile(url=f"f{number}", fingerprint="1", size_bytes=1)
        self.store.record_ingest(
            IngestResult(
                stream="a",
                file=file,
                sha256="f" * 64,  # of a file that is not stored
                schema="0" * 16,
                rows=1,
                windows=(window,),
                bad_rows=(),
                at=now,
            )
        )
        self.store.claim("a", "ada", now, 60)
        return window

    def train(self) -> GrowthPlan:
        """A window whose branch is being trained."""
        window = self.arrive()
        train, validation, holdout = (
            self.artifacts.put(f"{part} of {window.id}".encode())
            for part in ("train", "validation", "hold-out")
        )
        plan = GrowthPlan(
            stream="a",
            window=window.id,
            task="t",
            classes=(0, 1),
            parent_manifest=Manifest(stream="a", schema=SCHEMA, model=ModelConfig(), branches=(), tasks=()),
            parent_version=None,
            parent_task=None,
            lineage=(),
            init=BranchInit.RESIDUAL,
            init_head_from_parent=False,
            new_branches=("b1",),
            train=train,
            validation=validation,
            holdout=holdout,
            growth=GrowthConfig(),
            seed=0,
        )
        self._step(window, _S.ACCEPTED, _S.JUDGED)
        self._step(window, _S.JUDGED, _S.GROWING, plan=plan)
        return plan

    def grow(self, alias: Alias = Alias.CHAMPION, messages: tuple[Message, ...] = ()) -> Version:
        """A window that ends with a version, whose weights are stored, and with an alias on it."""
        window = self.arrive()
        version = self._version(window)
        manifest = version.manifest
        self._step(window, _S.ACCEPTED, _S.JUDGED)
        self._step(window, _S.JUDGED, _S.GROWING)
        self._step(window, _S.GROWING, _S.EVALUATED)
        stream, now = self.store.stream("a"), self.clock.now()
        task = Task(
            stream="a",
            name=version.tasks[-1],
            classes=(0, 1),
            lineage=version.branches,
            head=manifest.tasks[-1].sha256,
            holdout=self.artifacts.put(f"hold-out of {window.id}".encode()),
            reference_rows=self.artifacts.put(f"reference of {window.id}".encode()),
            window=window.id,
            version=version.number,
        )
        change = AliasChange(
            stream="a",
            alias=alias,
            before=getattr(stream, alias),
            after=version.number,
            actor="gates",
            reason="r",
            at=now,
        )
        self._step(
            window,
            _S.EVALUATED,
            _S.PROMOTED if alias is Alias.CHAMPION else _S.PENDING_APPROVAL,
            version=version,
            new_task=task,
            alias_changes=(change,),
            parent_version=version.number,
            parent_version_before=stream.parent_version,
            messages=tuple(replace(message, window=window.id) for message in messages),
        )
        return version

    def _version(self, window: Window) -> Version:
        number = len(self.store.versions("a")) + 1
        branch, task = f"b{number}", f"task-{number}"
        weights = BranchWeights(
            id=branch, parent=None, stem=branch, sha256=self.artifacts.put(f"weights {branch}".encode())
        )
        head = TaskHead(
            name=task, classes=("0" * 64, 1), lineage=(branch,), sha256=self.artifacts.put(task.encode())
        )
        return Version(
            stream="a",
            number=number,
            parent=self.store.stream("a").parent_version,
            window=window.id,
            branches=(branch,),
            tasks=(task,),
            parameters=1,
            average_accuracy=1.0,
            manifest=Manifest(
                stream="a", schema=SCHEMA, model=ModelConfig(), branches=(weights,), tasks=(head,)
            ),
            created_at=self.clock.now(),
        )

    def _step(self, window: Window, source: WindowState, target: WindowState, **records: Any) -> None:
        self.store.advance(
            Transition(
                stream="a",
                window=window.id,
                source=source,
                target=target,
                worker="ada",
                claim=1,
                at=self.clock.now(),
                **records,
            )
        )

    def skip(self) -> Window:
        """A window that ends with nothing grown, and a message for MLflow."""
        window = self.arrive()
        message = Message(stream="a", kind=MessageKind.CYCLE, window=window.id)
        self._step(window, _S.ACCEPTED, _S.JUDGED)
        self._step(window, _S.JUDGED, _S.SKIPPED, messages=(message,))
        return window


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database to copy."""
    file = tmp_path_factory.mktemp("migrated") / "growlearn.db"
    upgrade_database(f"sqlite:///{file}")
    return file


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an empty working folder."""
    return read_settings({}, tmp_path)


@pytest.fixture
def context(settings: Settings) -> CheckContext:
    return CheckContext(settings=settings, clock=ManualClock())


@pytest.fixture
def installation(settings: Settings, migrated: Path) -> Iterator[Installation]:
    settings.home.mkdir()
    shutil.copy(migrated, settings.home / "growlearn.db")
    engine = connect(settings.database_url)
    yield Installation(settings, DbStore(engine))
    engine.dispose()
