"""A model that has reached its branch budget is distilled into fewer branches, in a window of its own.

That window has no rows and the verdict `full`. It is opened with its plan, comes before all others, and is
evaluated, gated and promoted as they are.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.errors import CannotGrow, GrowLearnError, LeaseLost, Unavailable
from growlearn.domain.stream import Stream, Transition
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.evaluation.evaluate import evaluate_consolidated
from growlearn.growth.branch_budget import budget_exhausted, plan_consolidation
from growlearn.network.bitwise_check import store_check_logits
from growlearn.network.devices import describe_device
from growlearn.pipeline.context import Ports, StepContext
from growlearn.pipeline.transitions import (
    make_final_transition,
    make_transition,
    require_recorded_parent,
    retry_or_give_up,
    stale_plan_reason,
)
from growlearn.ports import EvalRequest, ProgressCallback, Store
from growlearn.registry.version_tree import get_version, select_version_tasks

CONSOLIDATION_SOURCE = "consolidation"
"""Where a window of this kind says it came from."""
_IN_PROGRESS = (WindowState.GROWING, WindowState.EVALUATED)


def find_due_consolidation(name: str, ports: Ports) -> tuple[Window, ConsolidationPlan] | None:
    """The window that would consolidate a stream's model, where the job asks for it and no room is left.

    None while a window is being grown, where the same was tried before, and where it cannot be done: then
    the next window that is to be grown says that the budget is used up.
    """
    store = ports.store
    stream = store.stream(name)
    if stream.job.consolidation is None or stream.parent_version is None or _is_growing(store, name):
        return None
    if not budget_exhausted(stream.job, get_version(store.versions(name), stream.parent_version).manifest):
        return None
    try:
        window, plan = plan_consolidation_window(stream, store, ports.clock.now())
    except CannotGrow:
        return None
    return None if _already_attempted(plan, store) else (window, plan)


def request_consolidation(name: str, store: Store, at: datetime) -> Window:
    """Open such a window because a person asks; raises GrowLearnError where it cannot be done now."""
    if store.has_active_lease(name, at) or _is_growing(store, name):
        raise GrowLearnError(
            f"a window of stream {name!r} is being worked on", hint="ask again when it is done"
        )
    window, plan = plan_consolidation_window(store.stream(name), store, at)
    if not store.open_window(window, plan):
        raise GrowLearnError(f"stream {name!r} took in a window just now", hint="ask again")
    return window


def plan_consolidation_window(stream: Stream, store: Store, at: datetime) -> tuple[Window, ConsolidationPlan]:
    """The window that would consolidate the model as it stands, and its plan; raises NotGrowable."""
    if stream.parent_version is None:
        raise CannotGrow(f"stream {stream.name!r} has not learned anything yet")
    windows = store.windows(stream.name)
    number = max(window.number for window in windows) + 1
    versions = store.versions(stream.name)
    parent = get_version(versions, stream.parent_version)
    known_tasks = select_version_tasks(store.tasks(stream.name), versions, parent.number)
    plan = plan_consolidation(stream.job, number, parent, known_tasks, len(store.branches(stream.name)))
    num_branches = len(parent.branches)
    window = Window(
        stream=stream.name,
        number=number,
        state=WindowState.GROWING,
        source=CONSOLIDATION_SOURCE,
        discovered_at=at,
        updated_at=max(at, *(window.updated_at for window in windows)),  # also by a clock that was set back
        verdict=Verdict.FULL,
        reason=f"{num_branches} branches of at most {stream.job.model.max_branches}: to be distilled into "
        f"{len(plan.new_branches)}",
    )
    return window, plan


def _is_growing(store: Store, name: str) -> bool:
    return bool(store.windows(name, _IN_PROGRESS))


def _already_attempted(plan: ConsolidationPlan, store: Store) -> bool:
    """Whether an earlier window had the same plan, but for its number and what follows from it."""
    for window in store.windows(plan.stream):
        if window.verdict is not Verdict.FULL:
            continue
        earlier_plan = store.window_record(plan.stream, window.id).plan
        if isinstance(earlier_plan, ConsolidationPlan) and len(earlier_plan.new_branches) == len(
            plan.new_branches
        ):
            comparable_plan = replace(
                plan,
                window=earlier_plan.window,
                new_branches=earlier_plan.new_branches,
                seed=earlier_plan.seed,
            )
            if comparable_plan == earlier_plan:
                return True
    return False


def consolidate_and_evaluate(context: StepContext, on_progress: ProgressCallback) -> Transition:
    """From growing to evaluated: distil the model, then evaluate it before and after, task by task."""
    plan, ports = context.record.plan, context.ports
    assert isinstance(plan, ConsolidationPlan), "a window with the verdict full is opened with its plan"
    if plan.parent_version != context.stream.parent_version:
        reason = stale_plan_reason(plan, context.stream)
        return make_final_transition(context, WindowState.REJECTED, reason=reason)
    try:
        require_recorded_parent(context, plan)
        result = ports.engine.consolidate(plan, on_progress)
    except (Unavailable, LeaseLost):
        raise  # it may be there again later, or another worker has it: no fault of the window
    except GrowLearnError as error:
        return retry_or_give_up(context, error)
    holdouts = [EvalRequest(task=task_data.task, rows=task_data.holdout) for task_data in plan.task_data]
    candidate = result.build_manifest(plan)
    evaluation = evaluate_consolidated(candidate, plan.parent_manifest, holdouts, context.evaluator)
    references = {task_data.task: task_data.validation for task_data in plan.task_data}
    result = replace(
        result,
        check_logits=store_check_logits(candidate, references, ports.models),
        check_device=describe_device(ports.models.device),
    )
    return make_transition(context, WindowState.EVALUATED, plan=plan, result=result, evaluation=evaluation)
