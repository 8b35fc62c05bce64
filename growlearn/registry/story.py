"""Why a version is what it is, or why nothing came of a window: the ledger told as a short story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.drift import BudgetLeft, DriftReport, Score
from growlearn.domain.evaluation import Cell, Evaluation, GateResult, Succession
from growlearn.domain.growth import GrowthPlan, GrowthResult, ParentScore, Trial
from growlearn.domain.ledger import Chapter, Entry
from growlearn.domain.stream import Alias, AliasMove, Transition
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.domain.worth import Comparison, Contender, Worth
from growlearn.ports import Store
from growlearn.registry.ancestry import find

_SCORES = 3  # that are told; the drift report holds all
_ENDS = {
    WindowState.SETTLED: "nothing was grown",
    WindowState.WAITING: "it waits for labels",
    WindowState.PROMOTED: "promoted",
    WindowState.HELD: "held for a person to promote",
    WindowState.REJECTED: "rejected",
}


def story_of_window(store: Store, stream: str, window_id: str) -> tuple[Chapter, ...]:
    """What came in, what was found, planned, tried and decided, and what became of it; raises UnknownName."""
    window = store.window(stream, window_id)
    entries = store.ledger(stream)
    steps = [entry.step for entry in entries if entry.window == window_id and entry.step is not None]
    version = next((v.number for v in store.versions(stream) if v.window == window_id), None)
    chapters = [Chapter("What came", tuple(_came(window)))]
    for step in steps:
        chapters += _told(step)
    chapters.append(Chapter("What became of it", tuple(_fate(version, entries))))
    chapters.append(Chapter("Written down by", tuple(_written(entries, window_id))))
    return tuple(chapter for chapter in chapters if chapter.lines)


def story_of_version(store: Store, stream: str, number: int) -> tuple[Chapter, ...]:
    """The story of the window that a version came from; raises UnknownName."""
    return story_of_window(store, stream, find(store.versions(stream), number).window)


def _came(window: Window) -> Iterator[str]:
    if window.verdict is Verdict.FULL:
        yield f"{window.id} brought no rows: the model had no room for another branch."
        return
    yield f"{window.id}: {window.rows} rows from {window.source}, taken in {_at(window.discovered_at)}."
    if window.state is WindowState.QUARANTINED:
        yield f"It was quarantined: {window.reason}."
    if window.labelled is not None and window.labelled < window.rows:
        yield f"{window.labelled} of them have labels."
    if window.quarantined_rows:
        yield f"{window.quarantined_rows} more rows were kept out as bad input."


def _told(step: Transition) -> Iterator[Chapter]:
    if step.report is not None:
        yield Chapter("What was found", tuple(_found(step.report)))
    if step.budget is not None:
        yield Chapter("What the policy left", tuple(_left(step.budget)))
    if step.plan is not None and (
        step.source is WindowState.JUDGED or isinstance(step.plan, ConsolidationPlan)
    ):
        yield Chapter("What was planned", tuple(_planned(step.plan)))
    trained = step.source is WindowState.GROWING
    if trained and isinstance(step.plan, GrowthPlan) and step.plan.trials:
        yield Chapter("What was tried", tuple(_trial(trial) for trial in step.plan.trials))
    if step.worth is not None:
        yield Chapter("Was it worth it", tuple(_weighed(step.worth)))
    if trained and step.result is not None:
        yield Chapter("How the candidate was trained", tuple(_trained(step.result)))
    if step.evaluation is not None:
        yield Chapter("What it answers", tuple(_measured(step.evaluation)))
    if step.gates:
        yield Chapter("What the gates said", tuple(_gate(gate) for gate in step.gates))
    if step.target in _ENDS:
        yield Chapter("What was decided", tuple(_decided(step)))


def _found(report: DriftReport) -> Iterator[str]:
    kind = "" if report.kind is None else f" ({report.kind})"
    task = "" if report.task is None else f", task {report.task!r}"
    yield f"Verdict: {report.verdict}{kind}{task}: {report.reason}."
    yield f"Error budget: alpha {report.alpha:g}."
    strongest = sorted(report.scores, key=lambda score: score.p_value)[:_SCORES]
    for score in strongest:
        yield _score(score)
    if len(report.scores) > len(strongest):
        yield f"The strongest of {len(report.scores)} tests are told here."


def _score(score: Score) -> str:
    return (
        f"{score.detector} on {score.name} against task {score.task!r}: effect {score.effect:.3g}, "
        f"p {score.p_value:.2g}, drift below {score.threshold:.2g} "
        f"({score.window_rows} rows against {score.reference_rows})."
    )


def _left(budget: BudgetLeft) -> Iterator[str]:
    if budget.growths is not None:
        yield f"{budget.growths} more growths were allowed within the day."
    if budget.hours is not None:
        yield f"{budget.hours:.3g} more hours of training were allowed."


def _planned(plan: GrowthPlan | ConsolidationPlan) -> Iterator[str]:
    if isinstance(plan, ConsolidationPlan):
        yield (
            f"Distil version {plan.base_version} with its {_branches(len(plan.base.branches))} into "
            f"{len(plan.new_branches)}: {', '.join(plan.new_branches)}."
        )
        return
    on = "from nothing" if plan.base_version is None else f"on version {plan.base_version}"
    start = {
        "zero": "adding nothing at first",
        "copy": f"as a copy of the last branch of task {plan.parent!r}",
        "own": "with a stem of its own",
    }[plan.birth]
    yield (
        f"Grow {', '.join(plan.new_branches)} for task {plan.task!r} {on}, {start}; "
        f"{len(plan.classes)} classes, seed {plan.seed}."
    )
    if plan.parent_scores:
        yield "Starts considered, by a probe: " + "; ".join(map(_considered, plan.parent_scores)) + "."


def _considered(score: ParentScore) -> str:
    whose = "the bare stem" if score.task is None else f"task {score.task!r}"
    if score.birth == "own":
        whose = "a stem of its own"
    elif score.birth == "copy":
        whose = f"a copy of {whose}"
    return f"{whose} {_percent(score.accuracy)}"


def _trial(trial: Trial) -> str:
    parent = "" if trial.parent is None else f" of task {trial.parent!r}"
    return (
        f"{trial.birth}{parent}, learning rate {trial.learning_rate:g}, seed {trial.seed}: validation loss "
        f"{trial.loss:.4f} within {trial.epochs} epochs."
    )


def _trained(result: GrowthResult | ConsolidationResult) -> Iterator[str]:
    made = ", ".join(branch.id for branch in result.branches) or "a head alone"
    yield (
        f"{made}: {len(result.epochs)} epochs on {result.train_rows} rows in "
        f"{result.seconds:.1f} s, {result.threads} threads, seed {result.seed}."
    )
    yield (
        f"Validation loss {result.birth_loss:.4f} at birth, {result.best_loss:.4f} at its best "
        f"(epoch {result.best_epoch}), on {result.validation_rows} rows; {result.parameters:,} parameters."
    )


def _weighed(worth: Worth) -> Iterator[str]:
    for each in worth.contenders:
        yield _contender(each)
    compared = {means for each in worth.comparisons for means in (each.cheaper, each.dearer)}
    for each in worth.contenders:
        if worth.comparisons and each.means not in compared:
            yield f"{each.means} costs what another does, which has the lower validation loss."
    for comparison in worth.comparisons:
        yield _comparison(comparison)
    least = f", by {_points(worth.min_effect)} or more" if worth.min_effect else ""
    yield f"The cheapest that none beats at alpha {worth.alpha:g}{least}: {worth.winner}."


def _contender(each: Contender) -> str:
    loss = "" if each.validation_loss is None else f", validation loss {each.validation_loss:.4f}"
    return (
        f"{each.means}: {_share(each.cell)} right{loss}; {each.parameters:,} parameters more, "
        f"{_branches(each.branches)} run, {1000 * each.latency_s:.3g} ms an answer, "
        f"{each.seconds:.1f} s of training."
    )


def _comparison(each: Comparison) -> str:
    verdict = "beats" if each.beaten else "does not beat"
    return (
        f"{each.dearer} {verdict} {each.cheaper}: {each.gained} rows won, {each.lost} lost of {each.rows}, "
        f"{_points(each.difference)} ({100 * each.low:+.2f} to {100 * each.high:+.2f}), p {each.p_value:.2g}."
    )


def _measured(evaluation: Evaluation) -> Iterator[str]:
    yield "Right on hold-out rows: " + "; ".join(_cell(cell) for cell in evaluation.cells) + "."
    before = f"Before it was trained {_share(evaluation.before)} of {evaluation.task!r}"
    known = evaluation.known
    if known is not None:
        before += f", by task {known.task!r} as it is {_share(known)}"
    yield f"{before}; by chance {_percent(evaluation.chance)}."
    if evaluation.routed:
        yield "Without being told the task: " + "; ".join(_cell(cell) for cell in evaluation.routed) + "."
    if evaluation.succession is not None:
        yield _succession(evaluation.task, evaluation.succession)
    if evaluation.changed:
        yield f"Changed, though frozen: {', '.join(evaluation.changed)}."


def _succession(task: str, found: Succession) -> str:
    told = zip(found.windows, found.cells, strict=True)
    agreed = "; ".join(f"{window} {_share(cell)}" for window, cell in told)
    gone = ", ".join(map(repr, found.tasks))
    return (
        f"Rows that name no task are not sent to {gone} any more: {task!r} takes "
        f"that place, for it answers earlier windows of which nothing came: {agreed}."
    )


def _gate(gate: GateResult) -> str:
    passed = "passed" if gate.passed else "FAILED"
    return f"{gate.gate} {passed} ({_figure(gate.figure)}, bound {_figure(gate.bound)}): {gate.reason}."


def _decided(step: Transition) -> Iterator[str]:
    yield f"{_at(step.at)}, by {step.worker}: {_ENDS[step.target]}."
    if step.reason is not None and not step.gates:
        yield f"Because: {step.reason}."
    failed = [gate.gate for gate in step.gates if not gate.passed]
    if failed:
        yield f"Stopped by: {', '.join(failed)}."
    if step.version is not None:
        yield (
            f"It is version {step.version.number}, of {_branches(len(step.version.branches))} and "
            f"{step.version.parameters:,} parameters."
        )


def _fate(version: int | None, entries: Sequence[Entry]) -> Iterator[str]:
    if version is None:
        return
    moves = [move for entry in entries for move in entry.moves if version in (move.before, move.after)]
    for move in moves:
        yield _move(move, version)
    champion = [move.after for entry in entries for move in entry.moves if move.alias is Alias.CHAMPION]
    if champion and champion[-1] == version:
        yield "It is the champion now."
    elif champion:
        yield f"The champion now is {_version(champion[-1])}."


def _move(move: AliasMove, version: int) -> str:
    turn = f"{move.alias} {_version(move.before)} -> {_version(move.after)}"
    why = f" ({move.reason})"
    if move.actor == "gates":  # its reason is that window's whole story
        why = "" if move.after == version else f" (from {move.reason.partition(':')[0]})"
    return f"{_at(move.at)}: {turn}, by {move.actor}{why}."


def _written(entries: Sequence[Entry], window: str) -> Iterator[str]:
    mine = [entry for entry in entries if entry.window == window]
    for (code, configuration), count in Counter((entry.code, entry.configuration) for entry in mine).items():
        yield f"growlearn {code}, job {configuration}, {count} entries of the ledger."
    for snapshot in dict.fromkeys(entry.snapshot for entry in mine if entry.snapshot is not None):
        yield f"Rows: sha256 {snapshot}."


def _cell(cell: Cell) -> str:
    return f"task {cell.task!r} {_share(cell)}"


def _share(cell: Cell) -> str:
    return f"{_percent(cell.accuracy)} ({cell.correct} of {cell.rows})"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _points(difference: float) -> str:
    return f"{100 * difference:+.2f} points"


def _version(number: int | None) -> str:
    return "none" if number is None else f"version {number}"


def _branches(count: int) -> str:
    return "1 branch" if count == 1 else f"{count} branches"


def _figure(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _at(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
