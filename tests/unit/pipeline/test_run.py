"""The whole loop in memory, on real handwritten digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.source import MemorySource
from growlearn.adapters.memory.tracker import MemoryTracker
from growlearn.domain.errors import GrowLearnError, LeaseLost
from growlearn.domain.growth import Progress
from growlearn.domain.stream import Alias, Transition
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.network.model import weights
from growlearn.pipeline.run import RunEvents, RunSummary, run_stream
from growlearn.registry.matrix import load_accuracy_matrix
from growlearn.registry.outbox import build_window_report, deliver_messages
from tests.unit.digits import Digits, rotate
from tests.unit.in_memory import JOB, NO_BASELINES, TASKED, World, parquet


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_stream_without_a_task_column_detects_drift_and_recurrence(world: World, digits: Digits) -> None:
    images, labels = digits

    first = world.send("1.parquet", images[:400], labels[:400])
    assert (first.verdict, first.state, first.task) == (Verdict.FIRST, WindowState.PROMOTED, "task-1")
    stable = world.send("2.parquet", images[400:700], labels[400:700])
    assert (stable.verdict, stable.state) == (Verdict.STABLE, WindowState.SKIPPED)
    drifted = world.send("3.parquet", rotate(images[700:1100]), labels[700:1100])
    assert (drifted.verdict, drifted.state) == (Verdict.DRIFT, WindowState.PROMOTED)
    recurring = world.send("4.parquet", images[1100:1250], labels[1100:1250])
    assert (recurring.verdict, recurring.task, recurring.state) == (
        Verdict.KNOWN_TASK,
        "task-1",
        WindowState.SKIPPED,
    )

    for window, checked in (("w1", ["task-1"]), ("w3", ["task-1", "task-2"])):
        result = world.store.window_record("digits", window).result
        assert result is not None
        assert result.environment is not None
        assert result.environment.threads == result.threads
        assert result.check_logits is not None
        stored = weights.load_weights(world.artifacts.get(result.check_logits))
        assert sorted(stored) == [f"{kind}.{task}" for kind in ("logits", "routing") for task in checked]

    matrix = load_accuracy_matrix(world.store, "digits", world.store.stream("digits").champion)
    assert matrix.tasks == ("task-1", "task-2")
    assert matrix.forgetting == 0
    assert [branch.id for branch in world.store.branches("digits")] == ["b1", "b2"]
    tracker = MemoryTracker()
    assert deliver_messages(world.store, tracker, world.clock) > 0
    assert tracker.aliases["digits"][Alias.CHAMPION] == "2"


def test_a_task_column_decides(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = World(tmp_path, TASKED)
    low = np.array([label is not None and label < 5 for label in labels])
    few = np.flatnonzero(low)
    world.send("1.parquet", images[few[:300]], [labels[i] for i in few[:300]], "low")
    again = world.send("2.parquet", images[few[300:500]], [labels[i] for i in few[300:500]], "low")
    assert (again.verdict, again.state) == (Verdict.KNOWN_TASK, WindowState.SKIPPED)
    many = np.flatnonzero(~low)[:300]
    new = world.send("3.parquet", images[many], [labels[i] for i in many], "high")
    assert (new.verdict, new.task, new.state) == (Verdict.NEW_TASK, "high", WindowState.PROMOTED)


def test_a_missing_source_does_not_stop_windows_ingested_before(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = World(tmp_path)
    world.source.put("1.parquet", parquet(images[:400], labels[:400]))

    def stop(progress: Progress) -> None:
        if progress.stage == "training":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stream("digits", world.ports, stop)

    def missing(_: object) -> MemorySource:
        raise GrowLearnError("source folder does not exist", hint="mount it")

    with pytest.raises(GrowLearnError, match="source folder does not exist"):
        run_stream("digits", replace(world.ports, open_source=missing), lambda _: None)
    assert world.store.window("digits", "w1").state is WindowState.PROMOTED


class _StopError(Exception):
    pass


def test_work_can_be_stopped_before_any_file_window_or_epoch(world: World, digits: Digits) -> None:
    images, labels = digits
    world.source.put("1.parquet", parquet(images[:300], labels[:300]))
    world.source.put("2.parquet", parquet(images[300:600], labels[300:600]))
    stages: list[str] = []
    run_stream("digits", world.ports, lambda progress: stages.append(progress.stage))
    assert list(dict.fromkeys(stages)) == ["reading files", "windows", "training"]
    assert (stages.count("reading files"), stages.count("windows")) == (2, 2)

    def stop(_: Progress) -> None:
        raise _StopError

    world.source.put("3.parquet", parquet(images[600:900], labels[600:900]))
    with pytest.raises(_StopError):
        run_stream("digits", world.ports, stop)
    assert len(world.store.windows("digits")) == 2


def test_each_result_is_told_as_soon_as_it_is_recorded_and_others_may_go_first(
    world: World, digits: Digits
) -> None:
    images, labels = digits
    world.source.put("1.parquet", parquet(images[:300], labels[:300]))
    world.source.put("2.parquet", parquet(images[300:600], labels[300:600]))
    told: list[tuple[str, object]] = []

    def tell(window: Window) -> None:
        assert world.store.window("digits", window.id) == window
        told.append((window.id, window.state))

    events = RunEvents(
        on_file=lambda file: told.append(("file", file.file.url.rpartition("/")[2])),
        on_claim=lambda window: told.append(("claim", window.id)),
        on_window=tell,
    )
    asked: list[bool] = []

    def let_others_go_first() -> bool:
        asked.append(True)
        return True

    for _ in range(3):
        run_stream("digits", world.ports, lambda _: None, events, let_others_go_first)
    assert told == [
        ("file", "1.parquet"), ("file", "2.parquet"), ("claim", "w1"), ("w1", WindowState.PROMOTED),
        ("claim", "w2"), ("w2", WindowState.SKIPPED),
    ]  # fmt: skip
    assert asked == [True]  # not after the last one: there was nothing to leave for later


def test_work_ends_where_the_window_is_taken_over(world: World, digits: Digits) -> None:
    images, labels = digits
    world.source.put("1.parquet", parquet(images[:300], labels[:300]))

    def take_over(progress: Progress) -> None:
        if progress.stage == "training":
            later = world.clock.now() + timedelta(hours=1)
            assert world.store.claim("digits", "another", later, 60) is not None

    with pytest.raises(LeaseLost, match="leased to 'another'"):
        run_stream("digits", world.ports, take_over)
    window = world.store.window("digits", "w1")
    assert (window.state, window.claim > 1) == (WindowState.GROWING, True)
    assert not world.store.branches("digits")


class _KilledError(Exception):
    pass


@pytest.mark.parametrize("moment", range(8))
def test_killed_before_any_transition_the_window_continues_where_it_was(
    tmp_path: Path,
    digits: Digits,
    monkeypatch: pytest.MonkeyPatch,
    moment: int,
) -> None:
    images, labels = digits
    files = {
        "1.parquet": parquet(images[:300], labels[:300]),
        "2.parquet": parquet(255 - images[300:600], labels[300:600]),
    }
    job = replace(JOB, baseline_comparison=NO_BASELINES)
    undisturbed, disturbed = World(tmp_path / "a", job), World(tmp_path / "b", job)
    for name, content in files.items():
        undisturbed.source.put(name, content)
        disturbed.source.put(name, content)
    undisturbed.run()

    calls = iter(range(100))
    advance: Callable[[Transition], Window] = disturbed.store.advance

    def killed(transition: Transition) -> Window:
        if next(calls) == moment:
            raise _KilledError
        return advance(transition)

    monkeypatch.setattr(disturbed.store, "advance", killed)
    with pytest.raises(_KilledError):
        disturbed.run()
    disturbed.clock.advance(120)
    disturbed.run()
    assert _outcome(disturbed) == _outcome(undisturbed)


def test_a_clock_that_is_set_back_reorders_nothing(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = World(tmp_path, replace(JOB, baseline_comparison=NO_BASELINES))
    world.send("1.parquet", images[:300], labels[:300])
    by_right_clock = world.clock.now()
    world.ports = replace(world.ports, clock=ManualClock(by_right_clock - timedelta(hours=1)))
    world.send("2.parquet", 255 - images[300:600], labels[300:600])
    windows, versions = world.store.windows("digits"), world.store.versions("digits")
    assert [window.updated_at for window in windows] == [by_right_clock] * 2
    assert [version.created_at for version in versions] == [by_right_clock] * 2
    report = build_window_report(world.store, "digits", "w2")
    assert [branch.id for branch in report.branches] == ["b1", "b2"]


def _outcome(world: World) -> object:
    windows = [
        (item.id, item.state, item.verdict, item.task, item.snapshot)
        for item in world.store.windows("digits")
    ]
    branches = [(item.id, item.parent, item.sha256, item.state) for item in world.store.branches("digits")]
    champion = world.store.stream("digits").champion
    return windows, branches, champion, load_accuracy_matrix(world.store, "digits", champion)


def test_a_window_waits_while_as_many_are_in_progress_as_may_be(world: World, digits: Digits) -> None:
    images, labels = digits
    world.store.apply(replace(JOB, name="other"), world.clock.now())
    world.source.put("1.parquet", parquet(images[:30], labels[:30]))
    limited = replace(world.ports, max_concurrent_windows=1)

    def hold_another(window: Window) -> None:
        """The first of the two streams is in progress; what the other one does meanwhile."""
        meanwhile.append(run_stream("digits", replace(limited, worker="worker-2"), lambda _: None))
        raise InterruptedError(window.id)

    meanwhile: list[RunSummary] = []
    with pytest.raises(InterruptedError, match="w1"):
        run_stream("other", limited, lambda _: None, RunEvents(on_claim=hold_another))
    (summary,) = meanwhile
    assert (len(summary.files), summary.windows) == (1, ())
    assert world.store.window("digits", "w1").state is WindowState.ACCEPTED
