from __future__ import annotations

from dataclasses import replace

import pytest

from growlearn.domain.errors import UnknownName
from growlearn.domain.job import ModelSpec
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.schema import Input, InputType, Schema

SCHEMA = Schema(inputs={"x": Input(type=InputType.NUMBER)})


def manifest(*tasks: str) -> Manifest:
    heads = tuple(TaskHead(name=task, classes=(0, 1), lineage=("b1",), sha256="0" * 64) for task in tasks)
    return Manifest(stream="s", schema=SCHEMA, model=ModelSpec(), branches=(), tasks=heads)


def test_a_manifest_finds_a_task_by_name() -> None:
    assert manifest("a", "b").task("b").name == "b"


def test_an_unknown_task_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"'s' has no task 'c' \(known tasks: a, b\)"):
        manifest("a", "b").task("c")


def test_an_empty_manifest_says_that_it_knows_none() -> None:
    with pytest.raises(UnknownName, match="known tasks: none"):
        manifest().task("a")


@pytest.mark.parametrize(
    ("superseded", "active"),
    [((), ("a", "b", "c")), (("b",), ("a", "c")), (("a", "b", "c"), ("a", "b", "c"))],
    ids=["none", "one", "a model cut down to superseded tasks"],
)
def test_superseded_tasks_are_not_active(superseded: tuple[str, ...], active: tuple[str, ...]) -> None:
    assert replace(manifest("a", "b", "c"), superseded=superseded).active == active
