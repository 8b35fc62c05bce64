"""The branch budget of a model, and the plan that distils a full model into fewer branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from growlearn.domain.consolidation import ConsolidationPlan, TaskData
from growlearn.domain.errors import CannotGrow
from growlearn.domain.job import Job
from growlearn.domain.lineage import Manifest, Task, TaskHead, Version


def budget_exhausted(job: Job, model: Manifest) -> bool:
    """Whether one more branch would exceed `model.max_branches`."""
    return bool(model.branches) and len(model.branches) + 1 > job.model.max_branches


def budget_error(job: Job, model: Manifest) -> CannotGrow:
    """The error that says why a full model cannot grow, and why no consolidation made room."""
    message = f"the branch budget of {job.model.max_branches} is used up"
    if job.consolidation is None:
        hint = "raise model.max_branches, or set consolidation, in the job file"
        return CannotGrow(message, hint=hint)
    hint = "raise model.max_branches in the job file"
    task_without_rows = next((head.name for head in model.tasks if head.retained is None), None)
    if task_without_rows is not None:
        return CannotGrow(
            f"{message}, and no training row of task {task_without_rows!r} was retained for consolidation",
            hint=hint,
        )
    hint = (
        "raise model.max_branches, consolidation.max_accuracy_drop, consolidation.target_branches "
        "or consolidation.epochs in the job file"
    )
    return CannotGrow(f"{message}, and no consolidation has made room", hint=hint)


def plan_consolidation(
    job: Job, window_number: int, version: Version, tasks: Sequence[Task], num_existing_branches: int
) -> ConsolidationPlan:
    """Plan the consolidation of `version` in window `window_number`.

    `tasks` are the stored tasks of the model; `num_existing_branches` counts all branches of the stream.
    Raises CannotGrow, with the reason, where the model cannot be consolidated.
    """
    model, config = version.manifest, job.consolidation
    if config is None:
        raise CannotGrow("the job sets no consolidation", hint="set consolidation in the job file")
    num_branches = min(config.target_branches, len(model.tasks))
    if num_branches >= len(model.branches):
        raise CannotGrow(
            f"the model has {len(model.branches)} branches and would keep {num_branches}",
            hint="lower consolidation.target_branches in the job file",
        )
    stored_tasks = {task.name: task for task in tasks}
    return ConsolidationPlan(
        stream=job.name,
        window=f"w{window_number}",
        parent_manifest=model.with_pixels_as(job.schema),
        parent_version=version.number,
        task_data=tuple(_make_task_data(head, stored_tasks[head.name]) for head in model.tasks),
        new_branches=tuple(f"b{num_existing_branches + 1 + i}" for i in range(num_branches)),
        growth=replace(job.growth, epochs=config.epochs, patience=config.epochs),
        max_accuracy_drop=config.max_accuracy_drop,
        seed=job.growth.seed * 100_003 + window_number,
        metric=job.metric,
    )


def _make_task_data(head: TaskHead, task: Task) -> TaskData:
    if head.retained is None:
        raise CannotGrow(
            f"no training row of task {head.name!r} was retained",
            hint="set retain in the job file; it applies to tasks grown from then on",
        )
    return TaskData(task=head.name, train=head.retained, validation=task.reference_rows, holdout=task.holdout)
