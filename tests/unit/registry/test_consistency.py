"""Rows that contradict each other are told; the rows of a stream that was really grown do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.corrupt_manifest import CorruptManifest
from growlearn.registry.consistency import StreamRows, find_contradictions, load_stream_rows
from growlearn.registry.references import iter_recorded_digests, iter_used_digests
from tests.unit.consolidated import World


@pytest.fixture
def rows(grown: World) -> StreamRows:
    return load_stream_rows(grown.store, grown.store.stream("digits"))


def test_a_stream_that_grew_and_was_consolidated_contradicts_itself_nowhere(rows: StreamRows) -> None:
    assert list(find_contradictions(rows)) == []
    assert (len(rows.versions), len(rows.plans) >= 3, len(rows.file_windows)) == (3, True, 2)


def changed(rows: StreamRows, field: str, index: int, **changes: Any) -> StreamRows:
    records = list(getattr(rows, field))
    records[index] = replace(records[index], **changes)
    changed_field: Any = {field: records}
    return replace(rows, **changed_field)


def without(rows: StreamRows, field: str, index: int) -> StreamRows:
    records = list(getattr(rows, field))
    del records[index]
    changed_field: Any = {field: records}
    return replace(rows, **changed_field)


def with_swapped_plan(rows: StreamRows) -> StreamRows:
    plan = rows.plans[-1]
    head = replace(plan.parent_manifest.tasks[0], classes=plan.parent_manifest.tasks[0].classes[::-1])
    manifest = replace(plan.parent_manifest, tasks=(head, *plan.parent_manifest.tasks[1:]))
    return changed(rows, "plans", -1, parent_manifest=manifest)


def with_copied_manifest(rows: StreamRows) -> StreamRows:
    return changed(rows, "versions", 1, manifest=rows.versions[0].manifest)


CASES: dict[str, tuple[Callable[[StreamRows], StreamRows], str]] = {
    "its champion is version 9, which does not exist": (
        lambda rows: replace(rows, stream=replace(rows.stream, champion=9)),
        "its champion is version 9",
    ),
    "a champion moved without a record": (
        lambda rows: replace(rows, stream=replace(rows.stream, champion=1)),
        "its champion is version 1, but the last change of it was to 3",
    ),
    "a parent version that is gone": (
        lambda rows: changed(rows, "versions", 1, parent=7),
        "version 2 grew from version 7, which does not exist",
    ),
    "another version's manifest": (with_copied_manifest, "version 2 has other branches than its manifest"),
    "other weights": (
        lambda rows: changed(rows, "branches", 0, sha256="f" * 64),
        "version 1 has other weights of branch b1 than the branch's own row",
    ),
    "a branch without its stem": (
        lambda rows: changed(rows, "branches", 1, stem="b8"),
        "branch b2 has the stem b8, which does not exist",
    ),
    "classes swapped in the task's row": (
        lambda rows: changed(rows, "tasks", 0, classes=rows.tasks[0].classes[::-1]),
        "task 'a' of version 1 has another head, other classes or another lineage than",
    ),
    "a task of no version": (
        lambda rows: changed(rows, "tasks", 1, version=8),
        "task 'b' of version 8: that version does not exist",
    ),
    "a window that is gone": (
        lambda rows: without(rows, "windows", 1),
        "version 2 is of window w2, which does not exist",
    ),
    "classes swapped in a plan": (with_swapped_plan, "has another manifest than version"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_contradiction_is_told(case: str, rows: StreamRows) -> None:
    change, sentence = CASES[case]
    assert any(sentence in found for found in find_contradictions(change(rows)))


def test_a_corrupt_manifest_is_no_contradiction_but_its_version_is_still_looked_at(rows: StreamRows) -> None:
    damaged = changed(rows, "versions", 1, manifest=CorruptManifest("changed"))
    assert list(find_contradictions(damaged)) == []


def test_every_file_that_a_stream_refers_to_is_stored_and_all_in_use_are_among_them(grown: World) -> None:
    stream = grown.store.stream("digits")
    recorded = dict(iter_recorded_digests(grown.store, stream))
    assert recorded.keys() <= grown.artifacts._contents.keys()
    assert dict(iter_used_digests(grown.store, stream)).keys() <= recorded.keys()
    assert set(grown.store.versions("digits")[0].manifest.inference_artifacts) <= recorded.keys()
