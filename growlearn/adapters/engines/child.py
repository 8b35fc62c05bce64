"""Training in a child process, so that its memory comes back when it is done."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from pydantic import ValidationError

from growlearn.adapters.engines.protocol import LINE, Failure, Line
from growlearn.adapters.engines.scratch import PLAN
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.errors import GrowLearnError, Unavailable
from growlearn.domain.growth import GrowthPlan, GrowthResult, Progress
from growlearn.ports import Engine, Report


@dataclass(frozen=True)
class ChildEngine:
    """Runs `command`, which must call `serve_parent`; `environment` is added to this process's own."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, plan: GrowthPlan, report: Report) -> GrowthResult:
        """Grow the plan in a child; its standard error is this process's."""
        result = self._ask(plan, report)
        assert isinstance(result, GrowthResult)
        return result

    def consolidate(self, plan: ConsolidationPlan, report: Report) -> ConsolidationResult:
        """Distil what the plan says in a child."""
        result = self._ask(plan, report)
        assert isinstance(result, ConsolidationResult)
        return result

    def _ask(
        self, plan: GrowthPlan | ConsolidationPlan, report: Report
    ) -> GrowthResult | ConsolidationResult:
        with subprocess.Popen(  # noqa: S603 - the command is the composition root's own
            list(self.command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **self.environment},
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            try:
                # The pipe stays open: its end tells the child that this process is gone.
                child.stdin.write(PLAN.dump_json(plan) + b"\n")
                child.stdin.flush()
                result = _listen(child.stdout, report)
            except BrokenPipeError:
                result = None
            except BaseException:
                child.kill()
                raise
            finally:
                _close(child.stdin)
        if result is None:
            # A process that was asked to stop, child and all, says so here; then it is no failure.
            report(Progress(stage="training", done=0, total=1))
            raise GrowLearnError(
                f"the training process for {plan.stream} {plan.window} ended with status {child.returncode}"
                " and no result",
                cure="look at its messages above; the window is taken up again at the last checkpoint",
            )
        return result


def _listen(lines: IO[bytes], report: Report) -> GrowthResult | ConsolidationResult | None:
    for line in lines:
        try:
            said = LINE.validate_json(line)
        except ValidationError:
            sys.stderr.buffer.write(line)  # something a library printed
            continue
        if isinstance(said, Progress):
            report(said)
        elif isinstance(said, Failure):
            raise (Unavailable if said.passing else GrowLearnError)(said.failed, cure=said.cure)
        else:
            return said
    return None


def _close(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # the child went first
        pipe.close()


def serve_parent(engine: Callable[[], Engine], stdin: IO[bytes], stdout: IO[bytes]) -> int:
    """The child's side: read the plan, do it, report; returns the exit status.

    The child ends itself at once when the parent is gone, so that a killed worker leaves no training
    behind that would race with the one that takes the window up again.
    """

    def say(line: Line) -> None:
        stdout.write(LINE.dump_json(line) + b"\n")
        stdout.flush()

    plan = PLAN.validate_json(stdin.readline())
    threading.Thread(target=_end_with, args=(stdin,), daemon=True).start()
    try:
        worker = engine()
        say(worker.run(plan, say) if isinstance(plan, GrowthPlan) else worker.consolidate(plan, say))
    except GrowLearnError as error:
        say(Failure(failed=error.what, cure=error.cure, passing=isinstance(error, Unavailable)))
        return 1
    except OSError as error:  # a checkpoint that cannot be written, for want of space
        say(Failure(failed=f"training could not go on: {error}", passing=True))
        return 1
    return 0


def _end_with(parent: IO[bytes]) -> None:
    # Read below Python's buffer: a thread that sits in its lock would make the interpreter abort at exit.
    while os.read(parent.fileno(), 4096):
        pass
    os._exit(1)
