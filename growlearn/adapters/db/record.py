"""How a window was handled: report, growth, evaluation and gates."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from growlearn.adapters.db import intake
from growlearn.adapters.db.mapping import all_of, columns, values
from growlearn.adapters.db.tables import (
    Base,
    CellRow,
    DriftReportRow,
    DriftScoreRow,
    EvaluationRow,
    GateRow,
    GrowthRow,
)
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.drift import DriftReport, Score
from growlearn.domain.evaluation import Cell, Evaluation, GateResult
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.stream import Transition, WindowRecord
from growlearn.domain.worth import Worth

_CELL, _BEFORE, _KNOWN, _ALONE, _TAUGHT, _ROUTED = "cell", "before", "known", "alone", "taught", "routed"


def write(connection: Connection, transition: Transition) -> None:
    """Store what a transition says; what it leaves None stays as it is."""
    stream, window = transition.stream, transition.window
    if transition.report is not None:
        _write_report(connection, stream, window, transition.report)
    if transition.plan is not None:
        write_plan(connection, stream, window, transition.plan)
    if transition.result is not None:
        _write_growth(connection, stream, window, _of_result(transition.result))
    if transition.evaluation is not None:
        _write_evaluation(connection, stream, window, transition.evaluation, transition.worth)
    if transition.gates:
        _clear(connection, GateRow, stream, window)
        _insert_in_order(connection, GateRow, transition.gates, stream, window)


def write_plan(
    connection: Connection, stream: str, window: str, plan: GrowthPlan | ConsolidationPlan
) -> None:
    """Store what is to be done in a window."""
    _write_growth(connection, stream, window, _of_plan(plan))


def of_window(connection: Connection, stream: str, window: str) -> WindowRecord:
    """All that is stored about a window; raises UnknownName."""
    intake.one(connection, stream, window)
    growth = _row(connection, stream, window, GrowthRow, (GrowthRow.plan, GrowthRow.result))
    worth = _row(connection, stream, window, EvaluationRow, (EvaluationRow.worth,))
    gates = all_of(connection, GateResult, GateRow, GateRow.position, *_at(GateRow, stream, window))
    return WindowRecord(
        report=_report(connection, stream, window),
        plan=None if growth is None else growth.plan,
        result=None if growth is None else growth.result,
        evaluation=_evaluation(connection, stream, window),
        worth=None if worth is None else worth.worth,
        gates=tuple(gates),
    )


def _at(table: Any, stream: str, window: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.stream == stream, table.window == window


def _clear(connection: Connection, table: type[Base], stream: str, window: str) -> None:
    connection.execute(delete(table).where(*_at(table, stream, window)))


def _row(connection: Connection, stream: str, window: str, table: type[Base], wanted: Any) -> Row[Any] | None:
    return connection.execute(select(*wanted).where(*_at(table, stream, window))).one_or_none()


def _insert_in_order(
    connection: Connection, table: type[Base], records: tuple[Any, ...], stream: str, window: str, **more: Any
) -> None:
    rows = [
        values(record, stream=stream, window=window, position=i, **more) for i, record in enumerate(records)
    ]
    if rows:
        connection.execute(insert(table), rows)


def _write_report(connection: Connection, stream: str, window: str, report: DriftReport) -> None:
    _clear(connection, DriftReportRow, stream, window)  # its scores go with it
    said = values(report, stream=stream, window=window)
    scores = said.pop("scores")
    connection.execute(insert(DriftReportRow).values(said))
    _insert_in_order(connection, DriftScoreRow, scores, stream, window)


def _report(connection: Connection, stream: str, window: str) -> DriftReport | None:
    head = (
        DriftReportRow.verdict,
        DriftReportRow.task,
        DriftReportRow.reason,
        DriftReportRow.alpha,
        DriftReportRow.kind,
        DriftReportRow.evidence,
    )
    row = _row(connection, stream, window, DriftReportRow, head)
    if row is None:
        return None
    scores = all_of(
        connection, Score, DriftScoreRow, DriftScoreRow.position, *_at(DriftScoreRow, stream, window)
    )
    return DriftReport(**row._mapping, scores=tuple(scores))


def _of_plan(plan: GrowthPlan | ConsolidationPlan) -> dict[str, Any]:
    if isinstance(plan, ConsolidationPlan):
        return {"plan": plan, "seed": plan.seed}
    return {"plan": plan, "task": plan.task, "parent": plan.parent, "seed": plan.seed}


def _of_result(result: GrowthResult | ConsolidationResult) -> dict[str, Any]:
    return {
        "result": result,
        "birth_loss": result.birth_loss,
        "best_loss": result.best_loss,
        "seconds": result.seconds,
    }


def _write_growth(connection: Connection, stream: str, window: str, said: dict[str, Any]) -> None:
    change = update(GrowthRow).where(*_at(GrowthRow, stream, window)).values(said)
    if connection.execute(change).rowcount == 0:
        connection.execute(insert(GrowthRow).values(stream=stream, window=window, **said))


def _write_evaluation(
    connection: Connection, stream: str, window: str, evaluation: Evaluation, worth: Worth | None
) -> None:
    _clear(connection, EvaluationRow, stream, window)  # its cells go with it
    said = {
        "task": evaluation.task,
        "chance": evaluation.chance,
        "changed": evaluation.changed,
        "worth": worth,
        "succession": evaluation.succession,
    }
    connection.execute(insert(EvaluationRow).values(stream=stream, window=window, **said))
    cells_of = {
        _CELL: evaluation.cells,
        _BEFORE: (evaluation.before,),
        _KNOWN: (evaluation.known,) if evaluation.known else (),
        _ALONE: (evaluation.alone,) if evaluation.alone else (),
        _TAUGHT: evaluation.taught,
        _ROUTED: evaluation.routed,
    }
    for kind, cells in cells_of.items():
        _insert_in_order(connection, CellRow, cells, stream, window, kind=kind)


def _evaluation(connection: Connection, stream: str, window: str) -> Evaluation | None:
    head = (EvaluationRow.task, EvaluationRow.chance, EvaluationRow.changed, EvaluationRow.succession)
    row = _row(connection, stream, window, EvaluationRow, head)
    if row is None:
        return None
    query = select(CellRow.kind, *columns(Cell, CellRow)).where(*_at(CellRow, stream, window))
    cells: dict[str, list[Cell]] = {kind: [] for kind in (_CELL, _BEFORE, _KNOWN, _ALONE, _TAUGHT, _ROUTED)}
    for kind, *rest in connection.execute(query.order_by(CellRow.position)):
        cells[kind].append(Cell(**dict(zip(("task", "correct", "rows", "answers"), rest, strict=True))))
    return Evaluation(
        task=row.task,
        chance=row.chance,
        cells=tuple(cells[_CELL]),
        before=cells[_BEFORE][0],
        known=next(iter(cells[_KNOWN]), None),
        alone=next(iter(cells[_ALONE]), None),
        changed=row.changed,
        taught=tuple(cells[_TAUGHT]),
        routed=tuple(cells[_ROUTED]),
        succession=row.succession,
    )
