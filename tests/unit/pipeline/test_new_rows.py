"""Labels that come after their rows are learned from, on real handwritten digits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.domain.drift_config import RefineConfig
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.window import Verdict, WindowState
from growlearn.ingest.rows import from_parquet
from tests.unit.delayed_labels import JOB, World

REFINING = replace(JOB, refine=RefineConfig(min_rows=150, when="every_window"))
FIRST, SECOND, THIRD, FOURTH = range(300), range(300, 600), range(600, 900), range(900, 1200)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, REFINING)
    world.learn_first()
    return world


def send_unlabelled(world: World, which: range) -> None:
    world.send_rows(which, inverted=False)
    world.run()


def plan_of(world: World, window: str) -> GrowthPlan:
    plan = world.store.window_record("digits", window).plan
    assert isinstance(plan, GrowthPlan)
    return plan


def learned_from(world: World, window: str) -> tuple[tuple[str, ...], int]:
    refinement = plan_of(world, window).refinement
    assert refinement is not None
    return refinement.windows, refinement.new_rows


def hashes(world: World, *digests: str) -> set[int]:
    schema = REFINING.schema
    return {
        int(each)
        for sha256 in digests
        for each in from_parquet(world.artifacts.get(sha256), schema).row_hashes
    }


def test_late_labels_are_learned_from_with_the_next_window_though_it_has_no_label(world: World) -> None:
    send_unlabelled(world, SECOND)
    world.send_labels(SECOND)
    send_unlabelled(world, THIRD)
    refined = world.store.window("digits", "w3")
    assert (refined.verdict, refined.labelled) == (Verdict.STABLE, 0)
    assert learned_from(world, "w3") == (("w2",), 300)
    assert refined.state in (WindowState.PROMOTED, WindowState.REJECTED)


def test_without_any_new_label_nothing_is_refined(world: World) -> None:
    send_unlabelled(world, SECOND)
    send_unlabelled(world, THIRD)
    window = world.store.window("digits", "w3")
    assert window.state is WindowState.SKIPPED
    assert "not refined" not in str(window.reason)


def test_a_window_that_was_learned_from_counts_again_with_the_labels_that_came_since(tmp_path: Path) -> None:
    world = World(tmp_path, REFINING)
    world.send_rows(FIRST, labelled=150, inverted=False)
    world.run()
    send_unlabelled(world, SECOND)
    assert world.store.window("digits", "w2").state is WindowState.SKIPPED  # nothing is new
    world.send_labels(FIRST[150:])
    send_unlabelled(world, THIRD)
    assert learned_from(world, "w3") == (("w1",), 150)
    first, second = plan_of(world, "w1"), plan_of(world, "w3")
    learned = hashes(world, first.train, first.validation, first.holdout)
    assert not hashes(world, second.train) & learned
    assert hashes(world, first.holdout) < hashes(world, second.holdout)


def test_rows_of_an_earlier_window_that_are_stored_no_more_stop_nothing(tmp_path: Path) -> None:
    job = replace(REFINING, refine=RefineConfig(min_rows=20))
    world = World(tmp_path, job)
    world.learn_first()
    send_unlabelled(world, SECOND)
    world.send_labels(SECOND[:40])  # less than a fifth of what was learned from: their loss decides
    world.run()
    snapshot = world.store.window("digits", "w2").snapshot
    assert snapshot is not None
    world.artifacts.remove(snapshot, world.clock.now())
    world.clock.advance(1)
    send_unlabelled(world, THIRD)
    window = world.store.window("digits", "w3")
    assert window.state is WindowState.SKIPPED
    assert str(window.reason).endswith("not refined: none of the new labelled rows are stored still")


def test_a_refinement_started_by_an_unlabelled_window_and_not_kept_counts_as_a_try(tmp_path: Path) -> None:
    job = replace(REFINING, refine=RefineConfig(min_rows=150))
    world = World(tmp_path, job)
    world.learn_first()
    world.store.apply(replace(job, gates=replace(job.gates, max_parameters=1)), world.clock.now())
    send_unlabelled(world, SECOND)
    world.send_labels(SECOND)
    for rows in (THIRD, FOURTH):
        send_unlabelled(world, rows)
    assert world.store.window("digits", "w3").state is WindowState.REJECTED
    reason = str(world.store.window("digits", "w4").reason)
    assert reason.endswith(
        "not refined: 300 of 600 new labelled rows after 1 try without gain (refine.min_rows)"
    )
