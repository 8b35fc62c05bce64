from __future__ import annotations

from dataclasses import replace

import pytest

from growlearn.domain.errors import NotFound
from growlearn.domain.lineage import Task, TaskHead, Version
from growlearn.registry.version_tree import (
    get_ancestry,
    get_version,
    list_references,
    select_version_tasks,
)


def test_the_ancestry_runs_from_the_root_by_parent(versions: tuple[Version, ...]) -> None:
    assert [version.number for version in get_ancestry(versions, 4)] == [1, 2, 4]
    assert [version.number for version in get_ancestry(versions, 1)] == [1]


def test_the_error_for_an_unknown_version_lists_the_known_ones(versions: tuple[Version, ...]) -> None:
    with pytest.raises(NotFound, match=r"no version 9 \(known versions: 1, 2, 3, 4\)"):
        get_ancestry(versions, 9)


def test_a_stream_without_versions_says_so() -> None:
    with pytest.raises(NotFound, match="none yet"):
        get_version((), 1)


def make_task(name: str, version: int) -> Task:
    return Task(
        stream="s", name=name, classes=(0, 1), lineage=("b1",), head=f"{name}{version}", holdout="h",
        reference_rows="r", window=f"w{version}", version=version,
    )  # fmt: skip


def test_a_version_has_the_tasks_as_its_nearest_ancestor_made_them(versions: tuple[Version, ...]) -> None:
    """Version 1 opens `a`, 2 opens `b` and 4, grown from 2, refines `a`; 3, beside 4, is rolled back."""
    heads = {
        name: TaskHead(name=name, classes=(0, 1), lineage=("b1",), sha256="0" * 64) for name in ("a", "b")
    }
    tasks_of = {1: ("a",), 2: ("a", "b"), 3: ("a", "b"), 4: ("a", "b")}
    versions = tuple(
        replace(
            version,
            manifest=replace(version.manifest, tasks=tuple(heads[name] for name in tasks_of[version.number])),
        )
        for version in versions
    )
    stored = [make_task(*key) for key in (("a", 1), ("b", 2), ("a", 3), ("a", 4))]

    def found(number: int | None) -> list[tuple[str, int]]:
        return [(task.name, task.version) for task in select_version_tasks(stored, versions, number)]

    assert (found(None), found(1), found(2)) == ([], [("a", 1)], [("a", 1), ("b", 2)])
    assert found(4) == [("a", 4), ("b", 2)]


def test_a_distilled_version_brings_a_reference_for_each_of_its_tasks(versions: tuple[Version, ...]) -> None:
    """Version 1 opens `a`, 2 opens `b`, 3 (beside 4) distils both, and 4, grown from 2, refines `a`."""
    versions = tuple(replace(v, tasks=("a", "b") if v.number > 1 else ("a",)) for v in versions)
    stored = [make_task(*key) for key in (("a", 1), ("b", 2), ("a", 4))]
    references = list_references(stored, versions)
    assert [(task.name, task.version) for task in references] == [
        ("a", 1), ("b", 2), ("a", 3), ("b", 3), ("a", 4),
    ]  # fmt: skip
    assert [task.window for task in references[2:4]] == [versions[2].window] * 2
    assert list_references(stored[:2], versions[:2]) == tuple(stored[:2])
