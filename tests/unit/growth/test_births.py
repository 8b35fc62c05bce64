"""What a plan says a new branch starts as."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from growlearn.domain.growth import Birth
from growlearn.domain.job import GrowthSpec, Job, SourceSpec
from growlearn.domain.window import Window, WindowState
from growlearn.growth.model.network import load_network
from growlearn.growth.plan import Base, Ground, alone, plan_growth
from growlearn.ingest.rows import split


def planned(nursery: Any, birth: Literal["zero", "copy", "own"]) -> Any:
    at, manifest = datetime(2026, 1, 1, tzinfo=UTC), nursery.manifest
    job = Job(
        name="digits",
        source=SourceSpec(url="in"),
        schema=manifest.schema,
        model=manifest.model,
        growth=replace(GrowthSpec(), birth=birth),
    )
    window = Window(
        stream="digits", number=9, state=WindowState.JUDGED, source="9", discovered_at=at, updated_at=at
    )
    ground = Ground(split(nursery.only(0, 1), 0.2, 0.2), (0, 1))
    base = Base(manifest, len(manifest.tasks) or None)
    return plan_growth(
        job,
        window,
        "new",
        ground,
        base,
        len(manifest.branches),
        nursery.artifacts,
        lambda m: load_network(m, nursery.artifacts.get),
    )


@pytest.mark.parametrize("birth", ["zero", "copy", "own"])
def test_a_branch_is_born_as_the_job_says_and_draws_on_bounded_parents(
    nursery: Any, birth: Literal["zero", "copy", "own"]
) -> None:
    assert planned(nursery, birth).birth is Birth.OWN  # a stream's first has nothing to come from
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    nursery.keep(nursery.plan(nursery.only(0, 1), parent="task-1"))
    plan = planned(nursery, birth)
    assert plan.birth is Birth(birth)
    assert (plan.parent is None) <= (birth != "copy")
    lineages = [nursery.manifest.task(name).lineage for name in ("task-1", "task-2")]
    assert plan.lineage in ([(), *lineages] if birth == "zero" else [()])
    result = nursery.grow(plan)
    assert (result.branches[0].stem == plan.new_branches[0]) is (plan.birth is not Birth.ZERO)


def test_where_no_parent_fits_a_zero_birth_reads_the_bare_stem(nursery: Any) -> None:
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    nursery.manifest = replace(nursery.manifest, model=replace(nursery.manifest.model, max_parents=0))
    plan = planned(nursery, "zero")
    assert (plan.parent, plan.birth, plan.lineage) == (None, Birth.ZERO, ())


def test_a_model_alone_starts_from_nothing_and_needs_no_router(nursery: Any) -> None:
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    plan = nursery.plan(nursery.only(2, 3), parent="task-1")
    assert nursery.grow(plan).router is not None
    lone = replace(alone(plan), window="alone")  # a folder of its own for the checkpoint
    result = nursery.grow(lone)
    assert (lone.train, lone.seed, result.router) == (plan.train, plan.seed, None)
    assert [task.name for task in result.manifest_of(lone).tasks] == ["task-2"]
