"""What each step recorded about a window: drift reports, growth, evaluation and gates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from growlearn.adapters.db import ingest
from growlearn.adapters.db.drift_reports import ReportsByJudgement, load_reports, write_report
from growlearn.adapters.db.evaluations import select_evaluations, write_evaluation
from growlearn.adapters.db.growths import GrowthEvidence, load_growths, write_growth
from growlearn.adapters.db.mapping import delete_window_rows, get_columns, insert_in_order, match_windows
from growlearn.adapters.db.tables import GateRow
from growlearn.domain.evaluation import Evaluation, GateResult
from growlearn.domain.model_selection import ModelSelection
from growlearn.domain.stream import Transition, WindowRecord


@dataclass(frozen=True, kw_only=True)
class StepEvidence:
    """All that the steps of a window recorded, with the report of each judgement."""

    reports: ReportsByJudgement = field(default_factory=dict)
    growth: GrowthEvidence = field(default_factory=GrowthEvidence)
    evaluation: Evaluation | None = None
    model_selection: ModelSelection | None = None
    gates: tuple[GateResult, ...] = ()


def write_window_record(connection: Connection, transition: Transition) -> None:
    """Store what a transition holds; a field that is None leaves the stored value as it is.

    The transition's entry of the decision log is already written.
    """
    stream, window = transition.stream, transition.window
    if transition.report is not None:
        write_report(connection, stream, window, transition.report)
    write_growth(connection, transition)
    if transition.evaluation is not None:
        write_evaluation(connection, stream, window, transition.evaluation, transition.model_selection)
    if transition.gates:
        delete_window_rows(connection, GateRow, stream, window)
        insert_in_order(connection, GateRow, transition.gates, stream=stream, window=window)


def load_window_record(connection: Connection, stream: str, window: str) -> WindowRecord:
    """The latest that is stored about a window; raises NotFound."""
    ingest.get_window(connection, stream, window)
    evidence = load_evidence(connection, stream, window).get(window, StepEvidence())
    reports = evidence.reports
    return WindowRecord(
        report=reports[max(reports)] if reports else None,
        plan=evidence.growth.trained_plan or evidence.growth.plan,
        result=evidence.growth.result,
        evaluation=evidence.evaluation,
        model_selection=evidence.model_selection,
        gates=evidence.gates,
    )


def load_evidence(
    connection: Connection, stream: str, window: str | None = None
) -> Mapping[str, StepEvidence]:
    """What is stored about one window, or about all of a stream, by window."""
    reports = load_reports(connection, stream, window)
    growths = load_growths(connection, stream, window)
    evaluations = select_evaluations(connection, stream, window)
    gates = _load_gates(connection, stream, window)
    evidence = {}
    for name in {*reports, *growths, *evaluations, *gates}:
        evaluation, model_selection = evaluations.get(name, (None, None))
        evidence[name] = StepEvidence(
            reports=reports.get(name, {}),
            growth=growths.get(name, GrowthEvidence()),
            evaluation=evaluation,
            model_selection=model_selection,
            gates=tuple(gates.get(name, ())),
        )
    return evidence


def _load_gates(connection: Connection, stream: str, window: str | None) -> Mapping[str, list[GateResult]]:
    gates: dict[str, list[GateResult]] = defaultdict(list)
    query = select(GateRow.window, *get_columns(GateResult, GateRow))
    query = query.where(*match_windows(GateRow, stream, window)).order_by(GateRow.position)
    for row in connection.execute(query):
        values = dict(row._mapping)
        gates[values.pop("window")].append(GateResult(**values))
    return gates
