from __future__ import annotations

from dataclasses import replace

import pytest

from growlearn.domain.growth import Birth, GrowthPlan, GrowthResult
from growlearn.domain.job import GrowthSpec, ModelSpec
from growlearn.domain.lineage import BranchWeights, Manifest, TaskHead
from growlearn.domain.schema import Input, InputType, Schema


def weights(branch: str, parent: str | None = None) -> BranchWeights:
    return BranchWeights(id=branch, parent=parent, stem="b1", sha256=f"sha of {branch}")


OLD_HEAD = TaskHead(name="a", classes=(0, 1), lineage=("b1",), sha256="head of a")
BASE = Manifest(
    stream="s",
    schema=Schema(inputs={"x": Input(type=InputType.NUMBER)}),
    model=ModelSpec(),
    branches=(weights("b1"),),
    tasks=(OLD_HEAD,),
)
PLAN = GrowthPlan(
    stream="s",
    window="w2",
    task="b",
    classes=(0, 1, 2),
    base=BASE,
    base_version=1,
    parent="a",
    lineage=("b1",),
    birth=Birth.ZERO,
    copy_head=False,
    new_branches=("b2",),
    train="t",
    validation="v",
    holdout="h",
    growth=GrowthSpec(),
    seed=0,
)
RESULT = GrowthResult(
    branches=(weights("b2", "b1"),),
    branch_parameters=(5,),
    head="head of b",
    birth_head="head of b at birth",
    lineage=("b1", "b2"),
    epochs=(),
    best_epoch=1,
    birth_loss=1.0,
    best_loss=0.5,
    prefix_losses=(),
    train_rows=1,
    validation_rows=1,
    seconds=0.0,
    peak_memory_bytes=0,
    threads=1,
    seed=0,
)


@pytest.mark.parametrize(
    ("best", "reduced"), [(0.9, True), (1.0, False), (1.1, False), (float("nan"), False)]
)
def test_only_a_smaller_loss_is_a_reduction(best: float, reduced: bool) -> None:
    assert replace(RESULT, best_loss=best).reduced_loss is reduced


def test_the_grown_model_is_the_base_and_what_is_new() -> None:
    grown = RESULT.manifest_of(PLAN)
    assert grown.branches == (weights("b1"), weights("b2", "b1"))
    assert grown.tasks[0] == OLD_HEAD
    assert grown.task("b") == TaskHead(name="b", classes=(0, 1, 2), lineage=("b1", "b2"), sha256="head of b")
    assert replace(grown, branches=BASE.branches, tasks=BASE.tasks) == BASE


def test_the_model_at_birth_answers_the_new_task_over_its_parents_alone() -> None:
    born = RESULT.birth_manifest_of(PLAN)
    assert born.branches == BASE.branches
    assert born.task("b").lineage == ("b1",)
    assert born.task("b").sha256 == "head of b at birth"


def test_a_stream_s_first_model_at_birth_has_its_untrained_branches() -> None:
    first = replace(PLAN, base=replace(BASE, branches=(), tasks=()), parent=None, lineage=())
    born = replace(RESULT, birth_branches=(weights("b1"),)).birth_manifest_of(first)
    assert (born.branches, [task.name for task in born.tasks]) == ((weights("b1"),), ["b"])
