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

from growlearn.adapters.engines.child import ChildEngine
from growlearn.adapters.engines.scratch import PLAN, plan_folder
from growlearn.domain.errors import GrowLearnError, Unavailable
from growlearn.domain.growth import Birth, GrowthPlan, Progress, Trial
from growlearn.domain.job import GrowthSpec, ModelSpec
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Input, InputType, Schema

PLAN_ONE = GrowthPlan(
    stream="s",
    window="w1",
    task="t",
    classes=(0, 1),
    base=Manifest(
        stream="s",
        schema=Schema(inputs={"x": Input(type=InputType.NUMBER)}),
        model=ModelSpec(),
        branches=(),
        tasks=(),
    ),
    base_version=None,
    parent=None,
    lineage=(),
    birth=Birth.ZERO,
    copy_head=False,
    new_branches=("b1",),
    train="t" * 64,
    validation="v" * 64,
    holdout="h" * 64,
    growth=GrowthSpec(),
    seed=1,
)

SERVE = """
import os, sys, time
from growlearn.adapters.engines.child import serve_parent
from growlearn.domain.errors import GrowLearnError, Unavailable
from growlearn.domain.growth import Birth, GrowthResult, Progress

class Engine:
    def run(self, plan, report):
        print("a library says hello")
        sys.stdout.flush()
        report(Progress(stage="training", done=1, total=2))
        {body}
        return GrowthResult(branches=(), branch_parameters=(), head="h", birth_head="b", lineage=("b1",),
            epochs=(), best_epoch=0, birth_loss=1.0, best_loss=float("nan"), prefix_losses=(), train_rows=1,
            validation_rows=1, seconds=0.0, peak_memory_bytes=1, threads=1, seed=plan.seed)

sys.exit(serve_parent(Engine, sys.stdin.buffer, sys.stdout.buffer))
"""


def engine(body: str = "pass") -> ChildEngine:
    return ChildEngine([sys.executable, "-c", SERVE.format(body=body)], {"GREETING": "hello"})


def test_a_child_reports_progress_and_its_result(capfd: pytest.CaptureFixture[str]) -> None:
    said: list[Progress] = []
    result = engine().run(PLAN_ONE, said.append)
    assert [(p.stage, p.done) for p in said] == [("training", 1)]
    assert result.seed == PLAN_ONE.seed
    assert result.best_loss != result.best_loss  # a diverged loss survives the way
    errors = capfd.readouterr().err
    assert "a library says hello" in errors
    assert "Fatal" not in errors


def test_a_failure_in_the_child_is_told_with_its_cure() -> None:
    with pytest.raises(GrowLearnError, match=r"no room \(make some\)"):
        engine("raise GrowLearnError('no room', cure='make some')").run(PLAN_ONE, lambda _: None)


@pytest.mark.parametrize(
    "trouble", ["Unavailable('no disk')", "OSError(28, 'No space left on device')", "OSError(5, 'gone')"]
)
def test_what_may_pass_is_told_apart_from_a_failure(trouble: str) -> None:
    with pytest.raises(Unavailable, match=r"no disk|No space left|gone"):
        engine(f"raise {trouble}").run(PLAN_ONE, lambda _: None)
    with pytest.raises(GrowLearnError) as error:
        engine("raise GrowLearnError('diverged')").run(PLAN_ONE, lambda _: None)
    assert not isinstance(error.value, Unavailable)


def test_a_child_that_ended_because_all_were_asked_to_stop_is_no_failure() -> None:
    class _StoppedError(Exception):
        pass

    said: list[Progress] = []

    def stopped(progress: Progress) -> None:
        said.append(progress)
        if progress.done == 0:  # what is asked once the child is gone
            raise _StoppedError

    with pytest.raises(_StoppedError):
        engine("os.kill(os.getpid(), 15)").run(PLAN_ONE, stopped)
    assert len(said) == 2


def test_a_child_that_dies_is_told_with_its_status() -> None:
    with pytest.raises(GrowLearnError, match="s w1 ended with status -9"):
        engine("os.kill(os.getpid(), 9)").run(PLAN_ONE, lambda _: None)


def test_the_environment_reaches_the_child() -> None:
    with pytest.raises(GrowLearnError, match="hello"):
        engine("raise GrowLearnError(os.environ['GREETING'])").run(PLAN_ONE, lambda _: None)


def test_an_interrupted_parent_ends_its_child(tmp_path: Path) -> None:
    mark = tmp_path / "pid"

    class _InterruptError(Exception):
        pass

    def interrupt(_: Progress) -> None:
        raise _InterruptError

    with pytest.raises(_InterruptError):
        engine(f"open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)").run(PLAN_ONE, interrupt)
    written = mark.read_text() if mark.exists() else ""
    assert not written or not _alive(int(written))  # it may have been ended before it wrote


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    body = f"open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys, time\n"
            f"child = subprocess.Popen([sys.executable, '-c', {SERVE.format(body=body)!r}], stdin=-1)\n"
            f"child.stdin.write({PLAN.dump_json(PLAN_ONE)!r} + b'\\n'); child.stdin.flush(); time.sleep(60)",
        ],
        stdout=subprocess.DEVNULL,
    )
    _wait_for(lambda: mark.exists() and bool(mark.read_text()))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _wait_for(lambda: not _alive(int(mark.read_text())))


def test_a_plan_whose_trials_have_no_figure_reaches_the_child_whole() -> None:
    trial = Trial(
        learning_rate=1.0, seed=1, birth=Birth.OWN, parent=None, epochs=1, loss=math.inf, accuracy=math.nan
    )
    again = PLAN.validate_json(PLAN.dump_json(replace(PLAN_ONE, trials=(trial,))))
    assert isinstance(again, GrowthPlan)
    assert math.isnan(again.trials[0].accuracy)
    assert replace(again.trials[0], accuracy=0.5) == replace(trial, accuracy=0.5)


def test_scratch_of_windows_that_are_over_is_cleared_and_equal_plans_share_a_folder(tmp_path: Path) -> None:
    first = plan_folder(tmp_path, PLAN_ONE)
    (first / "checkpoint.safetensors").write_bytes(b"x")
    assert plan_folder(tmp_path, PLAN_ONE) == first
    other = plan_folder(tmp_path, replace(PLAN_ONE, seed=2))  # such as the one trained alone
    assert other != first
    assert first.exists()
    later = plan_folder(tmp_path, replace(PLAN_ONE, window="w12"))
    assert later.exists()
    assert not first.exists()
    assert not other.exists()


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
