from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from growlearn.domain.errors import NotGrowable
from growlearn.domain.job import ConsolidationSpec, GrowthSpec, Job, ModelSpec, SourceSpec
from growlearn.domain.lineage import BranchWeights, Manifest, Task, TaskHead, Version
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.growth.crowding import is_full, no_room, plan_consolidation

AT = datetime(2026, 3, 1, tzinfo=UTC)
JOB = Job(
    name="s",
    source=SourceSpec(url="memory"),
    schema=Schema(inputs={"x": Input(type=InputType.NUMBER)}),
    model=ModelSpec(max_branches=3),
    growth=GrowthSpec(epochs=3, batch_size=16, seed=2),
    retain="all",
    consolidation=ConsolidationSpec(branches=2, max_accuracy_loss=0.02, epochs=9),
)


def version(tasks: int, kept: str | None = "k") -> Version:
    names = [f"t{i}" for i in range(1, tasks + 1)]
    branches = tuple(
        BranchWeights(id=f"b{i}", parent=None, stem="b1", sha256="0") for i in range(1, tasks + 1)
    )
    heads = tuple(
        TaskHead(name=name, classes=(0, 1), lineage=(branch.id,), sha256="0", retained=kept)
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
            holdout=f"h-{head.name}", reference=f"v-{head.name}", window="w1", version=1, opened_at=AT,
        )
        for head in base.manifest.tasks
    ]  # fmt: skip


def test_a_model_is_full_when_one_branch_more_would_be_too_many() -> None:
    assert not is_full(JOB, version(2).manifest)
    assert is_full(JOB, version(3).manifest)
    assert not is_full(replace(JOB, model=ModelSpec(max_branches=3)), version(0).manifest)


def test_the_plan_has_a_lesson_a_task_and_the_budget_of_the_job() -> None:
    base = version(3)
    plan = plan_consolidation(JOB, 7, base, stored(base), grown=4)
    assert (plan.window, plan.base_version, plan.new_branches) == ("w7", 3, ("b5", "b6"))
    assert [(each.task, each.train, each.validation, each.holdout) for each in plan.lessons] == [
        (f"t{i}", "k", f"v-t{i}", f"h-t{i}") for i in (1, 2, 3)
    ]
    assert (plan.growth.epochs, plan.growth.patience, plan.growth.batch_size) == (9, 9, 16)
    assert plan.max_accuracy_loss == 0.02
    assert plan.seed == 200_013


def test_what_cannot_be_consolidated_says_why() -> None:
    base, two = version(3, kept=None), version(2)
    with pytest.raises(NotGrowable, match=r"no training row of task 't1' was kept \(set retain"):
        plan_consolidation(JOB, 7, base, stored(base), 3)
    with pytest.raises(NotGrowable, match="it has 2 branches, and 2 would be left"):
        plan_consolidation(JOB, 7, two, stored(two), 2)
    with pytest.raises(NotGrowable, match="the job does not ask for it"):
        plan_consolidation(replace(JOB, consolidation=None), 7, two, stored(two), 2)


@pytest.mark.parametrize(
    ("job", "kept", "reason"),
    [
        (
            replace(JOB, consolidation=None),
            "k",
            "is used up (raise model.max_branches, or set consolidation,",
        ),
        (JOB, None, "is used up, and no training row of task 't1' was kept to consolidate by"),
        (JOB, "k", "is used up, and no consolidation has made room"),
    ],
)
def test_a_full_model_says_why_nothing_is_grown(job: Job, kept: str | None, reason: str) -> None:
    assert reason in str(no_room(job, version(3, kept).manifest))
