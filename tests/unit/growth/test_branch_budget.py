from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from growlearn.domain.errors import CannotGrow
from growlearn.domain.growth_config import ConsolidationConfig, GrowthConfig
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.lineage import BranchWeights, Manifest, Task, TaskHead, Version
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.growth.branch_budget import budget_error, budget_exhausted, plan_consolidation

AT = datetime(2026, 3, 1, tzinfo=UTC)
JOB = Job(
    name="s",
    source=SourceConfig(url="memory"),
    schema=Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}),
    model=ModelConfig(max_branches=3),
    growth=GrowthConfig(epochs=3, batch_size=16, seed=2),
    retain="all",
    consolidation=ConsolidationConfig(target_branches=2, max_accuracy_drop=0.02, epochs=9),
)


def version(tasks: int, replay_rows: str | None = "k") -> Version:
    names = [f"t{i}" for i in range(1, tasks + 1)]
    branches = tuple(
        BranchWeights(id=f"b{i}", parent=None, stem="b1", sha256="0") for i in range(1, tasks + 1)
    )
    heads = tuple(
        TaskHead(name=name, classes=(0, 1), lineage=(branch.id,), sha256="0", retained=replay_rows)
        for name, branch in zip(names, branches, strict=True)
    )
    manifest = Manifest(stream="s", schema=JOB.schema, model=JOB.model, branches=branches, tasks=heads)
    return Version(
        stream="s", number=tasks, parent=None, window="w1", branches=(), tasks=(), parameters=1,
        average_accuracy=1.0, manifest=manifest, created_at=AT,
    )  # fmt: skip


def stored(base: Version) -> list[Task]:
    return [
        Task(
            stream="s", name=head.name, classes=head.classes, lineage=head.lineage, head="0",
            holdout=f"h-{head.name}", reference_rows=f"v-{head.name}", window="w1", version=1,
        )
        for head in base.manifest.tasks
    ]  # fmt: skip


def test_a_model_is_full_when_one_more_branch_exceeds_the_budget() -> None:
    assert not budget_exhausted(JOB, version(2).manifest)
    assert budget_exhausted(JOB, version(3).manifest)
    assert not budget_exhausted(replace(JOB, model=ModelConfig(max_branches=3)), version(0).manifest)


def test_the_plan_has_the_data_of_every_task_and_the_budget_of_the_job() -> None:
    base = version(3)
    plan = plan_consolidation(JOB, 7, base, stored(base), num_existing_branches=4)
    assert (plan.window, plan.parent_version, plan.new_branches) == ("w7", 3, ("b5", "b6"))
    assert [(data.task, data.train, data.validation, data.holdout) for data in plan.task_data] == [
        (f"t{i}", "k", f"v-t{i}", f"h-t{i}") for i in (1, 2, 3)
    ]
    assert (plan.growth.epochs, plan.growth.patience, plan.growth.batch_size) == (9, 9, 16)
    assert plan.max_accuracy_drop == 0.02
    assert plan.seed == 200_013


def test_a_model_that_cannot_be_consolidated_says_why() -> None:
    base, two = version(3, replay_rows=None), version(2)
    with pytest.raises(CannotGrow, match=r"no training row of task 't1' was retained \(set retain"):
        plan_consolidation(JOB, 7, base, stored(base), 3)
    with pytest.raises(CannotGrow, match="the model has 2 branches and would keep 2"):
        plan_consolidation(JOB, 7, two, stored(two), 2)
    with pytest.raises(CannotGrow, match="the job sets no consolidation"):
        plan_consolidation(replace(JOB, consolidation=None), 7, two, stored(two), 2)


@pytest.mark.parametrize(
    ("job", "replay_rows", "reason"),
    [
        (
            replace(JOB, consolidation=None),
            "k",
            "is used up (raise model.max_branches, or set consolidation,",
        ),
        (JOB, None, "is used up, and no training row of task 't1' was retained for consolidation"),
        (JOB, "k", "is used up, and no consolidation has made room"),
    ],
)
def test_a_full_model_says_why_nothing_is_grown(job: Job, replay_rows: str | None, reason: str) -> None:
    assert reason in str(budget_error(job, version(3, replay_rows).manifest))


def test_a_consolidated_model_reads_images_as_the_job_says() -> None:
    def schema_of(pixel_max: int | None) -> Schema:
        return Schema(inputs={"x": InputColumn(type=InputType.IMAGE, shape=(1, 2, 2), pixel_max=pixel_max)})

    base = version(3)
    base = replace(base, manifest=replace(base.manifest, schema=schema_of(None)))
    plan = plan_consolidation(replace(JOB, schema=schema_of(1)), 7, base, stored(base), 3)
    assert plan.parent_manifest.schema.inputs["x"].pixel_max == 1
