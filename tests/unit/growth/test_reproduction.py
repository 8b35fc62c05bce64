"""Two models compared, part by part."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.lineage import Manifest
from growlearn.growth.model import weights
from growlearn.growth.reproduction import Comparison, Likeness, Place, compare, parts_of


@pytest.fixture
def grown(nursery: Any) -> Any:
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    return nursery


def compared(grown: Any, again: Manifest) -> Comparison:
    return compare(grown.manifest, again, grown.artifacts.get, {"task-1": grown.only(0, 1)})


def altered(grown: Any, digest: str, **by: float) -> str:
    """Stored weights with the first number of some tensors moved."""
    stored = weights.load(grown.artifacts.get(digest))
    for tensor, amount in by.items():
        stored[tensor].view(-1)[0] += amount
    found: str = grown.artifacts.put(weights.dump(stored))
    return found


def test_a_model_is_itself(grown: Any) -> None:
    found = compared(grown, grown.manifest)
    assert (found.places, found.answers, found.weights) == ((), 0.0, 0.0)
    assert found.rows == len(grown.only(0, 1))
    assert found.likeness(0.0) is Likeness.BIT_EQUAL


def test_its_parts_are_branches_heads_and_the_router(grown: Any) -> None:
    assert list(parts_of(grown.manifest)) == [
        "branch b1", "head of task 'task-1'", "router's features", "router's moments", "router's readout",
    ]  # fmt: skip
    router = replace(grown.manifest.router, stem="f" * 64)
    parts = parts_of(replace(grown.manifest, router=router))
    assert parts["branch whose stem the router reads"] == "f" * 64


def test_the_largest_difference_stands_first_with_its_part_and_tensor(grown: Any) -> None:
    head = grown.manifest.tasks[0]
    moved = altered(grown, head.sha256, **{"linear.bias": 0.5, "gates": 2.0})
    found = compared(grown, replace(grown.manifest, tasks=(replace(head, sha256=moved),)))
    assert [(place.part, place.tensor) for place in found.places] == [
        ("head of task 'task-1'", "gates"), ("head of task 'task-1'", "linear.bias"),
    ]  # fmt: skip
    assert found.weights == found.places[0].difference == pytest.approx(2.0, abs=1e-5)
    assert 0 < found.answers <= 1


def test_a_router_that_differs_is_seen_in_the_answers_too(grown: Any) -> None:
    grown.keep(grown.plan(grown.only(2, 3), parent="task-1"))
    router = grown.manifest.router
    moved = altered(grown, router.readout, readout=5.0)
    found = compared(grown, replace(grown.manifest, router=replace(router, readout=moved)))
    assert [place.part for place in found.places] == ["router's readout"]
    assert found.answers > 0


def test_a_part_that_only_one_has_cannot_be_compared(grown: Any) -> None:
    more = replace(grown.manifest.branches[0], id="b2", parent="b1", stem="b1")
    found = compared(grown, replace(grown.manifest, branches=(*grown.manifest.branches, more)))
    assert found.places == (Place(part="branch b2", tensor=None, difference=math.inf),)
    assert found.answers == 0.0  # a branch outside every lineage answers nothing


@pytest.mark.parametrize(
    ("answers", "likeness"),
    [(0.0, Likeness.WITHIN_TOLERANCE), (0.1, Likeness.WITHIN_TOLERANCE), (0.2, Likeness.DIFFERENT)],
)
def test_answers_decide_where_weights_differ(answers: float, likeness: Likeness) -> None:
    place = Place(part="branch b1", tensor="x", difference=9.0)
    assert Comparison(places=(place,), answers=answers, rows=1).likeness(0.1) is likeness
