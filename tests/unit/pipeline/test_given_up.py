"""A window whose step fails again and again: given up where its rows met a bug, else tried until it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.adapters.memory.tracker import MemoryTracker
from growlearn.app.signals import Interrupted
from growlearn.domain.drift_config import RefineConfig
from growlearn.domain.errors import Unavailable
from growlearn.domain.job import HoldoutFraction
from growlearn.domain.lineage import BranchState
from growlearn.domain.stream import Transition
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.pipeline import run
from growlearn.pipeline.context import StepContext
from growlearn.pipeline.transitions import MAX_FAILURES
from growlearn.ports import ProgressCallback
from growlearn.registry.decision_report import explain_window
from growlearn.registry.outbox import deliver_messages
from tests.unit.digits import Digits, rotate
from tests.unit.in_memory import JOB, NO_BASELINES, World, parquet

STEPS = {
    WindowState.ACCEPTED: "judging",
    WindowState.JUDGED: "planning",
    WindowState.GROWING: "growing",
    WindowState.EVALUATED: "checking the gates",
}
ENDS = {
    WindowState.ACCEPTED: WindowState.QUARANTINED,
    WindowState.JUDGED: WindowState.SKIPPED,
    WindowState.GROWING: WindowState.REJECTED,
    WindowState.EVALUATED: WindowState.REJECTED,
}
Fail = Callable[[Mapping[WindowState, BaseException], str], None]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, replace(JOB, baseline_comparison=NO_BASELINES))


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """`fail(errors, window)`: from now on, each step of that window raises the error for its state."""
    steps = run.STATE_HANDLERS

    def set_errors(errors: Mapping[WindowState, BaseException], window: str) -> None:
        def raise_or_do(context: StepContext, on_progress: ProgressCallback) -> Transition:
            state = context.window.state
            if context.window.id == window and state in errors:
                raise errors[state]
            return steps[state](context, on_progress)

        monkeypatch.setattr(run, "STATE_HANDLERS", dict.fromkeys(steps, raise_or_do))

    return set_errors


def run_in_vain(world: World, times: int, error: type[BaseException]) -> None:
    """Run so often; each run ends with the error, and the lease is over before the next one."""
    for _ in range(times):
        with pytest.raises(error):
            world.run()
        world.clock.advance(120)


@pytest.mark.parametrize("state", STEPS)
def test_a_window_that_meets_a_bug_is_given_up_and_the_stream_continues(
    world: World, digits: Digits, fail: Fail, state: WindowState
) -> None:
    images, labels = digits
    begun = world.clock.now()
    world.send("1.parquet", images[:300], labels[:300])
    fail({state: KeyError("colour")}, "w2")
    world.source.put("2.parquet", parquet(255 - images[300:600], labels[300:600]))
    world.source.put("3.parquet", parquet(rotate(images[600:900]), labels[600:900]))
    run_in_vain(world, MAX_FAILURES - 1, KeyError)
    given_up, grown = world.run()

    failed = f"{STEPS[state]} failed: KeyError: 'colour'"
    reason = f"given up because of a bug after 5 tries; {failed}"
    assert (given_up.state, given_up.reason, given_up.met_bug) == (ENDS[state], reason, True)
    assert (grown.id, grown.state) == ("w3", WindowState.PROMOTED)
    alerts = [pending.alert for pending in world.store.alerts.pending(begun)]
    texts = [alert.text for alert in alerts if alert.window == "w2" and alert.kind != "drift"]
    assert texts == [failed] * MAX_FAILURES + [reason]
    told = [line for section in explain_window(world.store, "digits", "w2") for line in section.lines]
    assert any(reason in line for line in told)
    trained = [branch.id for branch in world.store.branches("digits") if branch.state is BranchState.REJECTED]
    assert trained == (["b2"] if state is WindowState.EVALUATED else [])
    tracker = MemoryTracker()
    deliver_messages(world.store, tracker, world.clock, "digits")
    assert not world.store.outbox.pending()
    assert ("w2" in [window for _, _, window in tracker.runs]) == (state is not WindowState.ACCEPTED)


@pytest.mark.parametrize("state", STEPS)
@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError("peer"),
        MemoryError(),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("can't start new thread"),
        Unavailable("no disk"),
        Interrupted(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_the_system_is_never_the_windows(
    world: World, digits: Digits, fail: Fail, state: WindowState, error: BaseException
) -> None:
    images, labels = digits
    world.source.put("1.parquet", parquet(images[:300], labels[:300]))
    fail({state: error}, "w1")
    run_in_vain(world, MAX_FAILURES + 1, type(error))
    window = world.store.window("digits", "w1")
    assert (window.state, window.met_bug) == (state, False)
    assert "failed" not in (window.reason or "")


def test_each_step_has_its_own_tries(world: World, digits: Digits, fail: Fail) -> None:
    images, labels = digits
    world.source.put("1.parquet", parquet(images[:300], labels[:300]))
    for state in STEPS:
        fail({state: KeyError("colour")}, "w1")
        run_in_vain(world, MAX_FAILURES - 1, KeyError)
    fail({}, "w1")
    (window,) = world.run()
    assert window.state is WindowState.PROMOTED


def test_a_step_that_works_at_last_leaves_the_verdict_as_the_reason(
    world: World, digits: Digits, fail: Fail
) -> None:
    images, labels = digits
    world.send("1.parquet", images[:300], labels[:300])
    fail({WindowState.JUDGED: KeyError("colour")}, "w2")
    world.source.put("2.parquet", parquet(images[300:500], labels[300:500]))
    run_in_vain(world, 1, KeyError)
    fail({}, "w2")
    (window,) = world.run()
    report = world.store.window_record("digits", "w2").report
    assert report is not None
    assert (window.state, window.verdict) == (WindowState.SKIPPED, Verdict.STABLE)
    assert (window.reason or "").startswith(report.reason)
    assert "failed" not in (window.reason or "")


@pytest.mark.parametrize("state", [WindowState.JUDGED, WindowState.GROWING, WindowState.EVALUATED])
def test_no_refinement_reads_the_rows_that_met_a_bug(
    tmp_path: Path, digits: Digits, fail: Fail, state: WindowState
) -> None:
    images, labels = digits
    refine, holdout = RefineConfig(min_rows=150), HoldoutFraction(fraction=0.3)
    world = World(tmp_path, replace(JOB, refine=refine, holdout=holdout, baseline_comparison=NO_BASELINES))

    def send(rows: slice) -> None:
        world.source.put(f"{rows.start}.parquet", parquet(images[rows], labels[rows]))

    send(slice(0, 200))
    world.run()
    fail({state: KeyError("colour")}, "w2")
    send(slice(200, 400))
    run_in_vain(world, MAX_FAILURES - 1, KeyError)
    world.run()
    assert world.store.window("digits", "w2").met_bug
    send(slice(400, 600))
    (window,) = world.run()
    plan = world.store.window_record("digits", window.id).plan
    assert plan is not None
    refinement = getattr(plan, "refinement", None)
    assert refinement is not None
    assert refinement.windows == ("w3",)


def test_the_same_rows_may_be_sent_again(world: World, digits: Digits, fail: Fail) -> None:
    images, labels = digits
    world.send("1.parquet", images[:300], labels[:300])
    fail({WindowState.JUDGED: KeyError("colour")}, "w2")
    content = parquet(images[300:500], labels[300:500])
    world.source.put("2.parquet", content)
    run_in_vain(world, MAX_FAILURES - 1, KeyError)
    world.run()
    world.source.put("again.parquet", content)
    windows: tuple[Window, ...] = world.run()
    assert [(window.id, window.state) for window in windows] == [("w3", WindowState.SKIPPED)]
    assert not windows[0].met_bug
