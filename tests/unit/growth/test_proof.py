"""What a version answered, kept and asked again."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from growlearn.domain.lineage import Manifest
from growlearn.growth.model import weights
from growlearn.growth.proof import PROBE_ROWS, answers_apart, difference, keep_answers, probe_answers
from growlearn.ingest.rows import Rows, to_parquet


@pytest.fixture
def two(nursery: Any) -> Any:
    """Two tasks, each with a branch of its own."""
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    nursery.keep(nursery.plan(nursery.only(2, 3), parent="task-1"))
    return nursery


def probes(two: Any) -> dict[str, Rows]:
    return {"task-1": two.only(0, 1), "task-2": two.only(2, 3)}


def test_kept_answers_are_those_of_the_model_rebuilt(two: Any) -> None:
    rows = {
        task: two.artifacts.put(to_parquet(each, two.manifest.schema)) for task, each in probes(two).items()
    }
    stored = weights.load(two.artifacts.get(keep_answers(two.manifest, rows, two.artifacts)))
    assert {name: len(answers) for name, answers in stored.items()} == dict.fromkeys(
        ("logits.task-1", "logits.task-2", "routing.task-1", "routing.task-2"), PROBE_ROWS
    )
    assert answers_apart(probe_answers(two.manifest, two.artifacts.get, probes(two)), stored) == {}
    first = two.only(0, 1).take(np.arange(PROBE_ROWS))
    again = probe_answers(two.manifest, two.artifacts.get, {"task-1": first})
    assert torch.equal(again["logits.task-1"], stored["logits.task-1"])


def touched(two: Any, part: str) -> Manifest:
    """The model with one stored number altered."""
    manifest: Manifest = two.manifest
    router = manifest.router
    assert router is not None
    digest, tensor = {
        "branch": (manifest.branches[1].sha256, "branch.layers.0.mlp_out.bias"),
        "head": (manifest.tasks[1].sha256, "linear.bias"),
        "readout": (router.readout, "readout"),
    }[part]
    stored = weights.load(two.artifacts.get(digest))
    stored[tensor].view(-1)[0] += 0.5
    changed = two.artifacts.put(weights.dump(stored))
    if part == "branch":
        return replace(
            manifest, branches=(manifest.branches[0], replace(manifest.branches[1], sha256=changed))
        )
    if part == "head":
        return replace(manifest, tasks=(manifest.tasks[0], replace(manifest.tasks[1], sha256=changed)))
    return replace(manifest, router=replace(router, readout=changed))


@pytest.mark.parametrize(
    ("part", "tasks"), [("branch", ["task-2"]), ("head", ["task-2"]), ("readout", ["task-1", "task-2"])]
)
def test_whatever_was_touched_is_told_by_the_tasks_that_answer_otherwise(
    two: Any, part: str, tasks: list[str]
) -> None:
    answers = probe_answers(two.manifest, two.artifacts.get, probes(two))
    broken = probe_answers(touched(two, part), two.artifacts.get, probes(two))
    apart = answers_apart(broken, answers)
    assert sorted(apart) == tasks
    assert all(0 < largest < math.inf for largest in apart.values())


def test_a_model_without_a_router_is_asked_its_heads_alone(two: Any) -> None:
    bare = replace(two.manifest, router=None)
    assert sorted(probe_answers(bare, two.artifacts.get, probes(two))) == ["logits.task-1", "logits.task-2"]


def test_an_answer_that_is_missing_is_infinitely_far() -> None:
    one = torch.zeros(2, 3)
    assert answers_apart({"logits.a": one}, {"logits.a": one, "logits.b": one}) == {"b": math.inf}


@pytest.mark.parametrize(
    ("one", "other", "apart"),
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
def test_differences_are_of_bits_first(one: list[float], other: list[float], apart: float | None) -> None:
    assert difference(torch.tensor(one), torch.tensor(other)) == apart


def test_numbers_of_another_type_cannot_be_compared() -> None:
    assert difference(torch.ones(1), torch.ones(1, dtype=torch.float64)) == math.inf
    assert difference(torch.ones(1), None) == math.inf
