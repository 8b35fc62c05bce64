"""What is done about a model that has reached its branch budget: a window of its own distils its branches.

The window has no rows and the verdict `full`. It is opened with its plan, goes before those that wait, and is
evaluated, judged by the gates and promoted like any other.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.errors import GrowLearnError, NotGrowable, Unavailable
from growlearn.domain.stream import Stream, Transition
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.evaluation.measure import measure_again
from growlearn.growth.crowding import is_full, plan_consolidation
from growlearn.growth.proof import keep_answers
from growlearn.ports import Ports, Question, Report, Store
from growlearn.registry.ancestry import find
from growlearn.steps import Stand, end, give_up, move, outdated, tasks_of

SOURCE = "consolidation"
"""Where a window of this kind says it came from."""
_BEGUN = (WindowState.GROWING, WindowState.EVALUATED)


def due(name: str, ports: Ports) -> tuple[Window, ConsolidationPlan] | None:
    """The window that would consolidate a stream's model, where the job asks for it and no room is left.

    None while a window is being grown, where the same was tried before, and where it cannot be done: then
    the next window that is to be grown says that the budget is used up.
    """
    store = ports.store
    stream = store.stream(name)
    if stream.job.consolidation is None or stream.base is None or _is_growing(store, name):
        return None
    if not is_full(stream.job, find(store.versions(name), stream.base).manifest):
        return None
    try:
        window, plan = consolidation_of(stream, store, ports.clock.now())
    except NotGrowable:
        return None
    return None if _was_tried(plan, store) else (window, plan)


def open_now(name: str, store: Store, at: datetime) -> Window:
    """Open such a window because a person asks; raises GrowLearnError where it cannot be done now."""
    if store.is_led(name, at) or _is_growing(store, name):
        raise GrowLearnError(
            f"a window of stream {name!r} is being worked on", cure="ask again when it is done"
        )
    window, plan = consolidation_of(store.stream(name), store, at)
    if not store.open_window(window, plan):
        raise GrowLearnError(f"stream {name!r} took in a window just now", cure="ask again")
    return window


def consolidation_of(stream: Stream, store: Store, at: datetime) -> tuple[Window, ConsolidationPlan]:
    """The window that would consolidate the model as it stands, and its plan; raises NotGrowable."""
    if stream.base is None:
        raise NotGrowable(f"stream {stream.name!r} has not learned anything yet")
    number = max(window.number for window in store.windows(stream.name)) + 1
    base = find(store.versions(stream.name), stream.base)
    known = tasks_of(base.manifest, store.tasks(stream.name))
    plan = plan_consolidation(stream.job, number, base, known, len(store.branches(stream.name)))
    held = len(base.branches)
    window = Window(
        stream=stream.name,
        number=number,
        state=WindowState.GROWING,
        source=SOURCE,
        discovered_at=at,
        updated_at=at,
        verdict=Verdict.FULL,
        reason=f"{held} branches of at most {stream.job.model.max_branches}: to be distilled into "
        f"{len(plan.new_branches)}",
    )
    return window, plan


def _is_growing(store: Store, name: str) -> bool:
    return any(window.state in _BEGUN for window in store.windows(name))


def _was_tried(plan: ConsolidationPlan, store: Store) -> bool:
    """Whether an earlier window had the same plan, but for its number and what follows from it."""
    for window in store.windows(plan.stream):
        if window.verdict is not Verdict.FULL:
            continue
        old = store.record(plan.stream, window.id).plan
        if isinstance(old, ConsolidationPlan) and len(old.new_branches) == len(plan.new_branches):
            again = replace(plan, window=old.window, new_branches=old.new_branches, seed=old.seed)
            if again == old:
                return True
    return False


def distil_and_measure(stand: Stand, ports: Ports, report: Report) -> Transition:
    """From growing to evaluated: distil the model, then measure it before and after, task by task."""
    plan = ports.store.record(stand.window.stream, stand.window.id).plan
    assert isinstance(plan, ConsolidationPlan), (
        "a window with the verdict full has the plan it was opened with"
    )
    if plan.base_version != stand.stream.base:
        return end(stand, ports, WindowState.REJECTED, reason=outdated(plan, stand.stream))
    try:
        result = ports.engine.consolidate(plan, report)
    except Unavailable:
        raise  # it may be there again later: no fault of the window
    except GrowLearnError as error:
        return give_up(stand, ports, error)
    holdouts = [Question(task=lesson.task, rows=lesson.holdout) for lesson in plan.lessons]
    candidate = result.manifest_of(plan)
    evaluation = measure_again(candidate, plan.base, holdouts, ports.evaluator)
    references = {lesson.task: lesson.validation for lesson in plan.lessons}
    result = replace(result, probes=keep_answers(candidate, references, ports.artifacts))
    return move(stand, ports, WindowState.EVALUATED, plan=plan, result=result, evaluation=evaluation)
