"""The plan of a growth that opens a task, and the hold-out files that a job names."""

from __future__ import annotations

from growlearn.domain.errors import CannotGrow, GrowLearnError, TemporarilyUnreadable, Unavailable
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.job import HoldoutFiles, SourceConfig
from growlearn.growth.plan import ParentModel, plan_growth, split_window
from growlearn.ingest.holdout import Holdout, load_holdout
from growlearn.pipeline.context import StepContext


def plan_new_task(context: StepContext, task: str) -> GrowthPlan:
    """The plan that opens `task` with the window's rows; equal in every call.

    Raises TooFewLabels or CannotGrow.
    """
    ports = context.ports
    split_data = split_window(
        context.job, context.rows(), lambda label_type: load_holdout_files(context, task, label_type)
    )
    return plan_growth(
        context.job,
        context.window,
        task,
        split_data,
        ParentModel(context.parent_manifest, context.stream.parent_version),
        len(ports.store.branches(context.stream.name)),
        ports.models.store_rows,
        ports.models.network,
    )


def load_holdout_files(context: StepContext, task: str, label_type: type | None) -> Holdout:
    """The task's rows of the hold-out files that the job names; raises CannotGrow where there are none."""
    config = context.job.holdout
    assert isinstance(config, HoldoutFiles)
    tasks = context.rows().tasks  # of one name, as the files have it: the window's may be a later version's
    task_name = task if tasks is None else tasks[0]
    try:
        source = context.ports.open_source(
            SourceConfig(url=config.url, pattern=config.pattern, min_file_age_s=0)
        )
        files = {file.url: source.read(file) for file in source.files()}
    except (TemporarilyUnreadable, Unavailable):
        raise  # it may be there again later
    except GrowLearnError as error:
        raise CannotGrow(f"the hold-out files cannot be read: {error}") from error
    limits = context.ports.limits
    return load_holdout(files, context.job.schema, task_name, label_type, context.job.duplicates, limits)
