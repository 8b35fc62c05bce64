"""The tables, one a word of the glossary; `migrations/` builds the same ones, which a test proves.

A column has the name of the dataclass field it holds. `window` columns hold a window's number.
"""

from growlearn.adapters.db.tables.base import HEAD, PREFIX, VERSION_TABLE, Base, Serial
from growlearn.adapters.db.tables.handling import (
    CellRow,
    DriftReportRow,
    DriftScoreRow,
    EvaluationRow,
    GateRow,
    GrowthRow,
)
from growlearn.adapters.db.tables.intake import LateLabelsRow, QuarantinedRowRow, SourceFileRow, WindowRow
from growlearn.adapters.db.tables.ledger import LedgerRow
from growlearn.adapters.db.tables.model import AliasMoveRow, BranchRow, TaskRow, VersionRow
from growlearn.adapters.db.tables.streams import OutboxRow, StreamRow, TickRow

__all__ = [
    "HEAD",
    "PREFIX",
    "VERSION_TABLE",
    "AliasMoveRow",
    "Base",
    "BranchRow",
    "CellRow",
    "DriftReportRow",
    "DriftScoreRow",
    "EvaluationRow",
    "GateRow",
    "GrowthRow",
    "LateLabelsRow",
    "LedgerRow",
    "OutboxRow",
    "QuarantinedRowRow",
    "Serial",
    "SourceFileRow",
    "StreamRow",
    "TaskRow",
    "TickRow",
    "VersionRow",
    "WindowRow",
]
