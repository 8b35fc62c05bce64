"""Trainings that fail, and plans whose parent is rolled back meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.errors import GrowLearnError, Unavailable
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.stream import Message, MessageKind
from growlearn.domain.window import WindowState
from growlearn.pipeline.steps import train
from growlearn.pipeline.transitions import MAX_FAILURES
from growlearn.ports import Engine, ProgressCallback
from growlearn.registry.promotion import rollback_version
from tests.unit.digits import Digits, rotate
from tests.unit.in_memory import JOB, NO_BASELINES, World, parquet


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, replace(JOB, baseline_comparison=NO_BASELINES))


class Interfering:
    """An engine that calls a function before each training."""

    def __init__(self, engine: Engine, what: Callable[[], None]) -> None:
        self.engine = engine
        self.what = what

    def for_claim(self, claim: int) -> Engine:
        return Interfering(self.engine.for_claim(claim), self.what)

    def run(self, plans: Sequence[GrowthPlan], on_progress: ProgressCallback) -> Sequence[GrowthResult]:
        self.what()
        return self.engine.run(plans, on_progress)

    def consolidate(self, plan: ConsolidationPlan, on_progress: ProgressCallback) -> ConsolidationResult:
        self.what()
        return self.engine.consolidate(plan, on_progress)


def test_a_candidate_whose_parent_was_rolled_back_meanwhile_is_rejected(world: World, digits: Digits) -> None:
    images, labels = digits
    world.send("1.parquet", images[:400], labels[:400])
    world.send("2.parquet", 255 - images[400:800], labels[400:800])

    def roll_back() -> None:
        stream, versions = world.store.stream("digits"), world.store.versions("digits")
        if stream.parent_version == 1:
            return  # done at the first training of the window
        moves, base = rollback_version(stream, versions, 1, "ann", "bad labels", world.clock.now())
        world.store.change_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))

    world.ports = replace(world.ports, engine=Interfering(world.ports.engine, roll_back))
    window = world.send("3.parquet", rotate(images[800:1200]), labels[800:1200])
    assert window.state is WindowState.REJECTED
    assert "grown from version 2, but growth goes on from version 1 by now" in (window.reason or "")
    stream = world.store.stream("digits")
    assert (stream.champion, stream.parent_version, len(world.store.versions("digits"))) == (1, 1, 2)


def test_a_window_whose_training_keeps_failing_is_rejected_and_the_stream_continues(
    world: World, digits: Digits
) -> None:
    images, labels = digits
    engine = world.ports.engine

    def out_of_memory() -> None:
        raise GrowLearnError("the training process ended with status -9")

    world.ports = replace(world.ports, engine=Interfering(engine, out_of_memory))
    world.source.put("1.parquet", parquet(images[:300], labels[:300]))
    for _ in range(MAX_FAILURES - 1):
        with pytest.raises(GrowLearnError, match="status -9"):
            world.run()
        world.clock.advance(120)
    (window,) = world.run()
    assert window.state is WindowState.REJECTED
    assert (
        window.reason == "given up after 5 tries; growing failed: the training process ended with status -9"
    )
    world.ports = replace(world.ports, engine=engine)
    assert world.send("2.parquet", images[300:600], labels[300:600]).state is WindowState.PROMOTED


def test_an_unavailable_disk_never_counts_as_a_failure_of_the_window(world: World, digits: Digits) -> None:
    images, labels = digits
    engine = world.ports.engine

    def unavailable() -> None:
        raise Unavailable("artifacts cannot be written: No space left on device")

    world.ports = replace(world.ports, engine=Interfering(engine, unavailable))
    world.source.put("1.parquet", parquet(images[:300], labels[:300]))
    for _ in range(MAX_FAILURES + 1):
        with pytest.raises(Unavailable, match="No space left"):
            world.run()
        world.clock.advance(120)
    world.ports = replace(world.ports, engine=engine)
    (window,) = world.run()
    assert window.state is WindowState.PROMOTED


def test_a_plan_whose_parent_was_rolled_back_before_training_is_not_trained(
    world: World, digits: Digits
) -> None:
    images, labels = digits
    world.send("1.parquet", images[:400], labels[:400])
    world.send("2.parquet", 255 - images[400:800], labels[400:800])
    trained: list[int] = []

    def unavailable() -> None:
        trained.append(1)
        raise Unavailable("no disk")

    world.ports = replace(world.ports, engine=Interfering(world.ports.engine, unavailable))
    world.source.put("3.parquet", parquet(rotate(images[800:1200]), labels[800:1200]))
    with pytest.raises(Unavailable):
        world.run()
    stream, versions = world.store.stream("digits"), world.store.versions("digits")
    moves, base = rollback_version(stream, versions, 1, "ann", "bad labels", world.clock.now())
    world.store.change_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))
    world.clock.advance(120)
    (window,) = world.run()
    assert window.state is WindowState.REJECTED
    assert "growth goes on from version 1 by now" in (window.reason or "")
    assert trained == [1]


def test_augmentations_are_chosen_by_the_first_growth_and_taken_over_by_later_ones(
    tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = list[str]()

    def choose(plan: GrowthPlan, *_: object) -> GrowthPlan:
        chosen.append(plan.window)
        return replace(plan, growth=replace(plan.growth, augmentation=("shift",)))

    monkeypatch.setattr(train, "choose_augmentation", choose)
    growth = replace(JOB.growth, augmentation="auto")
    world = World(tmp_path, replace(JOB, baseline_comparison=NO_BASELINES, growth=growth))
    images, labels = digits
    first = world.send("1.parquet", images[:400], labels[:400])
    second = world.send("2.parquet", 255 - images[400:800], labels[400:800])
    assert chosen == [first.id]
    plans = [world.store.window_record("digits", window.id).plan for window in (first, second)]
    assert all(isinstance(plan, GrowthPlan) and plan.growth.augmentation == ("shift",) for plan in plans)
