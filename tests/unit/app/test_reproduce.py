"""A reproduced version is bit-equal, or the differences are reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from growlearn.adapters.engines.local import LocalEngine
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.overlay import OverlayArtifacts
from growlearn.app.reproduce import Reproduction, ScratchTraining, reproduce_version
from growlearn.app.reproduction_view import reproduction_view
from growlearn.domain.errors import CorruptArtifact, GrowLearnError, NotFound
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.job import HoldoutFraction
from growlearn.domain.lineage import Version
from growlearn.network.model import weights
from growlearn.network.model_diff import ReproductionStatus
from growlearn.ports import Artifacts
from tests.unit.consolidated import World
from tests.unit.digits import Digits
from tests.unit.in_memory import TASKED as NAMED
from tests.unit.in_memory import World as NamedWorld

Again = Callable[..., Reproduction]


@pytest.fixture
def again(grown: World) -> Again:
    """Make a version of the grown stream again, with another store or other artifacts where given."""

    def make(
        number: int, store: Any = None, artifacts: Artifacts | None = None, tolerance: float = 0.01
    ) -> Reproduction:
        return made_again(number, store or grown.store, artifacts or grown.artifacts, tolerance)

    return make


def made_again(number: int, store: Any, artifacts: Artifacts, tolerance: float) -> Reproduction:
    def open_workshop(folder: Path, threads: int, device: str) -> ScratchTraining:
        above = OverlayArtifacts(MemoryArtifacts(), artifacts)
        return ScratchTraining(LocalEngine(above, folder, device), above)

    return reproduce_version(store, artifacts, open_workshop, "digits", number, tolerance, lambda _: None)


class Lost:
    """Artifacts of which some are gone."""

    def __init__(self, artifacts: Artifacts, *gone: str | None) -> None:
        self._artifacts = artifacts
        self._gone = gone

    def put(self, content: bytes | memoryview) -> str:
        return self._artifacts.put(content)

    def get(self, sha256: str) -> bytes:
        if sha256 in self._gone:
            raise CorruptArtifact(f"artifact {sha256} is missing", hint="none")
        return self._artifacts.get(sha256)

    def view(self, sha256: str) -> bytes | memoryview:
        return self.get(sha256)


def version_of(grown: World, number: int) -> Version:
    return grown.store.versions("digits")[number - 1]


@pytest.mark.parametrize(
    ("number", "branches"), [(1, ("b1",)), (2, ("b2",)), (3, ("b3",))], ids=["first", "grown", "consolidated"]
)
def test_a_version_comes_out_the_same_to_the_last_bit(
    again: Again, grown: World, number: int, branches: tuple[str, ...]
) -> None:
    before = (dict(grown.artifacts._contents), grown.store.stream("digits"), grown.store.windows("digits"))
    made = again(number)
    assert (made.status, made.branches, made.model_diff.tensor_differences) == (
        ReproductionStatus.BIT_EQUAL,
        branches,
        (),
    )
    assert (
        made.model_diff.output_difference,
        made.model_diff.weight_difference,
        made.environment_differences,
    ) == (0.0, 0.0, ())
    after = (dict(grown.artifacts._contents), grown.store.stream("digits"), grown.store.windows("digits"))
    assert after == before


def test_a_head_alone_comes_out_the_same_too(tmp_path: Path, digits: Digits) -> None:
    """The same digits under other names, for which no branch of their own is worth it."""
    images, labels = digits
    world = NamedWorld(tmp_path, replace(NAMED, holdout=HoldoutFraction(fraction=0.4)))
    world.send("1.parquet", images[:700], labels[:700], "a")
    few = [row for row in range(700, 1200) if labels[row] in (0, 1, 6)]
    world.send("2.parquet", images[few], [10 + int(labels[row] or 0) for row in few], "b")
    made = made_again(2, world.store, world.artifacts, 0.0)
    assert (made.status, made.branches) == (ReproductionStatus.BIT_EQUAL, ())


def test_another_seed_is_told_apart_with_the_place(again: Again, grown: World, patched_store: Any) -> None:
    record = grown.store.window_record("digits", "w2")
    plan = replace(record.plan, seed=record.plan.seed + 1)  # type: ignore[type-var, union-attr]
    made = again(2, patched_store(grown.store, window_record=lambda *_: replace(record, plan=plan)))
    assert made.status is ReproductionStatus.DIFFERENT
    parts = {place.part for place in made.model_diff.tensor_differences}
    assert {"branch b2", "head of task 'b'", "router's ridge weights"} & parts == {
        "branch b2",
        "head of task 'b'",
    }
    assert "branch b1" not in parts
    assert made.model_diff.output_difference > 0.01
    view = reproduction_view(made)
    assert (view["verdict"], view["retrained"], view["environment"]) == ("different", ["b2"], [])
    assert view["tensor_differences"][0]["difference"] == view["weight_difference"] > 0


def touched(grown: World, by: float) -> Version:
    """Version 2 with one weight of its newest branch altered."""
    version = version_of(grown, 2)
    branch = version.manifest.branches[1]
    altered = weights.load_weights(grown.artifacts.get(branch.sha256))
    altered["branch.layers.0.mlp_out.bias"][3] += by
    changed = replace(branch, sha256=grown.artifacts.put(weights.dump_weights(altered)))
    manifest = replace(version.manifest, branches=(version.manifest.branches[0], changed))
    return replace(version, manifest=manifest)


@pytest.mark.parametrize(
    ("by", "likeness"),
    [(1e-4, ReproductionStatus.WITHIN_TOLERANCE), (2.0, ReproductionStatus.DIFFERENT)],
    ids=["little", "much"],
)
def test_one_altered_weight_is_found(
    again: Again, grown: World, patched_store: Any, by: float, likeness: ReproductionStatus
) -> None:
    version = touched(grown, by)
    made = again(2, patched_store(grown.store, versions=lambda _: (version_of(grown, 1), version)))
    (place,) = made.model_diff.tensor_differences
    assert (place.part, place.tensor) == ("branch b2", "branch.layers.0.mlp_out.bias")
    assert place.difference == pytest.approx(by, rel=1e-2)
    assert made.status is likeness
    assert made.model_diff.output_difference > 0


def test_no_answer_may_move_at_all_where_no_tolerance_is_given(
    again: Again, grown: World, patched_store: Any
) -> None:
    version = touched(grown, 1e-4)
    made = again(
        2, patched_store(grown.store, versions=lambda _: (version_of(grown, 1), version)), tolerance=0.0
    )
    assert made.status is ReproductionStatus.DIFFERENT


def test_it_is_trained_with_the_recorded_threads_and_differences_are_told(
    again: Again, grown: World, patched_store: Any
) -> None:
    record = grown.store.window_record("digits", "w1")
    assert record.result is not None
    assert record.result.environment is not None
    then = replace(record.result.environment, cpu="another", packages={"torch": "1.0"})
    assert isinstance(record.plan, GrowthPlan)
    threads = record.result.threads + 1
    recorded = replace(
        record,
        plan=replace(record.plan, growth=replace(record.plan.growth, epochs=1)),
        result=replace(record.result, threads=threads, environment=then),
    )
    made = again(1, patched_store(grown.store, window_record=lambda *_: recorded))
    assert made.threads == threads
    assert made.environment_differences is not None
    differences = {item.name: (item.recorded, item.current) for item in made.environment_differences}
    assert differences["torch"][0] == "1.0"
    assert differences["cpu"][0] == "another"
    assert differences["numpy"][0] is None
    assert differences["threads"] == (str(threads - 1), str(threads))


def test_a_version_of_an_earlier_growlearn_can_be_made_again(
    again: Again, grown: World, patched_store: Any
) -> None:
    record = grown.store.window_record("digits", "w1")
    assert record.result is not None
    result = replace(record.result, environment=None, check_logits=None)
    made = again(1, patched_store(grown.store, window_record=lambda *_: replace(record, result=result)))
    assert (made.status, made.environment_differences) == (ReproductionStatus.BIT_EQUAL, None)
    assert reproduction_view(made)["environment"] is None


def test_what_was_deleted_is_named(again: Again, grown: World) -> None:
    plan = grown.store.window_record("digits", "w2").plan
    base = version_of(grown, 1).manifest.branches[0].sha256
    gone = Lost(grown.artifacts, plan.train, base, plan.holdout)  # type: ignore[union-attr]
    with pytest.raises(GrowLearnError) as caught:
        again(2, artifacts=gone)
    said = str(caught.value)
    assert said.startswith("version 2 of stream 'digits' cannot be reproduced: missing or damaged in the")
    assert f"rows 'train' ({plan.train}), branch b1 ({base})" in said  # type: ignore[union-attr]
    assert "holdout" not in said  # which no training reads


def test_a_consolidation_whose_kept_rows_are_gone_names_the_task(again: Again, grown: World) -> None:
    plan = grown.store.window_record("digits", "w3").plan
    with pytest.raises(GrowLearnError, match=r"missing or damaged .* are rows 'b/train' \("):
        again(3, artifacts=Lost(grown.artifacts, plan.task_data[1].train))  # type: ignore[union-attr]


def test_a_version_that_is_not_there(again: Again) -> None:
    with pytest.raises(NotFound, match="no version 9"):
        again(9)


def test_a_record_without_a_plan(again: Again, grown: World, patched_store: Any) -> None:
    record = replace(grown.store.window_record("digits", "w1"), plan=None)
    with pytest.raises(GrowLearnError, match="does not hold the plan of version 1 of stream 'digits'"):
        again(1, patched_store(grown.store, window_record=lambda *_: record))
