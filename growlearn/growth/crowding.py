"""When a model has reached its branch budget, and the plan to distil it into fewer branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from growlearn.domain.consolidation import ConsolidationPlan, Lesson
from growlearn.domain.errors import NotGrowable
from growlearn.domain.job import Job
from growlearn.domain.lineage import Manifest, Task, TaskHead, Version


def is_full(job: Job, model: Manifest) -> bool:
    """Whether one more branch would break the job's budget."""
    return bool(model.branches) and len(model.branches) + 1 > job.model.max_branches


def no_room(job: Job, model: Manifest) -> NotGrowable:
    """Why a full model cannot be grown, and why it was not consolidated."""
    full = f"the branch budget of {job.model.max_branches} is used up"
    if job.consolidation is None:
        cure = "raise model.max_branches, or set consolidation, in the job file"
        return NotGrowable(full, cure=cure)
    cure = "raise model.max_branches in the job file"
    forgotten = next((head.name for head in model.tasks if head.retained is None), None)
    if forgotten is not None:
        return NotGrowable(
            f"{full}, and no training row of task {forgotten!r} was kept to consolidate by", cure=cure
        )
    cure = "raise model.max_branches, or consolidation.max_accuracy_loss, branches or epochs, in the job file"
    return NotGrowable(f"{full}, and no consolidation has made room", cure=cure)


def plan_consolidation(
    job: Job, number: int, base: Version, tasks: Sequence[Task], grown: int
) -> ConsolidationPlan:
    """Plan the consolidation of a version in window `number`; the stream has `grown` branches by now.

    tasks are the stored ones of the model. Raises NotGrowable, with the reason, where it cannot be done.
    """
    model, spec = base.manifest, job.consolidation
    if spec is None:
        raise NotGrowable("the job does not ask for it", cure="set consolidation in the job file")
    count = min(spec.branches, len(model.tasks))
    if count >= len(model.branches):
        raise NotGrowable(
            f"it has {len(model.branches)} branches, and {count} would be left",
            cure="lower consolidation.branches in the job file",
        )
    stored = {task.name: task for task in tasks}
    return ConsolidationPlan(
        stream=job.name,
        window=f"w{number}",
        base=model,
        base_version=base.number,
        lessons=tuple(_lesson(head, stored[head.name]) for head in model.tasks),
        new_branches=tuple(f"b{grown + 1 + i}" for i in range(count)),
        growth=replace(job.growth, epochs=spec.epochs, patience=spec.epochs),
        max_accuracy_loss=spec.max_accuracy_loss,
        seed=job.growth.seed * 100_003 + number,
    )


def _lesson(head: TaskHead, task: Task) -> Lesson:
    if head.retained is None:
        raise NotGrowable(
            f"no training row of task {head.name!r} was kept",
            cure="set retain in the job file; it holds for tasks grown from then on",
        )
    return Lesson(task=head.name, train=head.retained, validation=task.reference, holdout=task.holdout)
