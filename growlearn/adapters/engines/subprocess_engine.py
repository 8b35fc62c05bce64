"""Training in a child process, so that its memory is freed when it ends."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import IO

from growlearn.adapters.engines.protocol import ChildFailure, ChildMessage, ChildWork
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.errors import DiskFull, GrowLearnError, Unavailable, is_disk_full
from growlearn.domain.growth import HEARTBEAT, GrowthPlan, GrowthResult, Progress, number_progress
from growlearn.ports import Engine, ProgressCallback
from growlearn.registry.json_codec import InvalidJson, from_json, to_json

_HEARTBEAT_S = 0.5
_ASKED_TO_STOP = (-signal.SIGTERM, -signal.SIGINT)  # what a child returns that such a signal has ended
_SIGNAL_DELAY_S = 1.0


@dataclass(frozen=True)
class SubprocessEngine:
    """Runs `command`, which must call `run_child`; `environment` is added to this process's environment.

    `addresses`, which may hold passwords, reach the child as the first line of its standard input: every
    user of a machine can read the arguments of every process.

    While the child trains, a thread calls `preload`: it imports what this process needs afterwards, and has
    ended when training has, because two threads that import what needs each other may find half a module.
    """

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    preload: Callable[[], None] | None = None
    addresses: Sequence[str] = ()
    claim: int = 0

    def for_claim(self, claim: int) -> SubprocessEngine:
        """The same engine, whose children use the scratch folders of one claim."""
        return replace(self, claim=claim)

    def run(self, plans: Sequence[GrowthPlan], on_progress: ProgressCallback) -> Sequence[GrowthResult]:
        """Train the plans one after the other in one child, whose standard error is this process's."""
        with _in_background(self.preload):
            results = self._run_in_child(plans, on_progress)
        return [result for result in results if isinstance(result, GrowthResult)]

    def consolidate(self, plan: ConsolidationPlan, on_progress: ProgressCallback) -> ConsolidationResult:
        """Distil the plan's branches in a child."""
        with _in_background(self.preload):
            (result,) = self._run_in_child([plan], on_progress)
        assert isinstance(result, ConsolidationResult)
        return result

    def _run_in_child(
        self, plans: Sequence[GrowthPlan | ConsolidationPlan], on_progress: ProgressCallback
    ) -> list[GrowthResult | ConsolidationResult]:
        results: list[GrowthResult | ConsolidationResult] = []
        on_progress(HEARTBEAT)  # raises where the work is no longer wanted, before anything is started
        with subprocess.Popen(  # noqa: S603 - the command is the composition root's own
            list(self.command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **self.environment},
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            try:
                with suppress(BrokenPipeError):  # a child that has ended gives no result; it says why
                    self._send_work(child.stdin, plans)
                for result in _read_results(child.stdout, on_progress):
                    results.append(result)
                    if len(results) == len(plans):
                        break
            except BaseException:  # a closed output of this process is none of the training's faults either
                child.kill()
                raise
            finally:
                _close_pipe(child.stdin)
        if len(results) < len(plans):
            if child.returncode in _ASKED_TO_STOP:
                time.sleep(_SIGNAL_DELAY_S)  # who signals every process of a service may reach this one last
            # A process that was asked to stop, child included, raises here: that is no failure.
            on_progress(HEARTBEAT)
            plan = plans[len(results)]
            raise GrowLearnError(
                f"the training process for {plan.stream} {plan.window} ended with status {child.returncode}"
                " and no result",
                hint="see its messages above; the window resumes at the last checkpoint",
            )
        return results

    def _send_work(self, stdin: IO[bytes], plans: Sequence[GrowthPlan | ConsolidationPlan]) -> None:
        """The pipe stays open after it: when it closes, the child knows that this process has ended."""
        if self.addresses:
            stdin.write(json.dumps(list(self.addresses)).encode() + b"\n")
        work = ChildWork(plans=tuple(plans), claim=self.claim)
        stdin.write(to_json(work, ChildWork) + b"\n")
        stdin.flush()


@contextmanager
def _in_background(task: Callable[[], None] | None) -> Iterator[None]:
    """Call a task in a thread, and wait for it at the end; not where somebody asked for a stop."""
    if task is None:
        yield
        return
    thread = threading.Thread(target=task, name="preload", daemon=True)
    thread.start()
    try:
        yield
    except GrowLearnError:
        thread.join()
        raise
    thread.join()


def _read_results(
    output: IO[bytes], on_progress: ProgressCallback
) -> Iterator[GrowthResult | ConsolidationResult]:
    for line in _read_lines(output, on_progress):
        try:
            message = from_json(line, ChildMessage)
        except InvalidJson:
            sys.stderr.buffer.write(line)  # printed by a library
            continue
        if isinstance(message, Progress):
            on_progress(message)
        elif isinstance(message, ChildFailure):
            on_progress(HEARTBEAT)  # work that was taken over fails as its files are deleted: no failure
            raise (Unavailable if message.retryable else GrowLearnError)(message.reason, hint=message.hint)
        else:
            yield message


def _read_lines(output: IO[bytes], on_progress: ProgressCallback) -> Iterator[bytes]:
    """Each line as soon as it is there; while there is none, `on_progress` may end the wait."""
    unfinished = b""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            if not selector.select(_HEARTBEAT_S):
                on_progress(HEARTBEAT)
            elif content := os.read(output.fileno(), 65536):
                *lines, unfinished = (unfinished + content).split(b"\n")
                yield from (line + b"\n" for line in lines)
            else:
                if unfinished:
                    yield unfinished
                return


def _close_pipe(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # the child has ended already
        pipe.close()


def run_child(
    make_engine: Callable[[int], Engine], stdin: IO[bytes], stdout: IO[bytes], *, side_by_side: bool = False
) -> int:
    """The child's side: read the work, train its plans, send each result; returns the exit status.

    `make_engine` gets the claim of the window. An engine that trains `side_by_side` gets all growths at once.

    The child exits at once when the parent has ended, so that a killed worker leaves no training process
    that would race with the worker that resumes the window.
    """

    def send(line: ChildMessage) -> None:
        stdout.write(to_json(line, ChildMessage) + b"\n")
        stdout.flush()

    work = from_json(stdin.readline(), ChildWork)
    threading.Thread(target=_exit_with_parent, args=(stdin,), daemon=True).start()
    try:
        trainer = make_engine(work.claim)
        growths = [plan for plan in work.plans if isinstance(plan, GrowthPlan)]
        if side_by_side and growths:
            for result in trainer.run(growths, send):
                send(result)
            return 0
        for index, plan in enumerate(work.plans):
            if isinstance(plan, ConsolidationPlan):
                send(trainer.consolidate(plan, send))
            else:
                send(*trainer.run([plan], number_progress(send, index, len(work.plans))))
    except (GrowLearnError, OSError) as error:
        send(as_failure(error))
        return 1
    return 0


def as_failure(error: GrowLearnError | OSError) -> ChildFailure:
    """What a training that could not go on tells whoever asked for it."""
    if is_disk_full(error) and not isinstance(error, GrowLearnError):
        error = DiskFull(f"no checkpoint of the training can be written to {error.filename or 'it'}")
    if isinstance(error, GrowLearnError):
        return ChildFailure(reason=error.message, hint=error.hint, retryable=isinstance(error, Unavailable))
    return ChildFailure(reason=f"training could not continue: {error}", retryable=True)


def _exit_with_parent(parent: IO[bytes]) -> None:
    # Read below Python's buffer: a thread that holds its lock would make the interpreter abort at exit.
    while os.read(parent.fileno(), 4096):
        pass
    os._exit(1)
