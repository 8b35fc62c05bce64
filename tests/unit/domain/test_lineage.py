from __future__ import annotations

from dataclasses import replace

import pytest

from growlearn.domain.errors import NotFound
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})


def manifest(*tasks: str) -> Manifest:
    heads = tuple(TaskHead(name=task, classes=(0, 1), lineage=("b1",), sha256="0" * 64) for task in tasks)
    return Manifest(stream="s", schema=SCHEMA, model=ModelConfig(), branches=(), tasks=heads)


def test_a_manifest_finds_a_task_by_name() -> None:
    assert manifest("a", "b").task("b").name == "b"


def test_an_unknown_task_raises_with_the_known_ones() -> None:
    with pytest.raises(NotFound, match=r"'s' has no task 'c' \(known tasks: a, b\)"):
        manifest("a", "b").task("c")


def test_an_empty_manifest_says_that_it_knows_none() -> None:
    with pytest.raises(NotFound, match="known tasks: none"):
        manifest().task("a")


@pytest.mark.parametrize(
    ("replaced", "routable"),
    [((), ("a", "b", "c")), (("b",), ("a", "c")), (("a", "b", "c"), ("a", "b", "c"))],
    ids=["none", "one", "a model truncated to replaced tasks"],
)
def test_replaced_tasks_are_not_routable(replaced: tuple[str, ...], routable: tuple[str, ...]) -> None:
    assert replace(manifest("a", "b", "c"), replaced_tasks=replaced).routable_tasks == routable
