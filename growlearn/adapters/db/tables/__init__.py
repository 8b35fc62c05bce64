"""The tables, one per word of the glossary; `migrations/` builds the same ones, which a test checks.

A column has the name of the dataclass field it holds. `window` columns hold a window's number.
"""

from growlearn.adapters.db.tables.api import ApiKeyRow, ApiRequestRow
from growlearn.adapters.db.tables.base import HEAD_REVISION, TABLE_PREFIX, VERSION_TABLE, Base, Serial
from growlearn.adapters.db.tables.canaries import CanaryAnswerRow, CanaryRow
from growlearn.adapters.db.tables.decision_log import DecisionLogRow
from growlearn.adapters.db.tables.ingest import LateLabelsRow, QuarantinedRowRow, SourceFileRow, WindowRow
from growlearn.adapters.db.tables.model import (
    AliasChangeRow,
    BranchRow,
    RemovedFileRow,
    TaskRow,
    VersionRow,
)
from growlearn.adapters.db.tables.processes import ProcessRow
from growlearn.adapters.db.tables.results import (
    AccuracyEstimateRow,
    DriftReportRow,
    DriftTestResultRow,
    EvaluationRow,
    GateRow,
    GrowthRow,
    TaskScoreRow,
)
from growlearn.adapters.db.tables.streams import AlertRow, OutboxRow, StreamRow, TickRow

__all__ = [
    "HEAD_REVISION",
    "TABLE_PREFIX",
    "VERSION_TABLE",
    "AccuracyEstimateRow",
    "AlertRow",
    "AliasChangeRow",
    "ApiKeyRow",
    "ApiRequestRow",
    "Base",
    "BranchRow",
    "CanaryAnswerRow",
    "CanaryRow",
    "DecisionLogRow",
    "DriftReportRow",
    "DriftTestResultRow",
    "EvaluationRow",
    "GateRow",
    "GrowthRow",
    "LateLabelsRow",
    "OutboxRow",
    "ProcessRow",
    "QuarantinedRowRow",
    "RemovedFileRow",
    "Serial",
    "SourceFileRow",
    "StreamRow",
    "TaskRow",
    "TaskScoreRow",
    "TickRow",
    "VersionRow",
    "WindowRow",
]
