"""Two models, compared part by part."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.lineage import Manifest
from growlearn.network.model import weights
from growlearn.network.model_diff import (
    ModelDiff,
    ReproductionStatus,
    TensorDiff,
    diff_models,
    list_part_digests,
)


@pytest.fixture
def grown(builder: Any) -> Any:
    builder.keep(builder.plan(builder.only(0, 1)))
    return builder


def compare(grown: Any, reproduced: Manifest) -> ModelDiff:
    return diff_models(grown.manifest, reproduced, grown.artifacts.get, {"task-1": grown.only(0, 1)})


def altered(grown: Any, digest: str, **changes: float) -> str:
    """Stored weights with the first value of some tensors changed."""
    stored = weights.load_weights(grown.artifacts.get(digest))
    for tensor, amount in changes.items():
        stored[tensor].view(-1)[0] += amount
    sha256: str = grown.artifacts.put(weights.dump_weights(stored))
    return sha256


def test_a_model_equals_itself(grown: Any) -> None:
    diff = compare(grown, grown.manifest)
    assert (diff.tensor_differences, diff.output_difference, diff.weight_difference) == ((), 0.0, 0.0)
    assert diff.rows == len(grown.only(0, 1))
    assert diff.status(0.0) is ReproductionStatus.BIT_EQUAL


def test_its_parts_are_branches_heads_and_the_router(grown: Any) -> None:
    assert list(list_part_digests(grown.manifest)) == [
        "branch b1", "head of task 'task-1'", "router's features", "router's Gram matrices",
        "router's ridge weights",
    ]  # fmt: skip
    router = replace(grown.manifest.router, stem="f" * 64)
    parts = list_part_digests(replace(grown.manifest, router=router))
    assert parts["branch whose stem the router reads"] == "f" * 64


def test_the_largest_difference_comes_first_with_its_part_and_tensor(grown: Any) -> None:
    head = grown.manifest.tasks[0]
    moved = altered(grown, head.sha256, **{"linear.bias": 0.5, "gates": 2.0})
    diff = compare(grown, replace(grown.manifest, tasks=(replace(head, sha256=moved),)))
    assert [(item.part, item.tensor) for item in diff.tensor_differences] == [
        ("head of task 'task-1'", "gates"), ("head of task 'task-1'", "linear.bias"),
    ]  # fmt: skip
    assert diff.weight_difference == diff.tensor_differences[0].difference == pytest.approx(2.0, abs=1e-5)
    assert 0 < diff.output_difference <= 1


def test_a_router_that_differs_changes_the_outputs_too(grown: Any) -> None:
    grown.keep(grown.plan(grown.only(2, 3), parent="task-1"))
    router = grown.manifest.router
    moved = altered(grown, router.ridge_weights, ridge_weights=5.0)
    diff = compare(grown, replace(grown.manifest, router=replace(router, ridge_weights=moved)))
    assert [item.part for item in diff.tensor_differences] == ["router's ridge weights"]
    assert diff.output_difference > 0


def test_a_part_that_only_one_has_cannot_be_compare(grown: Any) -> None:
    more = replace(grown.manifest.branches[0], id="b2", parent="b1", stem="b1")
    diff = compare(grown, replace(grown.manifest, branches=(*grown.manifest.branches, more)))
    assert diff.tensor_differences == (TensorDiff(part="branch b2", tensor=None, difference=math.inf),)
    assert diff.output_difference == 0.0  # a branch outside every lineage changes no output


@pytest.mark.parametrize(
    ("output_difference", "status"),
    [
        (0.0, ReproductionStatus.WITHIN_TOLERANCE),
        (0.1, ReproductionStatus.WITHIN_TOLERANCE),
        (0.2, ReproductionStatus.DIFFERENT),
    ],
)
def test_outputs_decide_where_weights_differ(output_difference: float, status: ReproductionStatus) -> None:
    tensor_diff = TensorDiff(part="branch b1", tensor="x", difference=9.0)
    assert (
        ModelDiff(tensor_differences=(tensor_diff,), output_difference=output_difference, rows=1).status(0.1)
        is status
    )
