"""What each step recorded about a window, in memory: drift reports, growth, evaluation and gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from growlearn.adapters.memory.state import StreamState
from growlearn.domain.drift import DriftReport
from growlearn.domain.stream import Transition, WindowRecord


def update_record(record: WindowRecord, transition: Transition) -> WindowRecord:
    """The record after a transition; a field that is None leaves the stored value as it is."""
    return WindowRecord(
        report=transition.report or record.report,
        plan=transition.plan or record.plan,
        result=transition.result or record.result,
        evaluation=transition.evaluation or record.evaluation,
        model_selection=transition.model_selection or record.model_selection,
        gates=transition.gates or record.gates,
    )


def find_reports(state: StreamState, windows: Sequence[str]) -> Mapping[str, DriftReport]:
    """The latest drift report of each of these windows that has one."""
    reports = {window: state.records[window].report for window in windows if window in state.records}
    return {window: report for window, report in reports.items() if report is not None}
