"""The cycle: one pass of one window through all stages, each a move of the window's state.

    window  = ingest(stream, source)                          -> accepted | quarantined
    report  = judge(window, references, detectors)            -> judged
    plan    = plan_growth(parent, report)                     -> growing | skipped | awaiting_labels
    result  = engine.run(plan); matrix = evaluate(result)     -> evaluated
    promote_or_reject(result, matrix, gates)                  -> promoted | pending_approval | rejected

A step reads only what is stored and makes one move, so a window that was left anywhere is resumed there. One
whose training fails five times, or whose step meets a bug as often, is given up, with the reason: it may
not stop its stream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from growlearn.domain.errors import GrowLearnError, is_defect
from growlearn.domain.growth import Progress
from growlearn.domain.stream import Transition
from growlearn.domain.window import IngestResult, Verdict, Window, WindowState
from growlearn.growth.label_delay import is_ready
from growlearn.ingest.source_ingest import ingest_new_files
from growlearn.pipeline.accuracy_estimates import compare_with_labels, estimate_window
from growlearn.pipeline.champion_challenger import decide_challenger
from growlearn.pipeline.consolidation import consolidate_and_evaluate, find_due_consolidation
from growlearn.pipeline.context import Ports, StepContext
from growlearn.pipeline.lease import Lease, hold_lease
from growlearn.pipeline.steps.judge import judge_window
from growlearn.pipeline.steps.plan import plan_or_skip
from growlearn.pipeline.steps.promote import promote_or_reject
from growlearn.pipeline.steps.train import train_and_evaluate
from growlearn.pipeline.transitions import retry_or_give_up
from growlearn.ports import ProgressCallback

StateHandlers: TypeAlias = Mapping[WindowState, Callable[[StepContext, ProgressCallback], Transition]]


def estimate_and_judge(context: StepContext, on_progress: ProgressCallback) -> Transition:
    """From accepted to judged, with an estimate of the champion's accuracy before any label is looked at."""
    estimate_window(context.window, context.ports)
    return judge_window(context, on_progress)


STATE_HANDLERS: StateHandlers = {
    WindowState.ACCEPTED: estimate_and_judge,
    WindowState.JUDGED: plan_or_skip,
    WindowState.GROWING: train_and_evaluate,
    WindowState.EVALUATED: promote_or_reject,
}
"""What is done with a window in each pending state."""

CONSOLIDATION_HANDLERS: StateHandlers = {
    WindowState.GROWING: consolidate_and_evaluate,
    WindowState.EVALUATED: promote_or_reject,
}
"""The same for a window that consolidates a full model; it is opened with its plan."""


@dataclass(frozen=True)
class RunSummary:
    """The files that one run ingested, and the windows that it processed."""

    files: tuple[IngestResult, ...]
    windows: tuple[Window, ...]


def _ignore(_: object) -> None:
    pass


@dataclass(frozen=True)
class RunEvents:
    """Called as soon as something has happened: it is recorded by then, whatever happens next.

    `on_claim` hears of a window before any work on it.
    """

    on_file: Callable[[IngestResult], None] = _ignore
    on_claim: Callable[[Window], None] = _ignore
    on_window: Callable[[Window], None] = _ignore


NO_EVENTS = RunEvents()


def run_stream(
    name: str,
    ports: Ports,
    on_progress: ProgressCallback,
    events: RunEvents = NO_EVENTS,
    should_stop: Callable[[], bool] = lambda: False,
) -> RunSummary:
    """Ingest new files, then process every pending window of a stream, in order.

    `on_progress` hears of every file, window and epoch; where it raises, work stops there. After a window
    with others behind it `should_stop` is asked whether to leave those for later. A source that fails raises
    once the windows ingested before are processed: they do not need it. Models and snapshots stay open from
    window to window, and are closed at the end. Raises LeaseLost where another worker took a window over.
    """
    try:
        return _run_stream(name, ports, on_progress, events, should_stop)
    finally:
        ports.models.clear()


def _run_stream(
    name: str,
    ports: Ports,
    on_progress: ProgressCallback,
    events: RunEvents,
    should_stop: Callable[[], bool],
) -> RunSummary:
    stream, failure = ports.store.stream(name), None
    files: tuple[IngestResult, ...] = ()
    try:
        source = ports.open_source(stream.job.source)
        files = ingest_new_files(
            stream,
            source,
            ports.store,
            ports.artifacts,
            ports.clock,
            on_progress,
            ports.limits,
            events.on_file,
        )
        ports.store.record_look(name, ports.clock.now())
    except GrowLearnError as error:
        failure = error
    decide_challenger(name, ports)  # late labels may be all that it waited for
    windows: list[Window] = []
    while window := claim_next_window(name, ports):
        with hold_lease(ports.store, window.claimed_by(ports.worker), ports.clock, ports.lease_s) as lease:
            events.on_claim(window)
            total = len(windows) + ports.store.count_pending(name)
            on_progress(Progress(stage="windows", done=len(windows), total=total, note=window.id))
            windows.append(process_window(window, ports, on_progress, lease))
        events.on_window(windows[-1])
        decide_challenger(name, ports)
        if ports.store.count_pending(name) and should_stop():
            break
    compare_with_labels(name, ports)
    if failure is not None:
        raise failure
    return RunSummary(files, tuple(windows))


def claim_next_window(name: str, ports: Ports) -> Window | None:
    """Claim the window to be processed next; a model without room for a branch is consolidated first.

    Whether that is due is decided while this worker holds the stream's lease, when no other can change it.
    """
    store = ports.store
    requeue_labelled_windows(name, ports)
    while True:
        window = store.claim(
            name, ports.worker, ports.clock.now(), ports.lease_s, ports.max_concurrent_windows
        )
        if window is None and store.count_pending(name):  # others hold one, or as many as may be
            return None
        if window is not None and window.verdict is Verdict.FULL:
            return window
        due = find_due_consolidation(name, ports)
        if due is None:
            return window
        if window is not None:
            store.release(window.claimed_by(ports.worker))
        store.open_window(*due)  # where its number was taken just now, another round finds a new one


def requeue_labelled_windows(name: str, ports: Ports) -> None:
    """Send every window whose labels have come back to be judged again, in its turn.

    This reads the record, so that labels joined by a process that died count too.
    """
    stream, now = ports.store.stream(name), ports.clock.now()
    for window in ports.store.windows(name, [WindowState.AWAITING_LABELS]):
        if is_ready(window, stream, now):
            ports.store.requeue(name, window.id, now)


def process_window(window: Window, ports: Ports, on_progress: ProgressCallback, lease: Lease) -> Window:
    """Move a claimed window, step by step, from its state to a terminal one.

    Raises LeaseLost where another worker has claimed it since.
    """
    ports = replace(ports, engine=ports.engine.for_claim(window.claim))
    handlers = CONSOLIDATION_HANDLERS if window.verdict is Verdict.FULL else STATE_HANDLERS
    # what was said of a step that is over is not recorded any more
    return run_to_terminal_state(window, handlers, ports, lease.guard(on_progress), lease.take_progress)


def run_to_terminal_state(
    window: Window,
    handlers: StateHandlers,
    ports: Ports,
    on_progress: ProgressCallback,
    on_transition: Callable[[], object] = lambda: None,
) -> Window:
    """Move a claimed window until there is no step for the state it is in."""
    while handler := handlers.get(window.state):
        window = _run_step(handler, StepContext(window, ports), on_progress)
        on_transition()
    return window


def _run_step(
    handler: Callable[[StepContext, ProgressCallback], Transition],
    context: StepContext,
    on_progress: ProgressCallback,
) -> Window:
    store = context.ports.store
    try:
        return store.advance(handler(context, on_progress))
    except Exception as error:
        if not is_defect(error):
            raise
        return store.advance(retry_or_give_up(context, error))
