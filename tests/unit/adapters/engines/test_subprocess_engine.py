from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.adapters.engines.protocol import ChildWork
from growlearn.adapters.engines.scratch import CHECKPOINT_NAME, Plan, ScratchUser, prepare_plan_folder
from growlearn.adapters.engines.subprocess_engine import SubprocessEngine
from growlearn.domain.errors import ConcurrentUpdate, GrowLearnError, Unavailable
from growlearn.domain.growth import HEARTBEAT, BranchInit, GrowthPlan, Progress, SearchTrial
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.lineage import Manifest
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.registry.json_codec import from_json, to_json

PLAN_ONE = GrowthPlan(
    stream="s",
    window="w1",
    task="t",
    classes=(0, 1),
    parent_manifest=Manifest(
        stream="s",
        schema=Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}),
        model=ModelConfig(),
        branches=(),
        tasks=(),
    ),
    parent_version=None,
    parent_task=None,
    lineage=(),
    init=BranchInit.RESIDUAL,
    init_head_from_parent=False,
    new_branches=("b1",),
    train="t" * 64,
    validation="v" * 64,
    holdout="h" * 64,
    growth=GrowthConfig(),
    seed=1,
)

CHILD_SCRIPT = """
import os, sys, time
from growlearn.adapters.engines.subprocess_engine import run_child
from growlearn.domain.errors import GrowLearnError, Unavailable
from growlearn.domain.growth import GrowthResult, Progress

class Engine:
    def __init__(self, claim):
        self.claim = claim

    def run(self, plans, on_progress):
        print("printed by a library")
        sys.stdout.flush()
        on_progress(Progress(stage="training", done=1, total=2))
        {body}
        return [GrowthResult(branches=(), branch_parameters=(), head="h", initial_head="b", lineage=("b1",),
            epochs=(), best_epoch=0, initial_loss=1.0, best_loss=float("nan"), prefix_losses=(), train_rows=1,
            validation_rows=1, seconds=0.0, peak_memory_bytes=1, threads=1, seed=plan.seed) for plan in plans]

sys.exit(run_child(Engine, sys.stdin.buffer, sys.stdout.buffer))
"""


def engine(body: str = "pass") -> SubprocessEngine:
    return SubprocessEngine([sys.executable, "-c", CHILD_SCRIPT.format(body=body)], {"GREETING": "hello"})


def test_one_child_trains_all_plans_in_order() -> None:
    plans = [PLAN_ONE, replace(PLAN_ONE, seed=2), replace(PLAN_ONE, seed=3)]
    updates: list[Progress] = []
    assert [result.seed for result in engine().run(plans, updates.append)] == [1, 2, 3]
    stages = [update.stage for update in updates if update != HEARTBEAT]
    assert stages == [f"training, model {number} of 3" for number in (1, 2, 3)]


def test_what_is_needed_afterwards_is_loaded_while_a_child_trains(tmp_path: Path) -> None:
    loaded = tmp_path / "loaded"
    waits = f"while not os.path.exists({str(loaded)!r}): time.sleep(0.01)"
    training = replace(engine(waits), preload=loaded.touch)
    assert len(training.run([PLAN_ONE], lambda _: None)) == 1


def test_a_child_reports_progress_and_its_result(capfd: pytest.CaptureFixture[str]) -> None:
    updates: list[Progress] = []
    (result,) = engine().run([PLAN_ONE], updates.append)
    assert [(p.stage, p.done) for p in updates if p != HEARTBEAT] == [("training", 1)]
    assert result.seed == PLAN_ONE.seed
    assert result.best_loss != result.best_loss  # a diverged loss survives the way
    errors = capfd.readouterr().err
    assert "printed by a library" in errors
    assert "Fatal" not in errors


def test_a_failure_in_the_child_is_raised_with_its_hint() -> None:
    with pytest.raises(GrowLearnError, match=r"no room \(make some\)"):
        engine("raise GrowLearnError('no room', hint='make some')").run([PLAN_ONE], lambda _: None)


@pytest.mark.parametrize(
    "error", ["Unavailable('no disk')", "OSError(28, 'No space left on device')", "OSError(5, 'gone')"]
)
def test_a_retryable_failure_is_told_apart_from_a_permanent_one(error: str) -> None:
    with pytest.raises(Unavailable, match=r"no disk|the disk is full: no checkpoint|gone"):
        engine(f"raise {error}").run([PLAN_ONE], lambda _: None)
    with pytest.raises(GrowLearnError) as permanent:
        engine("raise GrowLearnError('diverged')").run([PLAN_ONE], lambda _: None)
    assert not isinstance(permanent.value, Unavailable)


def test_a_child_that_ended_because_all_were_asked_to_stop_is_no_failure() -> None:
    class _StoppedError(Exception):
        pass

    updates: list[Progress] = []

    def stopped(progress: Progress) -> None:
        updates.append(progress)
        if progress == HEARTBEAT and len(updates) > 1 and updates[-2] != HEARTBEAT:
            raise _StoppedError  # it is asked once the child, which had reported something, is gone

    with pytest.raises(_StoppedError):
        engine("os.kill(os.getpid(), 15)").run([PLAN_ONE], stopped)


def test_a_child_that_dies_is_told_with_its_status() -> None:
    with pytest.raises(GrowLearnError, match="s w1 ended with status -9"):
        engine("os.kill(os.getpid(), 9)").run([PLAN_ONE], lambda _: None)


def test_the_environment_reaches_the_child() -> None:
    with pytest.raises(GrowLearnError, match="hello"):
        engine("raise GrowLearnError(os.environ['GREETING'])").run([PLAN_ONE], lambda _: None)


def test_an_interrupted_parent_ends_its_child(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    class _InterruptError(Exception):
        pass

    def interrupt(_: Progress) -> None:
        raise _InterruptError

    with pytest.raises(_InterruptError):
        engine(f"open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)").run(
            [PLAN_ONE], interrupt
        )
    written = pid_file.read_text() if pid_file.exists() else ""
    assert not written or not _alive(int(written))  # it may have been ended before it wrote


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    body = f"open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys, time\n"
            f"script = {CHILD_SCRIPT.format(body=body)!r}\n"
            "child = subprocess.Popen([sys.executable, '-c', script], stdin=-1)\n"
            f"child.stdin.write({to_json(ChildWork(plans=(PLAN_ONE,)), ChildWork)!r} + b'\\n')\n"
            "child.stdin.flush(); time.sleep(60)",
        ],
        stdout=subprocess.DEVNULL,
    )
    _wait_for(lambda: pid_file.exists() and bool(pid_file.read_text()))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _wait_for(lambda: not _alive(int(pid_file.read_text())))


def test_a_plan_whose_trials_have_no_figure_reaches_the_child_whole() -> None:
    trial = SearchTrial(
        learning_rate=1.0,
        seed=1,
        init=BranchInit.SCRATCH,
        parent_task=None,
        epochs=1,
        loss=math.inf,
        accuracy=math.nan,
    )
    again = from_json(to_json(replace(PLAN_ONE, trials=(trial,)), Plan), Plan)
    assert isinstance(again, GrowthPlan)
    assert math.isnan(again.trials[0].accuracy)
    assert replace(again.trials[0], accuracy=0.5) == replace(trial, accuracy=0.5)


def test_scratch_of_windows_that_are_over_is_cleared_and_equal_plans_share_a_folder(tmp_path: Path) -> None:
    first = prepare_plan_folder(tmp_path, PLAN_ONE)
    assert first.name.startswith("w1-0-")
    (first / "checkpoint.safetensors").write_bytes(b"x")
    assert prepare_plan_folder(tmp_path, PLAN_ONE) == first
    other = prepare_plan_folder(tmp_path, replace(PLAN_ONE, seed=2))  # such as the one trained alone
    assert other != first
    assert prepare_plan_folder(tmp_path, PLAN_ONE, "cuda") != first  # another device starts again
    assert first.exists()
    later = prepare_plan_folder(tmp_path, replace(PLAN_ONE, window="w12"))
    assert later.exists()
    assert not first.exists()
    assert not other.exists()


def claim(number: int, since_s: float = math.inf) -> ScratchUser:
    return ScratchUser(number, since_s)


def test_a_later_claim_goes_on_from_the_checkpoint_and_takes_the_earlier_one_its_folder(
    tmp_path: Path,
) -> None:
    first = prepare_plan_folder(tmp_path, PLAN_ONE, user=claim(1))
    (first / CHECKPOINT_NAME).write_bytes(b"two epochs")
    (first / "checkpoint.part").write_bytes(b"half a third")
    second = prepare_plan_folder(tmp_path, PLAN_ONE, user=claim(2))
    assert [file.name for file in second.iterdir()] == [CHECKPOINT_NAME]
    assert (second / CHECKPOINT_NAME).read_bytes() == b"two epochs"
    assert not first.exists()


def test_a_claim_thought_dead_leaves_the_folders_of_a_later_one_alone(tmp_path: Path) -> None:
    started_s = time.time() - 60
    later = prepare_plan_folder(tmp_path, PLAN_ONE, user=claim(2))
    next_window = prepare_plan_folder(tmp_path, replace(PLAN_ONE, window="w2"), user=claim(1, started_s))
    assert later.exists()
    prepare_plan_folder(tmp_path, PLAN_ONE, user=claim(1, started_s))
    assert later.exists()
    assert next_window.exists()


def test_a_checkpoint_of_another_plan_is_not_taken_over(tmp_path: Path) -> None:
    first = prepare_plan_folder(tmp_path, PLAN_ONE, user=claim(1))
    (first / CHECKPOINT_NAME).write_bytes(b"x")
    second = prepare_plan_folder(tmp_path, replace(PLAN_ONE, seed=2), user=claim(2))
    assert list(second.iterdir()) == []


def test_work_that_is_no_longer_wanted_ends_while_the_child_says_nothing(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    class _LostError(Exception):
        pass

    def lose(_: Progress) -> None:
        if pid_file.exists() and pid_file.read_text():
            raise _LostError

    with pytest.raises(_LostError):
        engine(f"open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)").run([PLAN_ONE], lose)
    assert not _alive(int(pid_file.read_text()))


def test_nothing_is_started_for_work_that_is_no_longer_wanted() -> None:
    def lost(_: Progress) -> None:
        raise ConcurrentUpdate("taken over")

    with pytest.raises(ConcurrentUpdate):
        SubprocessEngine(["/there/is/no/such/program"]).run([PLAN_ONE], lost)


def test_a_child_knows_its_claim() -> None:
    with pytest.raises(GrowLearnError, match="claim 7"):
        engine("raise GrowLearnError(f'claim {self.claim}')").for_claim(7).run([PLAN_ONE], lambda _: None)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]


def _wait_for(condition: object, limit_s: float = 30) -> None:
    assert callable(condition)
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_an_output_of_this_process_that_was_closed_is_no_failure_of_the_training() -> None:
    """As where the reader of a pipe ends: who writes the progress raises, and the child is ended."""

    def write_into_a_closed_pipe(progress: Progress) -> None:
        if progress != HEARTBEAT:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        engine("time.sleep(60)").run([PLAN_ONE], write_into_a_closed_pipe)


def test_a_child_that_ends_before_it_reads_its_work_is_told_with_its_status() -> None:
    quits = SubprocessEngine([sys.executable, "-c", "import os; os.close(0); os._exit(7)"])
    with pytest.raises(GrowLearnError, match="ended with status 7 and no result"):
        quits.run([replace(PLAN_ONE, task="t" * 1_000_000)], lambda _: None)
