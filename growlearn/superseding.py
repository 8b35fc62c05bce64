"""When labels come to mean something else for good, the task that says so takes the place of the old one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from growlearn.domain.drift import DriftKind
from growlearn.domain.errors import DamagedArtifact
from growlearn.domain.evaluation import Cell, Evaluation, Succession
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.lineage import Manifest
from growlearn.domain.window import Window, WindowState
from growlearn.evaluation.gates.evidence import ROUNDING
from growlearn.evaluation.gates.routing import routed_losses
from growlearn.evaluation.measure import routed
from growlearn.ports import Ports, Question

_IN_VAIN = (WindowState.REJECTED, WindowState.SETTLED)


@dataclass(frozen=True)
class Claim:
    """A new task that would take the place of others, and what earlier windows must show for it.

    Of `rows` labelled rows or more the share `least` must be right, and more than by any of the `others` by
    more than `margin`.
    """

    candidate: Manifest
    task: str
    others: tuple[str, ...]
    least: float
    margin: float
    rows: int


def supersede(
    plan: GrowthPlan,
    result: GrowthResult,
    evaluation: Evaluation,
    past: Sequence[Evaluation],
    windows: Sequence[Window],
    holdouts: Sequence[Question],
    ports: Ports,
) -> tuple[GrowthResult, Evaluation]:
    """Let a new task succeed those it contradicts, where enough windows in a row ask for it.

    One window may be wrong: the gate `routing` refuses it. Of `supersede_after` that look as ever and want
    other answers, with none of the old meaning in between, the last is let in, if what it learned answers the
    rows of those before, which it never saw, as well as its own (within `max_routed_loss`), and better than
    the tasks it would succeed do (by more than that). past are the evaluations of the versions grown from,
    windows the stream's up to this one, both oldest first.
    """
    job = ports.store.stream(plan.stream).job
    after, most = job.gates.supersede_after, job.gates.max_routed_loss
    losses = routed_losses(evaluation, past)
    lost = tuple(task for task, loss in losses.items() if loss > most + ROUNDING)
    if after is None or not lost or not _is_other_relation(windows[-1], ports):
        return result, evaluation
    least = evaluation.accuracy(plan.task) - most
    claim = Claim(result.manifest_of(plan), plan.task, lost, least, most, job.drift.min_rows)
    agreeing = _agreeing(claim, windows, after - 1, ports)
    if len(agreeing) < after - 1:
        return result, evaluation
    result = replace(result, superseded=lost)
    succession = Succession(
        tasks=lost, windows=tuple(window for window, _ in agreeing), cells=tuple(cell for _, cell in agreeing)
    )
    answers = routed(result.manifest_of(plan), holdouts, ports.evaluator)
    return result, replace(evaluation, routed=answers, succession=succession)


def _agreeing(claim: Claim, windows: Sequence[Window], wanted: int, ports: Ports) -> list[tuple[str, Cell]]:
    """The latest windows that bear the claim out, up to one of those tasks, or one that speaks against it.

    Windows of other tasks in between say nothing of these, and the same file sent again nothing new.
    """
    found: list[tuple[str, Cell]] = []
    seen = [windows[-1].snapshot]
    for window in reversed(windows[:-1]):
        if len(found) == wanted or window.task in claim.others:
            break
        if window.state not in _IN_VAIN or window.snapshot in seen or not _is_other_relation(window, ports):
            continue
        cell = _answered(claim, window, ports)
        if cell is None:
            break
        found.append((window.id, cell))
        seen.append(window.snapshot)
    return found


def _answered(claim: Claim, window: Window, ports: Ports) -> Cell | None:
    """What the new task answers to all rows of a window; None where it is not well enough, or not known."""
    asked = [Question(task=name, rows=str(window.snapshot)) for name in (claim.task, *claim.others)]
    try:
        mine, *theirs = ports.evaluator.evaluate(claim.candidate, asked)
    except (DamagedArtifact, KeyError, ValueError):
        return None  # its rows are gone, or were stored under other columns
    if mine.rows < claim.rows or mine.accuracy < claim.least:
        return None
    return mine if all(mine.accuracy - each.accuracy > claim.margin for each in theirs) else None


def _is_other_relation(window: Window, ports: Ports) -> bool:
    """Whether its rows look as ever and want other answers."""
    report = ports.store.record(window.stream, window.id).report
    return report is not None and report.kind is DriftKind.RELATION
