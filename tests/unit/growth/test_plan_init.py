"""The initialisation of a new branch in a plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from growlearn.domain.growth import BranchInit
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.window import Window, WindowState
from growlearn.growth.plan import ParentModel, SplitData, plan_growth, single_task_plan
from growlearn.ingest.rows import split_rows
from growlearn.network.model_cache import ModelCache


def planned(builder: Any, init: Literal["residual", "warm_start", "scratch"]) -> Any:
    at, manifest = datetime(2026, 1, 1, tzinfo=UTC), builder.manifest
    job = Job(
        name="digits",
        source=SourceConfig(url="in"),
        schema=manifest.schema,
        model=manifest.model,
        growth=replace(GrowthConfig(), init=init),
    )
    window = Window(
        stream="digits", number=9, state=WindowState.JUDGED, source="9", discovered_at=at, updated_at=at
    )
    ground = SplitData(split_rows(builder.only(0, 1), 0.2, 0.2), (0, 1))
    base = ParentModel(manifest, len(manifest.tasks) or None)
    models = ModelCache(builder.artifacts)
    return plan_growth(
        job,
        window,
        "new",
        ground,
        base,
        len(manifest.branches),
        models.store_rows,
        models.network,
    )


@pytest.mark.parametrize("init", ["residual", "warm_start", "scratch"])
def test_a_branch_starts_as_the_job_says_and_extends_a_bounded_lineage(
    builder: Any, init: Literal["residual", "warm_start", "scratch"]
) -> None:
    assert planned(builder, init).init is BranchInit.SCRATCH  # a stream's first branch has no parent
    builder.keep(builder.plan(builder.only(0, 1)))
    builder.keep(builder.plan(builder.only(0, 1), parent="task-1"))
    plan = planned(builder, init)
    assert plan.init is BranchInit(init)
    assert (plan.parent_task is None) <= (init != "warm_start")
    lineages = [builder.manifest.task(name).lineage for name in ("task-1", "task-2")]
    assert plan.lineage in ([(), *lineages] if init == "residual" else [()])
    result = builder.grow(plan)
    assert (result.branches[0].stem == plan.new_branches[0]) is (plan.init is not BranchInit.RESIDUAL)


def test_where_no_parent_fits_a_residual_branch_reads_the_stem_alone(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    builder.manifest = replace(builder.manifest, model=replace(builder.manifest.model, max_lineage_length=1))
    plan = planned(builder, "residual")
    assert (plan.parent_task, plan.init, plan.lineage) == (None, BranchInit.RESIDUAL, ())


def test_a_single_task_model_starts_from_scratch_without_a_router(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    plan = builder.plan(builder.only(2, 3), parent="task-1")
    assert builder.grow(plan).router is not None
    single = replace(single_task_plan(plan), window="single")  # its checkpoint needs its own folder
    result = builder.grow(single)
    assert (single.train, single.seed, result.router) == (plan.train, plan.seed, None)
    assert [task.name for task in result.build_manifest(single).tasks] == ["task-2"]
