"""What a window that calls for growth still needs before it is trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.domain.drift_config import RetrainingPolicyConfig
from growlearn.domain.window import Verdict, Window, WindowState
from tests.unit.digits import Digits, rotate
from tests.unit.in_memory import JOB, NO_BASELINES, World

CONFIRMED = replace(
    JOB, retraining_policy=RetrainingPolicyConfig(confirm_windows=2), baseline_comparison=NO_BASELINES
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def send_first(world: World, data: Digits) -> Window:
    return world.send("0.parquet", data[0][:400], data[1][:400])


def send_rotated(world: World, rows: slice, data: Digits) -> Window:
    return world.send(f"{rows.start}.parquet", rotate(data[0][rows]), data[1][rows])


@pytest.mark.parametrize(
    ("labels", "reason"),
    [([None] * 300, "no row has a label yet"), ([7] * 300, "nothing to tell apart")],
)
def test_a_window_that_cannot_be_trained_on_is_skipped_with_the_reason(
    world: World, digits: Digits, labels: list[int | None], reason: str
) -> None:
    window = world.send("1.parquet", digits[0][:300], labels)
    assert window.state is WindowState.SKIPPED
    assert reason in (window.reason or "")
    assert world.send("2.parquet", digits[0][300:600], digits[1][300:600]).state is WindowState.PROMOTED


def test_one_row_is_skipped_and_the_stream_continues(world: World, digits: Digits) -> None:
    assert world.send("1.parquet", digits[0][:1], digits[1][:1]).state is WindowState.SKIPPED
    assert world.send("2.parquet", digits[0][300:600], digits[1][300:600]).state is WindowState.PROMOTED


def test_drift_is_trained_on_once_it_is_confirmed(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, CONFIRMED)
    send_first(world, digits)
    once = send_rotated(world, slice(400, 750), digits)
    assert (once.verdict, once.state) == (Verdict.DRIFT, WindowState.SKIPPED)
    assert "not grown: drift in 1 of 2 windows" in str(once.reason)
    again = send_rotated(world, slice(750, 1150), digits)
    assert (again.verdict, again.state) == (Verdict.DRIFT, WindowState.PROMOTED)


def test_a_training_starts_the_cooldown(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, replace(JOB, retraining_policy=RetrainingPolicyConfig(cooldown_windows=2)))
    send_first(world, digits)
    soon = send_rotated(world, slice(400, 750), digits)
    assert soon.state is WindowState.SKIPPED
    assert "cooling down: 0 of 2" in str(soon.reason)


def test_with_action_alert_drift_is_never_trained_on(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, replace(JOB, drift=replace(JOB.drift, action="alert")))
    assert send_first(world, digits).state is WindowState.PROMOTED
    alerted = send_rotated(world, slice(400, 750), digits)
    assert (alerted.verdict, alerted.state) == (Verdict.DRIFT, WindowState.SKIPPED)
    assert "only alerted on (drift.action)" in str(alerted.reason)
