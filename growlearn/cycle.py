"""The cycle: one pass of one window through all stages, each a move of the window's state.

    window  = ingest(stream, source)                       -> accepted | quarantined
    report  = judge(window, references, detectors)         -> judged
    plan    = plan_growth(base, report)                    -> growing | settled | waiting (-> accepted)
    result  = engine.run(plan); matrix = measure(result)   -> evaluated
    promote_or_reject(result, matrix, gates)               -> promoted | held | rejected

A step reads only what is stored and makes one move, so a window that was left anywhere is taken up there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from growlearn.consolidating import distil_and_measure, due
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.growth import Progress
from growlearn.domain.stream import Transition
from growlearn.domain.window import IngestedFile, Verdict, Window, WindowState
from growlearn.growth.waiting import is_ripe
from growlearn.heartbeat import heartbeat
from growlearn.ingest.take_in import take_in
from growlearn.ports import Ports, Report
from growlearn.steps import (
    Stand,
    grow_and_measure,
    judge_window,
    plan_or_settle,
    promote_or_reject,
    stand_of,
)
from growlearn.trial import conclude

Steps: TypeAlias = Mapping[WindowState, Callable[[Stand, Ports, Report], Transition]]

STEPS: Steps = {
    WindowState.ACCEPTED: judge_window,
    WindowState.JUDGED: plan_or_settle,
    WindowState.GROWING: grow_and_measure,
    WindowState.EVALUATED: promote_or_reject,
}
"""What is done with a window in each pending state."""

CONSOLIDATION: Steps = {WindowState.GROWING: distil_and_measure, WindowState.EVALUATED: promote_or_reject}
"""The same for a window that consolidates a full model; it is opened with its plan."""


@dataclass(frozen=True)
class RunSummary:
    """What one run took in, and the windows it brought to an end."""

    files: tuple[IngestedFile, ...]
    windows: tuple[Window, ...]


def run_stream(name: str, ports: Ports, report: Report) -> RunSummary:
    """Take in new files, then bring every pending window of a stream to its end, in order.

    `report` is told of every file, window and epoch; where it raises, work is left there. A source that
    fails raises once the windows taken in before are handled: they do not need it.
    """
    stream, failure = ports.store.stream(name), None
    files: tuple[IngestedFile, ...] = ()
    try:
        source = ports.open_source(stream.job.source)
        files = take_in(stream, source, ports.store, ports.artifacts, ports.clock, report)
    except GrowLearnError as error:
        failure = error
    conclude(name, ports)  # labels that came late may be all that a trial waited for
    windows: list[Window] = []
    while window := next_window(name, ports):
        with heartbeat(ports.store, window, ports.worker, ports.clock, ports.lease_s):
            left = ports.store.count_pending(name) - 1
            report(
                Progress(stage="windows", done=len(windows), total=len(windows) + 1 + left, note=window.id)
            )
            windows.append(handle(window, ports, report))
        conclude(name, ports)
    if failure is not None:
        raise failure
    return RunSummary(files, tuple(windows))


def next_window(name: str, ports: Ports) -> Window | None:
    """Claim the window to be handled next; a model without room for a branch is consolidated first.

    Whether it is due is asked with the stream's lease in hand, when no other worker can change it.
    """
    store = ports.store
    wake(name, ports)
    while True:
        window = store.claim(name, ports.worker, ports.clock.now(), ports.lease_s)
        if window is None and store.is_led(name, ports.clock.now()):
            return None
        planned = None if window is not None and window.verdict is Verdict.FULL else due(name, ports)
        if planned is None:
            return window
        if window is not None:
            store.release(name, window.id, ports.worker)
        store.open_window(*planned)  # where its number was taken just now, another round finds a new one


def wake(name: str, ports: Ports) -> None:
    """Have every waiting window that is ripe judged anew, in its turn.

    Asked of what is stored, so that labels joined by a process that died are not lost on it.
    """
    stream, now = ports.store.stream(name), ports.clock.now()
    for window in ports.store.windows(name):
        if is_ripe(window, stream, now):
            ports.store.wake(name, window.id, now)


def handle(window: Window, ports: Ports, report: Report) -> Window:
    """Move a claimed window, step by step, from where it stands to its end."""
    return carry(window, CONSOLIDATION if window.verdict is Verdict.FULL else STEPS, ports, report)


def carry(window: Window, steps: Steps, ports: Ports, report: Report) -> Window:
    """Move a claimed window until there is no step for the state it is in."""
    while step := steps.get(window.state):
        window = ports.store.advance(step(stand_of(window, ports), ports, report))
    return window
