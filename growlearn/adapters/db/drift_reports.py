"""Drift reports: one each time a window is judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from growlearn.adapters.db.mapping import get_columns, insert_in_order, match_windows, to_row
from growlearn.adapters.db.tables import DecisionLogRow, DriftReportRow, DriftTestResultRow
from growlearn.domain.drift import DriftReport, DriftTestResult
from growlearn.domain.window import WindowState

ReportsByJudgement = Mapping[int, DriftReport]


def write_report(connection: Connection, stream: str, window: str, report: DriftReport) -> None:
    """Store the report of the latest judgement in the decision log, whose entry is already written."""
    key = {"stream": stream, "window": window, "judgement": _count_judgements(connection, stream, window)}
    same = (getattr(DriftReportRow, name) == value for name, value in key.items())
    connection.execute(delete(DriftReportRow).where(*same))  # its test results are deleted with it
    row = to_row(report, **key)
    test_results = row.pop("test_results")
    connection.execute(insert(DriftReportRow).values(row))
    insert_in_order(connection, DriftTestResultRow, test_results, **key)


def _count_judgements(connection: Connection, stream: str, window: str) -> int:
    query = (
        select(func.count())
        .select_from(DecisionLogRow)
        .where(*match_windows(DecisionLogRow, stream, window), DecisionLogRow.target == WindowState.JUDGED)
    )
    return connection.scalar(query) or 0


def load_reports(connection: Connection, stream: str, window: str | None) -> Mapping[str, ReportsByJudgement]:
    """The reports of one window, or of all, by window and judgement, the first judgement first."""
    return _select_reports(
        connection,
        match_windows(DriftTestResultRow, stream, window),
        match_windows(DriftReportRow, stream, window),
    )


def load_latest_reports(
    connection: Connection, stream: str, windows: Sequence[str]
) -> Mapping[str, DriftReport]:
    """The report of the latest judgement of each of these windows that has one."""
    of_results, of_reports = (
        (table.stream == stream, table.window.in_(windows)) for table in (DriftTestResultRow, DriftReportRow)
    )
    reports = _select_reports(connection, of_results, of_reports)
    return {window: by_judgement[max(by_judgement)] for window, by_judgement in reports.items()}


def _select_reports(
    connection: Connection,
    of_results: Sequence[ColumnElement[bool]],
    of_reports: Sequence[ColumnElement[bool]],
) -> Mapping[str, ReportsByJudgement]:
    test_results: dict[tuple[str, int], list[DriftTestResult]] = defaultdict(list)
    table = DriftTestResultRow
    query = select(table.window, table.judgement, *get_columns(DriftTestResult, table))
    query = query.where(*of_results).order_by(table.position)
    for row in connection.execute(query):
        values = dict(row._mapping)
        key = values.pop("window"), values.pop("judgement")
        test_results[key].append(DriftTestResult(**values))
    reports: dict[str, dict[int, DriftReport]] = defaultdict(dict)
    columns = [column for column in DriftReportRow.__table__.columns if column.name != "stream"]
    reports_query = select(*columns).where(*of_reports)
    for row in connection.execute(reports_query.order_by(DriftReportRow.judgement)):
        values = dict(row._mapping)
        key = values.pop("window"), values.pop("judgement")
        reports[key[0]][key[1]] = DriftReport(**values, test_results=tuple(test_results[key]))
    return reports
