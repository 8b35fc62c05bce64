"""The steps of a cycle: each reads only what is stored and makes one move of a window's state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from growlearn.domain.drift import BudgetLeft, DriftKind, DriftReport
from growlearn.domain.errors import GrowLearnError, NotGrowable, NotReadable, TooFewLabels, Unavailable
from growlearn.domain.evaluation import Evaluation
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.job import GateSpec, HoldoutFiles, SourceSpec
from growlearn.domain.ledger import configuration_of
from growlearn.domain.lineage import Manifest, Task, Version
from growlearn.domain.stream import AliasMove, Message, MessageKind, Stream, Transition
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.drift.actions import ACTIONS
from growlearn.drift.judge import judge
from growlearn.drift.policy import Training, asks_for_trainings, budget_left, refusal, trainings_of
from growlearn.drift.reference import Reference
from growlearn.drift.sample import Sample
from growlearn.drift.windows import WINDOWS
from growlearn.evaluation.flips import flips_of
from growlearn.evaluation.gates import check
from growlearn.evaluation.gates.evidence import Evidence
from growlearn.evaluation.measure import best_known, measure
from growlearn.growth.model.network import GrowingNetwork, load_network
from growlearn.growth.plan import Base, alone, empty_manifest, plan_growth, survey
from growlearn.growth.proof import changed_tasks, keep_answers
from growlearn.growth.waiting import has_waited, may_wait, require_share, wanted_labels
from growlearn.ingest.holdout import Holdout, load_holdout
from growlearn.ingest.labels import speaking
from growlearn.ingest.rows import Rows, concat, from_parquet
from growlearn.ports import Artifacts, Ports, Question, Report, Store
from growlearn.registry.ancestry import chain, find
from growlearn.registry.candidate import Plan, branches_of, task_of, version_of
from growlearn.registry.decide import decide
from growlearn.registry.matrix import evaluations_of
from growlearn.registry.promotion import challenge, promote
from growlearn.searching import search
from growlearn.serving.evidence import with_evidence
from growlearn.serving.late import late_windows, with_late_labels
from growlearn.serving.references import references_of, sample_of
from growlearn.superseding import supersede
from growlearn.weighing import Grown, cheapest

MOST_FAILURES = 5
"""Trainings of one window that may fail before it is rejected."""
_ACTOR = "gates"
"""Who moved an alias when no person did."""


@dataclass(frozen=True)
class Stand:
    """A window, its stream, and the version that the next growth extends."""

    window: Window
    stream: Stream
    versions: tuple[Version, ...]
    base: Version | None

    @property
    def manifest(self) -> Manifest:
        """The model grown from; empty for a stream that has none yet."""
        return empty_manifest(self.stream.job) if self.base is None else self.base.manifest


def stand_of(window: Window, ports: Ports) -> Stand:
    """Where a window and its stream stand now."""
    stream = ports.store.stream(window.stream)
    versions = tuple(ports.store.versions(window.stream))
    return Stand(window, stream, versions, None if stream.base is None else find(versions, stream.base))


def judge_window(stand: Stand, ports: Ports, _: Report) -> Transition:
    """From accepted to judged: the drift report."""
    window, store = stand.window, ports.store
    opened = store.tasks(window.stream)
    known = tasks_of(stand.manifest, opened)
    active = [task for task in known if task.name in stand.manifest.active]
    spec = stand.stream.job.drift
    try:
        rows = _rows(stand, ports.artifacts)
    except (KeyError, ValueError):
        return _outgrown(stand, ports)
    labels, rare = speaking(rows.labels, spec.min_class_rows)
    verdict = judge(
        window,
        labels,
        active,
        lambda tasks: _references(stand, known, tasks, rows, ports),
        spec,
        current=current_task(window, store),
        taken=[task.name for task in opened],
        rare=rare,
    )
    # A task that is only to be opened may never be: its name stands in the report until it is.
    task = None if verdict.calls_for_growth else verdict.task
    return move(
        stand, ports, WindowState.JUDGED, verdict=verdict.verdict, task=task, reason=verdict.reason,
        report=verdict,
    )  # fmt: skip


def _outgrown(stand: Stand, ports: Ports) -> Transition:
    """A window whose job was given other columns since, as may happen while it waits, stops nobody."""
    reason = "its rows were stored under other columns than the schema names now"
    alpha = stand.stream.job.drift.alpha
    report = DriftReport(verdict=Verdict.CANNOT_JUDGE, task=None, reason=reason, alpha=alpha)
    return move(stand, ports, WindowState.JUDGED, verdict=report.verdict, reason=reason, report=report)


def _references(
    stand: Stand, known: Sequence[Task], tasks: Sequence[Task], rows: Rows, ports: Ports
) -> tuple[Reference, ...]:
    """The fitting ones of the known tasks, with what earlier windows said against each."""
    number, store, job = stand.window.number, ports.store, stand.stream.job
    earlier = earlier_windows(stand.window, store)
    rows = WINDOWS[job.drift.window](
        rows, earlier, lambda each: _rows(replace(stand, window=each), ports.artifacts), job.drift
    )
    network = _load(ports)(stand.manifest)
    found = references_of(stand.manifest, network, tasks, rows, ports.artifacts, number)
    found = with_evidence(found, known, earlier, lambda each: store.record(each.stream, each.id).report, job)
    if job.schema.key is None or job.drift.decision != "anytime":
        return found

    def sample(task: str, windows: Sequence[Window]) -> Sample:
        late = concat([_rows(replace(stand, window=each), ports.artifacts) for each in windows])
        return sample_of(network, next(each for each in tasks if each.name == task), late, job.schema)

    return with_late_labels(found, late_windows(earlier, store.label_joins(stand.stream.name)), sample)


def plan_or_settle(stand: Stand, ports: Ports, _: Report) -> Transition:
    """From judged to growing, with the plan; waiting, where labels may still come; or settled, for good."""
    window, job = stand.window, stand.stream.job
    verdict = ports.store.record(window.stream, window.id).report
    assert verdict is not None, "a judged window has its report"
    if not verdict.calls_for_growth:
        return end(stand, ports, WindowState.SETTLED)
    assert verdict.task is not None, "a verdict that calls for growth names the task"
    refused, budget = _policy(stand, verdict.kind, ports)
    if refused is not None:
        return end(
            stand, ports, WindowState.SETTLED, reason=f"{verdict.reason}; not grown: {refused}", budget=budget
        )
    task, waits = verdict.task, may_wait(window, job, ports.clock.now())
    try:
        if waits:
            require_share(window, job)
        rows = _rows(stand, ports.artifacts)
        ground = survey(job, rows, lambda kind: _own_holdout(stand, task, kind, ports))
        grown = len(ports.store.branches(window.stream))
        base = Base(stand.manifest, stand.stream.base)
        plan = plan_growth(job, window, task, ground, base, grown, ports.artifacts, _load(ports))
    except TooFewLabels as refusal:
        return _wait_or_settle(stand, ports, verdict.reason, refusal)
    except NotGrowable as refusal:
        return end(stand, ports, WindowState.SETTLED, reason=f"{verdict.reason}; not grown: {refusal}")
    return move(stand, ports, WindowState.GROWING, plan=plan, budget=budget)


def _policy(stand: Stand, kind: DriftKind | None, ports: Ports) -> tuple[str | None, BudgetLeft | None]:
    """Why the job does not let this window be grown for, if it does not, and what its budgets still allow."""
    window, spec, now = stand.window, stand.stream.job.policy, ports.clock.now()
    assert window.verdict is not None, "a judged window has its verdict"
    earlier = earlier_windows(window, ports.store)
    trainings: tuple[Training, ...] = ()
    if asks_for_trainings(spec):
        windows = ports.store.windows(window.stream)  # a woken one is not the last to have trained
        trainings = trainings_of(windows, lambda each: ports.store.record(each.stream, each.id))
    why = ACTIONS[stand.stream.job.drift.action](window.verdict)
    refused = why or refusal(window, kind, earlier, trainings, spec, now)
    return refused, budget_left(trainings, spec, now)


def _wait_or_settle(stand: Stand, ports: Ports, verdict: str, refusal: TooFewLabels) -> Transition:
    """A window that may wait for labels, does; it holds up none of those behind it."""
    window, job = stand.window, stand.stream.job
    if may_wait(window, job, ports.clock.now()):
        return move(
            stand, ports, WindowState.WAITING, reason=f"{verdict}; waits for labels: {refusal.what}",
            wanted=wanted_labels(window, job), judged_by=stand.stream.base,
        )  # fmt: skip
    vain = f"no labels within {job.labels.wait}: " if has_waited(window, job, ports.clock.now()) else ""
    return end(stand, ports, WindowState.SETTLED, reason=f"{verdict}; not grown: {vain}{refusal}")


def grow_and_measure(stand: Stand, ports: Ports, report: Report) -> Transition:
    """From growing to evaluated: train the plan and its rivals, then measure the cheapest that none beats.

    A window whose training fails again and again is rejected, so that it cannot stop its stream.
    """
    plan = ports.store.record(stand.window.stream, stand.window.id).plan
    assert isinstance(plan, GrowthPlan), "a growing window has its plan"
    if plan.base_version != stand.stream.base:
        return end(stand, ports, WindowState.REJECTED, reason=outdated(plan, stand.stream))
    lone: Manifest | None = None
    try:
        plan = _chosen(stand, plan, ports, report)
        known = best_known(plan.base, plan.classes, plan.holdout, ports.evaluator)
        grown = Grown(plan, ports.engine.run(plan, report), known)
        grown = cheapest(grown, stand.stream.job.worth, ports, report)
        if stand.stream.job.evaluation.reference == "alone":
            lone_plan = alone(plan)
            lone = ports.engine.run(lone_plan, report).manifest_of(lone_plan)
    except Unavailable:
        raise  # it may be there again later: no fault of the window
    except GrowLearnError as error:
        return give_up(stand, ports, error)
    return _measured(stand, ports, grown, lone)


def _chosen(stand: Stand, plan: GrowthPlan, ports: Ports, report: Report) -> GrowthPlan:
    """The best of the job's candidates; after a stream's first growth its learning rate is taken over."""
    spec = stand.stream.job.search
    if stand.base is None or spec.when == "every":
        return search(plan, spec, ports.engine, report)
    root = chain(stand.versions, stand.base.number)[0]
    first = ports.store.record(stand.stream.name, root.window).plan
    if not isinstance(first, GrowthPlan) or not first.trials:
        return plan
    return replace(plan, growth=replace(plan.growth, learning_rate=first.growth.learning_rate))


def _measured(stand: Stand, ports: Ports, grown: Grown, lone: Manifest | None) -> Transition:
    plan, result = grown.plan, grown.result
    known = tasks_of(plan.base, ports.store.tasks(plan.stream))
    holdouts = [Question(task=task.name, rows=task.holdout) for task in known]
    holdouts.append(Question(task=plan.task, rows=plan.holdout))
    candidate, born = result.manifest_of(plan), result.birth_manifest_of(plan)
    evaluation = measure(candidate, born, lone, grown.known, plan.task, holdouts, ports.evaluator)
    if evaluation.routed:  # else there is nothing to lose, and no past to be read
        windows = [*earlier_windows(stand.window, ports.store), stand.window]
        past = _past(stand, ports)
        result, evaluation = supersede(plan, result, evaluation, past, windows, holdouts, ports)
    evaluation = replace(evaluation, changed=_changed(plan.base, candidate, known, ports))
    references = {task.name: task.reference for task in known} | {plan.task: plan.validation}
    result = replace(result, probes=keep_answers(candidate, references, ports.artifacts))
    return move(
        stand, ports, WindowState.EVALUATED, plan=plan, result=result, evaluation=evaluation,
        worth=grown.worth,
    )  # fmt: skip


def _past(stand: Stand, ports: Ports) -> tuple[Evaluation, ...]:
    """Evaluations of the versions that the next growth extends, oldest first."""
    versions = () if stand.base is None else chain(stand.versions, stand.base.number)
    return evaluations_of(ports.store, stand.stream.name, versions)


def give_up(stand: Stand, ports: Ports, error: GrowLearnError) -> Transition:
    """Count the failure and raise it, or, once there were enough of them, reject the window."""
    window = stand.window
    reason = f"growing failed: {error}"
    failures = ports.store.failed(window.stream, window.id, ports.worker, reason, ports.clock.now())
    if failures < MOST_FAILURES:
        raise error
    return end(stand, ports, WindowState.REJECTED, reason=f"given up after {failures} tries; {reason}")


def _changed(before: Manifest, after: Manifest, known: Sequence[Task], ports: Ports) -> tuple[str, ...]:
    """Earlier tasks that the candidate does not answer bit for bit as the base does."""
    probes = {task.name: from_parquet(ports.artifacts.get(task.reference), before.schema) for task in known}
    return changed_tasks(_load(ports)(before), _load(ports)(after), probes)


def promote_or_reject(stand: Stand, ports: Ports, _: Report) -> Transition:
    """From evaluated to promoted | held | rejected: the gates decide, and the record says why."""
    stream, at = stand.stream, ports.clock.now()
    record = ports.store.record(stream.name, stand.window.id)
    plan, result, evaluation = record.plan, record.result, record.evaluation
    assert plan is not None
    assert result is not None
    assert evaluation is not None, "an evaluated window has plan, result and evaluation"
    if plan.base_version != stream.base:
        return end(
            stand, ports, WindowState.REJECTED, reason=outdated(plan, stream),
            branches=branches_of(plan, result, None, at),
        )  # fmt: skip
    version = version_of(plan, result, evaluation, stand.versions, stand.base, at)
    earlier = _past(stand, ports)
    gates = check(
        Evidence(
            evaluation=evaluation,
            past=earlier,
            result=result,
            parameters=version.parameters,
            worth=record.worth,
            flips=flips_of(evaluation, earlier, ports.artifacts),
        ),
        _bounds(plan, stream),
    )
    decision = decide(gates, stream.job.registry.promote, stream.champion)
    if decision.state is WindowState.REJECTED:
        return end(
            stand, ports, decision.state, reason=decision.reason, gates=gates,
            branches=branches_of(plan, result, None, at),
        )  # fmt: skip
    crown = promote if decision.state is WindowState.PROMOTED else challenge
    moves, base = crown(
        stream, (*stand.versions, version), version.number, _ACTOR, f"{plan.window}: {decision.reason}", at
    )
    opened = task_of(plan, result, version.number, at)
    return end(
        stand, ports, decision.state, task=None if opened is None else opened.name, reason=decision.reason,
        gates=gates, version=version, base=base, base_before=plan.base_version,
        branches=branches_of(plan, result, version.number, at), opened=opened, alias_moves=moves,
    )  # fmt: skip


def _bounds(plan: Plan, stream: Stream) -> GateSpec:
    """The job's gates; a consolidation may lose what the job allowed it when it was planned."""
    if isinstance(plan, GrowthPlan):
        return stream.job.gates
    return replace(stream.job.gates, max_forgetting=plan.max_accuracy_loss)


def outdated(plan: Plan, stream: Stream) -> str:
    """Why a plan is given up whose base is no longer that of its stream."""
    return (
        f"grown from version {plan.base_version}, but growth goes on from version {stream.base} by now; "
        "the same rows may be sent again"
    )


def move(stand: Stand, ports: Ports, target: WindowState, **records: object) -> Transition:
    """A move of the window to its next state, with what is recorded."""
    window = stand.window
    return Transition(
        stream=window.stream,
        window=window.id,
        source=window.state,
        target=target,
        worker=ports.worker,
        at=ports.clock.now(),
        snapshot=window.snapshot,
        configuration=configuration_of(stand.stream.job),
        **records,  # type: ignore[arg-type]
    )


def end(
    stand: Stand,
    ports: Ports,
    target: WindowState,
    *,
    alias_moves: tuple[AliasMove, ...] = (),
    **records: object,
) -> Transition:
    """A last move, with what the tracker must learn."""
    name = stand.stream.name
    messages = [Message(stream=name, kind=MessageKind.CYCLE, window=stand.window.id)]
    if alias_moves:
        messages.append(Message(stream=name, kind=MessageKind.ALIASES))
    return move(stand, ports, target, alias_moves=alias_moves, messages=tuple(messages), **records)


def tasks_of(base: Manifest, opened: Sequence[Task]) -> tuple[Task, ...]:
    """Tasks of a model, oldest first; those of versions rolled back are not known any more."""
    known = {head.name for head in base.tasks}
    return tuple(task for task in opened if task.name in known)


def earlier_windows(window: Window, store: Store) -> list[Window]:
    """The stream's windows before this one, in order."""
    return [each for each in store.windows(window.stream) if each.number < window.number]


def current_task(window: Window, store: Store) -> str | None:
    """The task the stream was in before this window."""
    before = [each.task for each in earlier_windows(window, store) if each.verdict]
    return next((task for task in reversed(before) if task is not None), None)


def _rows(stand: Stand, artifacts: Artifacts) -> Rows:
    if stand.window.snapshot is None:
        raise GrowLearnError(f"window {stand.window.id} of {stand.stream.name!r} has no stored rows")
    return from_parquet(artifacts.get(stand.window.snapshot), stand.stream.job.schema)


def _own_holdout(stand: Stand, task: str, kind: type | None, ports: Ports) -> Holdout:
    spec = stand.stream.job.holdout
    assert isinstance(spec, HoldoutFiles)
    named = stand.window.task or task  # the name in the task column, not that of a later regime
    try:
        source = ports.open_source(SourceSpec(url=spec.url, pattern=spec.pattern, settle_s=0))
        files = {file.url: source.read(file) for file in source.files()}
    except (NotReadable, Unavailable):
        raise  # it may be there again later
    except GrowLearnError as error:
        raise NotGrowable(f"the hold-out files cannot be read: {error}") from error
    return load_holdout(files, stand.stream.job.schema, named, kind)


def _load(ports: Ports) -> Callable[[Manifest], GrowingNetwork]:
    return lambda manifest: load_network(manifest, ports.artifacts.get)
