"""The stored logits of a version, compared with those of the model loaded again."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from growlearn.domain.lineage import Manifest
from growlearn.ingest.rows import Rows, to_parquet
from growlearn.network.bitwise_check import (
    CHECK_ROWS,
    compute_check_logits,
    max_abs_difference,
    max_differences,
    store_check_logits,
)
from growlearn.network.model import weights
from growlearn.network.model_cache import ModelCache


@pytest.fixture
def two_tasks(builder: Any) -> Any:
    """Two tasks, each with a branch of its own."""
    builder.keep(builder.plan(builder.only(0, 1)))
    builder.keep(builder.plan(builder.only(2, 3), parent="task-1"))
    return builder


def reference_rows(two_tasks: Any) -> dict[str, Rows]:
    return {"task-1": two_tasks.only(0, 1), "task-2": two_tasks.only(2, 3)}


def test_stored_logits_are_those_of_the_loaded_model(two_tasks: Any) -> None:
    rows = {
        task: two_tasks.artifacts.put(to_parquet(task_rows, two_tasks.manifest.schema))
        for task, task_rows in reference_rows(two_tasks).items()
    }
    stored = weights.load_weights(
        two_tasks.artifacts.get(store_check_logits(two_tasks.manifest, rows, ModelCache(two_tasks.artifacts)))
    )
    assert {name: len(logits) for name, logits in stored.items()} == dict.fromkeys(
        ("logits.task-1", "logits.task-2", "routing.task-1", "routing.task-2"), CHECK_ROWS
    )
    assert (
        max_differences(
            compute_check_logits(
                two_tasks.manifest, reference_rows(two_tasks), ModelCache(two_tasks.artifacts)
            ),
            stored,
        )
        == {}
    )
    first = two_tasks.only(0, 1).take(np.arange(CHECK_ROWS))
    again = compute_check_logits(two_tasks.manifest, {"task-1": first}, ModelCache(two_tasks.artifacts))
    assert torch.equal(again["logits.task-1"], stored["logits.task-1"])


def altered(two_tasks: Any, part: str) -> Manifest:
    """The model with one stored weight altered."""
    manifest: Manifest = two_tasks.manifest
    router = manifest.router
    assert router is not None
    digest, tensor = {
        "branch": (manifest.branches[1].sha256, "branch.layers.0.mlp_out.bias"),
        "head": (manifest.tasks[1].sha256, "linear.bias"),
        "ridge weights": (router.ridge_weights, "ridge_weights"),
    }[part]
    stored = weights.load_weights(two_tasks.artifacts.get(digest))
    stored[tensor].view(-1)[0] += 0.5
    changed = two_tasks.artifacts.put(weights.dump_weights(stored))
    if part == "branch":
        return replace(
            manifest, branches=(manifest.branches[0], replace(manifest.branches[1], sha256=changed))
        )
    if part == "head":
        return replace(manifest, tasks=(manifest.tasks[0], replace(manifest.tasks[1], sha256=changed)))
    return replace(manifest, router=replace(router, ridge_weights=changed))


@pytest.mark.parametrize(
    ("part", "tasks"), [("branch", ["task-2"]), ("head", ["task-2"]), ("ridge weights", ["task-1", "task-2"])]
)
def test_an_altered_part_shows_in_the_tasks_that_use_it(two_tasks: Any, part: str, tasks: list[str]) -> None:
    recorded = compute_check_logits(
        two_tasks.manifest, reference_rows(two_tasks), ModelCache(two_tasks.artifacts)
    )
    broken = compute_check_logits(
        altered(two_tasks, part), reference_rows(two_tasks), ModelCache(two_tasks.artifacts)
    )
    differences = max_differences(broken, recorded)
    assert sorted(differences) == tasks
    assert all(0 < largest < math.inf for largest in differences.values())


def test_a_model_without_a_router_has_the_logits_of_its_heads_alone(two_tasks: Any) -> None:
    bare = replace(two_tasks.manifest, router=None)
    assert sorted(compute_check_logits(bare, reference_rows(two_tasks), ModelCache(two_tasks.artifacts))) == [
        "logits.task-1",
        "logits.task-2",
    ]


def test_a_missing_tensor_differs_infinitely() -> None:
    one = torch.zeros(2, 3)
    assert max_differences({"logits.a": one}, {"logits.a": one, "logits.b": one}) == {"b": math.inf}


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [
        ([1.0], [1.0], None),
        ([1.0, -2.0], [1.0, 2.0], 4.0),
        ([math.nan], [math.nan], None),
        ([math.nan], [1.0], math.inf),
        ([math.inf], [1.0], math.inf),
        ([1.0], [1.0, 2.0], math.inf),
        ([0.0], [-0.0], 0.0),  # equal numbers, other bits
        ([], [], None),
    ],
)
def test_equal_means_bit_equal(first: list[float], second: list[float], difference: float | None) -> None:
    assert max_abs_difference(torch.tensor(first), torch.tensor(second)) == difference


def test_tensors_of_another_type_cannot_be_compared() -> None:
    assert max_abs_difference(torch.ones(1), torch.ones(1, dtype=torch.float64)) == math.inf
    assert max_abs_difference(torch.ones(1), None) == math.inf
