"""An installation of a test's own, with real files, whose record is led where a test wants it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from growlearn.adapters.db.engine import connect
from growlearn.adapters.db.migrate import upgrade
from growlearn.adapters.db.store import DbStore
from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.app.doctor.finding import Finding
from growlearn.app.doctor.premises import Premises, Record, record_of
from growlearn.domain.growth import Birth, GrowthPlan
from growlearn.domain.job import GrowthSpec, Job, ModelSpec, SourceSpec
from growlearn.domain.lineage import BranchWeights, Manifest, Task, TaskHead, Version
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.domain.stream import Alias, AliasMove, Message, MessageKind, Transition
from growlearn.domain.window import IngestedFile, SourceFile, Window, WindowState
from growlearn.settings import Settings, read_settings

SCHEMA = Schema(inputs={"x": Input(type=InputType.NUMBER)})
JOB = Job(name="a", source=SourceSpec(url="/data"), schema=SCHEMA)
_S = WindowState


class Installation:
    """Settings, a clock that stands still, and a migrated database whose one stream is called a."""

    def __init__(self, settings: Settings, store: DbStore) -> None:
        self.settings = settings
        self.clock = ManualClock()
        self.store = store
        self.artifacts = FileArtifacts(settings.artifacts_url)
        store.apply(JOB, self.clock.now())

    @property
    def premises(self) -> Premises:
        return Premises(settings=self.settings, clock=self.clock)

    def said(self, check: Callable[[Record], Any]) -> list[Finding]:
        """What a check of the record finds."""
        with record_of(self.premises) as record:
            assert record is not None
            return list(check(record))

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
            IngestedFile(
                stream="a",
                file=file,
                sha256="f" * 64,  # of a file that is not kept
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
        """A window left while its branch is trained."""
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
            base=Manifest(stream="a", schema=SCHEMA, model=ModelSpec(), branches=(), tasks=()),
            base_version=None,
            parent=None,
            lineage=(),
            birth=Birth.ZERO,
            copy_head=False,
            new_branches=("b1",),
            train=train,
            validation=validation,
            holdout=holdout,
            growth=GrowthSpec(),
            seed=0,
        )
        self._step(window, _S.ACCEPTED, _S.JUDGED)
        self._step(window, _S.JUDGED, _S.GROWING, plan=plan)
        return plan

    def grow(self, alias: Alias = Alias.CHAMPION, messages: tuple[Message, ...] = ()) -> Version:
        """A window led to a version with stored weights, at which the alias stands from now on."""
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
            reference=self.artifacts.put(f"reference of {window.id}".encode()),
            window=window.id,
            version=version.number,
            opened_at=now,
        )
        move = AliasMove(
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
            _S.PROMOTED if alias is Alias.CHAMPION else _S.HELD,
            version=version,
            opened=task,
            alias_moves=(move,),
            base=version.number,
            base_before=stream.base,
            messages=tuple(replace(each, window=window.id) for each in messages),
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
            parent=self.store.stream("a").base,
            window=window.id,
            branches=(branch,),
            tasks=(task,),
            parameters=1,
            average_accuracy=1.0,
            manifest=Manifest(
                stream="a", schema=SCHEMA, model=ModelSpec(), branches=(weights,), tasks=(head,)
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
                at=self.clock.now(),
                **records,
            )
        )

    def settle(self) -> Window:
        """A window that ends with nothing grown, and MLflow to be told of it."""
        window = self.arrive()
        told = Message(stream="a", kind=MessageKind.CYCLE, window=window.id)
        self._step(window, _S.ACCEPTED, _S.JUDGED)
        self._step(window, _S.JUDGED, _S.SETTLED, messages=(told,))
        return window


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database to copy."""
    file = tmp_path_factory.mktemp("migrated") / "growlearn.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a working folder in which nothing is yet."""
    return read_settings({}, tmp_path)


@pytest.fixture
def premises(settings: Settings) -> Premises:
    return Premises(settings=settings, clock=ManualClock())


@pytest.fixture
def installation(settings: Settings, migrated: Path) -> Iterator[Installation]:
    settings.home.mkdir()
    shutil.copy(migrated, settings.home / "growlearn.db")
    engine = connect(settings.database_url)
    yield Installation(settings, DbStore(engine))
    engine.dispose()
