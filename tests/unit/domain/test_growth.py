from __future__ import annotations

from dataclasses import replace

import pytest

from growlearn.domain.growth import BranchInit, GrowthPlan, GrowthResult
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.lineage import BranchWeights, Manifest, RouterWeights, TaskHead
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema


def weights(branch: str, parent: str | None = None) -> BranchWeights:
    return BranchWeights(id=branch, parent=parent, stem="b1", sha256=f"sha of {branch}")


OLD_HEAD = TaskHead(name="a", classes=(0, 1), lineage=("b1",), sha256="head of a")
PARENT = Manifest(
    stream="s",
    schema=Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}),
    model=ModelConfig(),
    branches=(weights("b1"),),
    tasks=(OLD_HEAD,),
)
PLAN = GrowthPlan(
    stream="s",
    window="w2",
    task="b",
    classes=(0, 1, 2),
    parent_manifest=PARENT,
    parent_version=1,
    parent_task="a",
    lineage=("b1",),
    init=BranchInit.RESIDUAL,
    init_head_from_parent=False,
    new_branches=("b2",),
    train="t",
    validation="v",
    holdout="h",
    growth=GrowthConfig(),
    seed=0,
)
RESULT = GrowthResult(
    branches=(weights("b2", "b1"),),
    branch_parameters=(5,),
    head="head of b",
    initial_head="initial head of b",
    lineage=("b1", "b2"),
    epochs=(),
    best_epoch=1,
    initial_loss=1.0,
    best_loss=0.5,
    prefix_losses=(),
    train_rows=1,
    validation_rows=1,
    seconds=0.0,
    peak_memory_bytes=0,
    threads=1,
    seed=0,
    initial_lineage=("b1",),
)


@pytest.mark.parametrize(
    ("best_loss", "improved"), [(0.9, True), (1.0, False), (1.1, False), (float("nan"), False)]
)
def test_only_a_lower_loss_is_an_improvement(best_loss: float, improved: bool) -> None:
    assert replace(RESULT, best_loss=best_loss).improved is improved


def test_the_grown_model_is_the_parent_and_what_is_new() -> None:
    grown = RESULT.build_manifest(PLAN)
    assert grown.branches == (weights("b1"), weights("b2", "b1"))
    assert grown.tasks[0] == OLD_HEAD
    assert grown.task("b") == TaskHead(name="b", classes=(0, 1, 2), lineage=("b1", "b2"), sha256="head of b")
    assert replace(grown, branches=PARENT.branches, tasks=PARENT.tasks) == PARENT


def test_the_initial_model_serves_the_new_task_with_its_parents_alone() -> None:
    initial = RESULT.build_initial_manifest(PLAN)
    assert initial.branches == PARENT.branches
    assert initial.task("b").lineage == ("b1",)
    assert initial.task("b").sha256 == "initial head of b"


def test_a_stream_s_first_initial_model_has_its_untrained_branches() -> None:
    first = replace(
        PLAN, parent_manifest=replace(PARENT, branches=(), tasks=()), parent_task=None, lineage=()
    )
    untrained = replace(RESULT, initial_branches=(weights("b1"),), initial_lineage=("b1",))
    initial = untrained.build_initial_manifest(first)
    assert (initial.branches, [task.name for task in initial.tasks]) == ((weights("b1"),), ["b"])


def test_a_refinement_replaces_the_task_s_head_and_keeps_the_router() -> None:
    router = RouterWeights(
        features="f", gram_matrices="g", ridge_weights="w", task_classes=(("a", 0), ("a", 1))
    )
    other = TaskHead(name="c", classes=(3, 4), lineage=("b1",), sha256="head of c")
    parent = replace(PARENT, tasks=(OLD_HEAD, other), router=router, replaced_tasks=("c",))
    plan = replace(PLAN, task="a", classes=(0, 1), parent_manifest=parent)
    assert (plan.is_refinement, PLAN.is_refinement) == (True, False)
    refined = RESULT.build_manifest(plan)
    head = TaskHead(name="a", classes=(0, 1), lineage=("b1", "b2"), sha256="head of b")
    assert refined.tasks == (head, other)
    assert (refined.router, refined.replaced_tasks) == (router, ("c",))
    assert refined.branches == (weights("b1"), weights("b2", "b1"))
    initial = RESULT.build_initial_manifest(plan)
    assert [(task.name, task.sha256) for task in initial.tasks] == [
        ("a", "initial head of b"),
        ("c", "head of c"),
    ]


def test_a_refinement_drops_branches_that_nothing_reads_any_more() -> None:
    own_stem = BranchWeights(id="b2", parent="b1", stem="b2", sha256="sha of b2")
    head = replace(OLD_HEAD, lineage=("b2",))
    parent = replace(PARENT, branches=(weights("b1"), own_stem), tasks=(head,))
    again = BranchWeights(id="b3", parent="b2", stem="b3", sha256="sha of b3")
    result = replace(RESULT, branches=(again,), lineage=("b3",))
    refined = result.build_manifest(replace(PLAN, task="a", parent_manifest=parent))
    assert refined.branches == (weights("b1"), again)  # the router reads the stem of b1
    on_its_stem = replace(result, branches=(replace(again, stem="b2"),))
    assert on_its_stem.build_manifest(replace(PLAN, task="a", parent_manifest=parent)).branches == (
        weights("b1"),
        own_stem,
        replace(again, stem="b2"),
    )
