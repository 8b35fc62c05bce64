"""What every engine must do: trained here, in a child process, and on a Ray cluster of two nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from growlearn.adapters.engines.local import LocalEngine
from growlearn.adapters.engines.ray_engine import RayEngine
from growlearn.adapters.engines.subprocess_engine import SubprocessEngine
from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.app.ray_task import NodeSettings, train_on_node
from growlearn.app.training_process import build_training_command, build_training_environment
from growlearn.domain.errors import GrowLearnError, Unavailable
from growlearn.domain.growth import HEARTBEAT, GrowthPlan, GrowthResult, Progress
from growlearn.ingest.rows import Rows
from growlearn.network.model.network import load_network
from growlearn.ports import Engine
from tests.ray_cluster import TwoNodes
from tests.unit.model_builder import ModelBuilder

EPOCHS = 3


@dataclass
class Place:
    """An engine, the store that it reads and writes, and a plan for it."""

    engine: Engine
    artifacts: FileArtifacts
    plan: GrowthPlan
    wait_until_idle: Callable[[], None] = lambda: None
    heard: list[Progress] = field(default_factory=list)

    def run(self, *plans: GrowthPlan, claim: int = 1) -> Sequence[GrowthResult]:
        self.heard.clear()
        return self.engine.for_claim(claim).run(plans, self.heard.append)

    @property
    def steps(self) -> list[tuple[str, int]]:
        return [(progress.stage, progress.done) for progress in self.heard if progress != HEARTBEAT]


@pytest.fixture(scope="module", params=["local", "child process", "ray"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, digit_rows: Rows
) -> Place:
    folder = tmp_path_factory.mktemp("engine")
    store, scratch = str(folder / "artifacts"), folder / "scratch"
    builder, artifacts = ModelBuilder(folder, digit_rows), FileArtifacts(store)
    builder.artifacts = artifacts  # type: ignore[assignment]
    plan = builder.plan(builder.only(0, 1))
    assert plan.growth.max_epochs == EPOCHS
    if request.param == "local":
        return Place(LocalEngine(artifacts, scratch), artifacts, plan)
    if request.param == "child process":
        command = build_training_command(scratch, 1, "cpu")
        child = SubprocessEngine(command, build_training_environment(1), addresses=(store,))
        return Place(child, artifacts, plan)
    nodes: TwoNodes = request.getfixturevalue("ray_nodes")
    settings = NodeSettings(addresses=(store,), scratch=str(scratch), threads=1, device="cpu")
    engine = RayEngine(partial(train_on_node, settings), nodes.address)
    return Place(engine, artifacts, plan, nodes.wait_until_idle)


@dataclass(frozen=True)
class Trained:
    """Two plans that were trained together."""

    plans: tuple[GrowthPlan, GrowthPlan]
    results: Sequence[GrowthResult]
    steps: list[tuple[str, int]]


@pytest.fixture(scope="module")
def trained(place: Place) -> Trained:
    plans = (place.plan, replace(place.plan, seed=7))
    results = place.run(*plans)
    return Trained(plans, results, place.steps)


def test_each_plan_has_its_result_in_order_and_its_weights_are_stored(place: Place, trained: Trained) -> None:
    for plan, result in zip(trained.plans, trained.results, strict=True):
        assert (result.seed, len(result.epochs)) == (plan.seed, EPOCHS)
        load_network(result.build_manifest(plan), place.artifacts.get)


def test_equal_plans_give_equal_weights_wherever_they_are_trained(
    place: Place, trained: Trained, tmp_path: Path
) -> None:
    for plan, result in zip(trained.plans, trained.results, strict=True):
        (expected,) = LocalEngine(place.artifacts, tmp_path).run([plan], lambda _: None)
        assert (result.branches, result.head) == (expected.branches, expected.head)
        assert result.best_loss == expected.best_loss
    assert trained.results[0].head != trained.results[1].head


def test_every_epoch_of_every_plan_is_heard_of(trained: Trained) -> None:
    for number in (1, 2):
        done = [done for stage, done in trained.steps if stage.endswith(f", model {number} of 2")]
        assert done == sorted(done)
        assert done[-1] == EPOCHS


class _StoppedError(Exception):
    pass


def test_a_training_that_was_ended_goes_on_under_the_next_claim(place: Place) -> None:
    plan = replace(place.plan, window="w5", growth=replace(place.plan.growth, epochs=40, patience=40))

    def stop(progress: Progress) -> None:
        if progress != HEARTBEAT and progress.done >= 2:
            raise _StoppedError

    with pytest.raises(_StoppedError):
        place.engine.for_claim(1).run([plan], stop)
    place.wait_until_idle()
    place.run(plan, claim=2)
    first, last = place.steps[0][1], place.steps[-1][1]
    assert first > 1
    assert last == 40


def test_nothing_is_started_for_work_that_is_no_longer_wanted(place: Place) -> None:
    def stop(_: Progress) -> None:
        raise _StoppedError

    with pytest.raises(_StoppedError):
        place.engine.for_claim(1).run([replace(place.plan, window="w6")], stop)


def test_a_plan_whose_rows_are_missing_fails_with_the_hint(place: Place) -> None:
    plan = replace(place.plan, window="w7", train="0" * 64)
    with pytest.raises(
        GrowLearnError, match=r"0{64} is missing \(bring that file back from a backup\)"
    ) as told:
        place.run(plan)
    assert not isinstance(told.value, Unavailable)


def test_a_store_that_is_away_may_be_there_later(place: Place) -> None:
    root = place.artifacts.folder
    assert root is not None
    away = root.with_name("away")
    root.rename(away)
    try:
        with pytest.raises(Unavailable, match="there is no such folder"):
            place.run(replace(place.plan, window="w8"))
    finally:
        away.rename(root)
