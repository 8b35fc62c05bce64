"""Whatever happens to a stream, retention removes nothing that a version, a window or an alias needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.store import MemoryStore
from growlearn.app.retention import apply_removals, plan_removals
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.evaluation import Evaluation, TaskScore
from growlearn.domain.growth import BranchInit, GrowthPlan, GrowthResult
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import Job, SourceConfig
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
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import Alias, AliasChange, Message, MessageKind, TrackerIds, Transition
from growlearn.domain.window import IngestResult, SourceFile, Window, WindowState
from growlearn.registry.promotion import promote_version, rollback_version, set_challenger
from growlearn.registry.references import iter_digests, iter_recorded_digests
from growlearn.registry.version_tree import get_ancestry, select_version_tasks

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
JOB = Job(name="a", source=SourceConfig(url="/data"), schema=SCHEMA)
_S = WindowState
DAY_S = 86400


class Life:
    """A stream in memory whose windows end as a test says; files hold their own names."""

    def __init__(self, job: Job = JOB) -> None:
        self.store, self.artifacts, self.clock = MemoryStore(), MemoryArtifacts(), ManualClock()
        self.name = job.name
        self.store.apply(job, self.clock.now())

    def put(self, what: str, window: Window) -> str:
        return self.artifacts.put(f"{self.name} {what} of {window.id}".encode())

    def arrive(self) -> Window:
        now, number = self.clock.now(), len(self.store.windows(self.name)) + 1
        window = Window(
            stream=self.name, number=number, state=_S.ACCEPTED, source=f"f{number}", discovered_at=now,
            updated_at=now,
        )  # fmt: skip
        window = replace(window, snapshot=self.put("rows", window))
        self.store.record_ingest(
            IngestResult(
                stream=self.name, file=SourceFile(url=f"f{number}", fingerprint="1", size_bytes=1),
                sha256="f" * 64, schema="0" * 16, rows=1, windows=(window,), bad_rows=(), at=now,
            )
        )  # fmt: skip
        return window

    def step(self, window: Window, source: WindowState, target: WindowState, **records: object) -> None:
        claimed = self.store.claim(self.name, "ada", self.clock.now(), 60)
        assert claimed is not None
        self.store.advance(
            Transition(
                stream=self.name, window=window.id, source=source, target=target, worker="ada",
                claim=claimed.claim, at=self.clock.now(), **records,  # type: ignore[arg-type]
            )
        )  # fmt: skip

    def skip(self) -> None:
        window = self.arrive()
        self.step(window, _S.ACCEPTED, _S.JUDGED)
        self.step(window, _S.JUDGED, _S.SKIPPED)

    def grow(self, ending: WindowState, *, told: bool = True, task: str = "t") -> None:
        """A window that ends promoted, as a challenger, or rejected; told to MLflow or not."""
        stream, window = self.store.stream(self.name), self.arrive()
        plan = self._plan(window, task)
        self.step(window, _S.ACCEPTED, _S.JUDGED)
        self.step(window, _S.JUDGED, _S.GROWING, plan=plan)
        result = self._result(window, plan)
        score = TaskScore(task=task, correct=1, rows=1, logits_sha256=self.put("logits", window))
        evaluation = Evaluation(task=task, task_scores=(score,), initial=score, chance_level=0.5)
        self.step(window, _S.GROWING, _S.EVALUATED, plan=plan, result=result, evaluation=evaluation)
        records = {} if ending is _S.REJECTED else self._version_records(window, plan, result, ending)
        message = Message(stream=self.name, kind=MessageKind.CYCLE, window=window.id)
        self.step(
            window, _S.EVALUATED, ending, messages=(message,), parent_version_before=stream.parent_version,
            **records,
        )  # fmt: skip
        if told:
            for pending in self.store.outbox.pending(self.name):
                self.store.outbox.record_delivery(pending.id, TrackerIds(run_id="r"), self.clock.now())

    def _plan(self, window: Window, task: str) -> GrowthPlan:
        stream = self.store.stream(self.name)
        parent = next((v for v in self.store.versions(self.name) if v.number == stream.parent_version), None)
        empty = Manifest(stream=self.name, schema=SCHEMA, model=ModelConfig(), branches=(), tasks=())
        return GrowthPlan(
            stream=self.name, window=window.id, task=task, classes=(0, 1),
            parent_manifest=empty if parent is None else parent.manifest,
            parent_version=None if parent is None else parent.number, parent_task=None, lineage=(),
            init=BranchInit.RESIDUAL, init_head_from_parent=False, new_branches=(f"b{window.number}",),
            train=self.put("train", window), validation=self.put("validation", window),
            holdout=self.put("hold-out", window), growth=GrowthConfig(), seed=0,
            retained=self.put("retained", window),
        )  # fmt: skip

    def _result(self, window: Window, plan: GrowthPlan) -> GrowthResult:
        branch = BranchWeights(
            id=plan.new_branches[0], parent=None, stem=plan.new_branches[0], sha256=self.put("branch", window)
        )
        return GrowthResult(
            branches=(branch,), branch_parameters=(1,), head=self.put("head", window),
            initial_head=self.put("initial head", window), lineage=(branch.id,), epochs=(), best_epoch=0,
            initial_loss=1.0, best_loss=0.5, prefix_losses=(), train_rows=1, validation_rows=1, seconds=1.0,
            peak_memory_bytes=1, threads=1, seed=0, check_logits=self.put("check logits", window),
        )  # fmt: skip

    def _version_records(
        self, window: Window, plan: GrowthPlan, result: GrowthResult, ending: WindowState
    ) -> dict[str, object]:
        stream, versions = self.store.stream(self.name), self.store.versions(self.name)
        head = TaskHead(
            name=plan.task, classes=plan.classes, lineage=result.lineage, sha256=result.head,
            retained=plan.retained,
        )  # fmt: skip
        others = tuple(task for task in plan.parent_manifest.tasks if task.name != plan.task)
        manifest = replace(
            plan.parent_manifest,
            branches=(*plan.parent_manifest.branches, *result.branches),
            tasks=(*others, head),
        ).without_unused_branches()
        version = Version(
            stream=self.name, number=len(versions) + 1, parent=plan.parent_version, window=window.id,
            branches=tuple(branch.id for branch in manifest.branches),
            tasks=tuple(task.name for task in manifest.tasks), parameters=1, average_accuracy=1.0,
            manifest=manifest, created_at=self.clock.now(),
        )  # fmt: skip
        task = Task(
            stream=self.name, name=plan.task, classes=plan.classes, lineage=result.lineage, head=result.head,
            holdout=plan.holdout, reference_rows=plan.validation, window=window.id, version=version.number,
        )  # fmt: skip
        branch = BranchRecord(
            stream=self.name, id=result.branches[0].id, parent=None, stem=result.branches[0].id,
            task=plan.task, window=window.id, version=version.number, parameters=1,
            sha256=result.branches[0].sha256, state=BranchState.ACCEPTED, created_at=self.clock.now(),
        )  # fmt: skip
        change = promote_version if ending is _S.PROMOTED else set_challenger
        changes, parent = change(stream, (*versions, version), version.number, "gates", "r", self.clock.now())
        return {
            "version": version, "new_task": task, "branches": (branch,), "alias_changes": changes,
            "parent_version": parent,
        }  # fmt: skip

    def move(self, kind: str, number: int) -> None:
        """Promote or roll back to a version, as a person would, where that is allowed."""
        stream, versions = self.store.stream(self.name), self.store.versions(self.name)
        change = promote_version if kind == "promote" else rollback_version
        changes: tuple[AliasChange, ...]
        try:
            changes, parent = change(stream, versions, number, "ann", "r", self.clock.now())
        except GrowLearnError:
            return
        message = Message(stream=self.name, kind=MessageKind.ALIASES)
        self.store.change_aliases(self.name, changes, parent, message)

    def retain(self) -> None:
        removals = plan_removals(self.store, self.artifacts, self.clock.now())
        apply_removals(self.store, self.artifacts, removals, self.clock.now())

    @property
    def files(self) -> set[str]:
        return set(self.artifacts._contents)


def needs(life: Life, number: int) -> set[str]:
    """What a version is loaded, verified and reproduced from: stated here on its own."""
    store = life.store
    versions = store.versions(life.name)
    version = next(version for version in versions if version.number == number)
    record = store.window_record(life.name, version.window)
    assert isinstance(record.plan, GrowthPlan)
    assert record.result is not None
    tasks = select_version_tasks(store.tasks(life.name), versions, number)
    logits = [
        store.window_record(life.name, ancestor.window).evaluation
        for ancestor in get_ancestry(versions, number)
    ]
    return {
        *version.manifest.inference_artifacts,
        *(head.retained for head in version.manifest.tasks if head.retained is not None),
        *(rows for task in tasks for rows in (task.holdout, task.reference_rows)),
        *record.plan.parent_manifest.inference_artifacts,
        record.plan.train, record.plan.validation, record.plan.holdout,
        str(record.result.check_logits),
        *(str(score.logits_sha256) for item in logits if item is not None for score in item.task_scores),
    }  # fmt: skip


ACTIONS = st.one_of(
    st.tuples(st.just("skip")),
    st.tuples(
        st.just("grow"),
        st.sampled_from([_S.PROMOTED, _S.PROMOTED, _S.PENDING_APPROVAL, _S.REJECTED]),
        st.booleans(),
        st.sampled_from(["t", "u"]),
    ),
    st.tuples(st.sampled_from(["promote", "rollback"]), st.integers(1, 6)),
    st.tuples(st.just("wait"), st.integers(1, 20)),
    st.tuples(st.just("retain")),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(ACTIONS, min_size=3, max_size=14),
    st.sampled_from([None, "5d", "15d"]),
    st.sampled_from([None, 1, 2]),
)
def test_nothing_that_is_needed_is_ever_removed(
    actions: list[tuple[object, ...]], keep: str | None, keep_versions: int | None
) -> None:
    life = Life(replace(JOB, keep=keep, keep_versions=keep_versions))
    ever: set[str] = set()
    for name, *arguments in actions:
        act(life, str(name), *arguments)
        ever |= life.files
    open_window = life.arrive()
    life.retain()
    for number in versions_to_keep(life, keep, keep_versions):
        assert needs(life, number) <= life.files, number
    assert open_window.snapshot in life.files
    for window in windows_untold(life):
        record = life.store.window_record("a", window)
        assert {digest for digest, _ in iter_digests(record, "")} <= life.files
    recorded = {digest for digest, _ in iter_recorded_digests(life.store, life.store.stream("a"))}
    assert recorded - life.files <= life.store.removed_files("a").keys()
    if keep is None and keep_versions is None:
        assert life.files == ever | {str(open_window.snapshot)}


def act(life: Life, name: str, *arguments: Any) -> None:
    if name == "grow":
        ending, told, task = arguments
        life.grow(ending, told=told, task=task)
    elif name == "wait":
        life.clock.advance(arguments[0] * DAY_S)
    elif name in ("promote", "rollback"):
        number = arguments[0]
        # the command proves the version first, and a version that cannot be loaded is never moved to
        if number <= len(life.store.versions("a")) and needs(life, number) <= life.files:
            life.move(name, number)
    else:
        getattr(life, name)()


def versions_to_keep(life: Life, keep: str | None, keep_versions: int | None) -> set[int]:
    stream, versions = life.store.stream("a"), life.store.versions("a")
    kept = {number for number in (stream.champion, stream.challenger, stream.parent_version) if number}
    if keep_versions is not None:
        kept |= {version.number for version in versions[-keep_versions:]}
    if keep is not None:
        since = life.clock.now() - timedelta(days=int(keep.removesuffix("d")))
        kept |= {version.number for version in versions if version.created_at >= since}
    return kept if keep or keep_versions else {version.number for version in versions}


def windows_untold(life: Life) -> list[str]:
    """Windows of versions that MLflow has not been told of."""
    pending = {item.message.window for item in life.store.outbox.pending("a")}
    return [version.window for version in life.store.versions("a") if version.window in pending]


def grown(count: int, **job: object) -> Life:
    life = Life(replace(JOB, **job))  # type: ignore[arg-type]
    for _ in range(count):
        life.grow(_S.PROMOTED)
        life.clock.advance(10 * DAY_S)
    return life


def test_old_versions_go_and_the_newest_stay_whole() -> None:
    life = grown(6, keep_versions=2)
    before = life.files
    [removal] = plan_removals(life.store, life.artifacts, life.clock.now())
    assert life.files == before, "planning removes nothing"
    assert removal.retention.kept_versions == (5, 6)
    assert removal.retention.expired_windows == ("w1", "w2", "w3", "w4")
    life.retain()
    assert life.files == before - set(removal.files)
    assert len(removal.files) > 15
    for number in (5, 6):
        assert needs(life, number) <= life.files
    assert not needs(life, 2) <= life.files
    [again] = plan_removals(life.store, life.artifacts, life.clock.now())
    assert (again.files, again.removed_before) == ((), len(removal.files))


def test_age_alone_removes_rows_of_windows_that_led_to_nothing() -> None:
    life = Life(replace(JOB, keep="15d"))
    life.skip()
    life.grow(_S.PROMOTED)
    life.clock.advance(20 * DAY_S)
    life.skip()
    life.retain()
    old, _, young = life.store.windows("a")
    assert old.snapshot not in life.files
    assert young.snapshot in life.files
    assert needs(life, 1) <= life.files


def test_without_the_keys_nothing_goes() -> None:
    life = grown(3)
    before = life.files
    life.retain()
    assert life.files == before


def test_what_another_stream_needs_stays() -> None:
    life = grown(4, keep_versions=1)
    other = replace(JOB, name="b")
    life.store.apply(other, life.clock.now())
    shared = str(life.store.windows("a")[0].snapshot)
    now = life.clock.now()
    window = Window(
        stream="b",
        number=1,
        state=_S.ACCEPTED,
        source="f",
        discovered_at=now,
        updated_at=now,
        snapshot=shared,
    )
    life.store.record_ingest(
        IngestResult(
            stream="b", file=SourceFile(url="f", fingerprint="1", size_bytes=1), sha256="f" * 64,
            schema="0" * 16, rows=1, windows=(window,), bad_rows=(), at=now,
        )
    )  # fmt: skip
    life.retain()
    assert shared in life.files


def test_a_run_that_was_killed_before_it_removed_is_finished_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    life = grown(4, keep_versions=1)
    removals = plan_removals(life.store, life.artifacts, life.clock.now())
    with monkeypatch.context() as patch:
        patch.setattr(life.artifacts, "remove", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            apply_removals(life.store, life.artifacts, removals, life.clock.now())
    assert set(removals[0].files) <= life.files
    life.retain()
    assert not set(removals[0].files) & life.files


def test_a_champion_rolled_back_to_while_files_go_keeps_them() -> None:
    """The rollback came after the plan: what is needed is asked again after the files are noted."""
    life = grown(4, keep_versions=1)
    removals = plan_removals(life.store, life.artifacts, life.clock.now())
    life.move("rollback", 2)
    assert life.store.stream("a").champion == 2
    apply_removals(life.store, life.artifacts, removals, life.clock.now())
    assert needs(life, 2) <= life.files
    assert life.store.alias_changes("a")[-1].alias is Alias.CHAMPION


def test_the_version_that_growth_goes_on_from_stays_though_no_alias_stands_on_it() -> None:
    life = grown(2, keep="5d")
    life.move("promote", 1)
    stream = life.store.stream("a")
    assert (stream.champion, stream.challenger, stream.parent_version) == (1, None, 2)
    life.clock.advance(20 * DAY_S)
    life.retain()
    for number in (1, 2):
        assert needs(life, number) <= life.files


def test_what_mlflow_was_not_told_of_a_rejected_window_stays() -> None:
    life = Life(replace(JOB, keep="1d"))
    life.grow(_S.PROMOTED)
    life.grow(_S.REJECTED)
    life.grow(_S.REJECTED, told=False)
    life.clock.advance(3 * DAY_S)
    life.retain()
    records = [life.store.window_record("a", window) for window in ("w2", "w3")]
    told, untold = ({digest for digest, _ in iter_digests(record, "")} for record in records)
    assert untold <= life.files
    assert not told <= life.files
