"""A stream in memory whose windows end as a test says, and what each of its versions needs."""

from __future__ import annotations

from dataclasses import replace

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
from growlearn.domain.stream import AliasChange, Message, MessageKind, TrackerIds, Transition
from growlearn.domain.window import IngestResult, SourceFile, Window, WindowState
from growlearn.registry.promotion import promote_version, rollback_version, set_challenger
from growlearn.registry.version_tree import get_ancestry, select_version_tasks

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
JOB = Job(name="a", source=SourceConfig(url="/data"), schema=SCHEMA)
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
            stream=self.name, number=number, state=WindowState.ACCEPTED, source=f"f{number}",
            discovered_at=now, updated_at=now,
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
        self.step(window, WindowState.ACCEPTED, WindowState.JUDGED)
        self.step(window, WindowState.JUDGED, WindowState.SKIPPED)

    def grow(self, ending: WindowState, *, told: bool = True, task: str = "t") -> None:
        """A window that ends promoted, as a challenger, or rejected; told to MLflow or not."""
        stream, window = self.store.stream(self.name), self.arrive()
        plan = self._plan(window, task)
        self.step(window, WindowState.ACCEPTED, WindowState.JUDGED)
        self.step(window, WindowState.JUDGED, WindowState.GROWING, plan=plan)
        result = self._result(window, plan)
        score = TaskScore(task=task, correct=1, rows=1, logits_sha256=self.put("logits", window))
        evaluation = Evaluation(task=task, task_scores=(score,), initial=score, chance_level=0.5)
        self.step(
            window,
            WindowState.GROWING,
            WindowState.EVALUATED,
            plan=plan,
            result=result,
            evaluation=evaluation,
        )
        records = (
            {} if ending is WindowState.REJECTED else self._version_records(window, plan, result, ending)
        )
        message = Message(stream=self.name, kind=MessageKind.CYCLE, window=window.id)
        self.step(
            window, WindowState.EVALUATED, ending, messages=(message,),
            parent_version_before=stream.parent_version, **records,
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
        change = promote_version if ending is WindowState.PROMOTED else set_challenger
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
