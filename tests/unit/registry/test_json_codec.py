from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.registry.json_codec import InvalidJson, from_json, to_json


@dataclass(frozen=True)
class Leaf:
    losses: tuple[float, ...] = ()


@dataclass(frozen=True)
class Other:
    name: str


@dataclass(frozen=True)
class Tree:
    leaves: dict[str, Leaf] = field(default_factory=dict)
    note: str | None = None


LEAVES = st.builds(Leaf, st.lists(st.floats()).map(tuple))
TREES = st.builds(Tree, st.dictionaries(st.text(), LEAVES), st.none() | st.text())


@given(TREES)
def test_a_dataclass_survives_with_its_numbers_that_are_not_finite(tree: Tree) -> None:
    assert repr(from_json(to_json(tree, Tree), Tree)) == repr(tree)  # as text, because nan is not nan


@pytest.mark.parametrize("kind", [Leaf, Leaf | Other, list[Leaf], Leaf | None])
def test_every_kind_keeps_infinity(kind: Any) -> None:
    value = [Leaf((math.inf,))] if kind == list[Leaf] else Leaf((math.inf,))
    assert from_json(to_json(value, kind), kind) == value


@pytest.mark.parametrize(
    ("text", "kind", "problem"),
    [
        ('{"leaves": {"a": {"losses": [1, "x"]}}}', Tree, "leaves.a.losses.1: Input should be a valid"),
        ("{", Tree, "its whole: Invalid JSON"),
        (b"\xff", Tree, "its whole: Invalid JSON"),
        ("{}", Other, "name: Field required"),
        ("null", Leaf | Other, "Leaf: "),
    ],
)
def test_invalid_json_is_refused_with_its_place(text: str | bytes, kind: Any, problem: str) -> None:
    with pytest.raises(InvalidJson) as caught:
        from_json(text, kind)
    assert str(caught.value).startswith(problem)
