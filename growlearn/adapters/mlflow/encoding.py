"""Tables and plain data as the bytes of a run's files."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """A table in split orientation, as MLflow's own log_table writes it."""
    return json_text({"columns": list(columns), "data": [list(row) for row in rows]})


def csv_text(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """The same as CSV."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerows([columns, *rows])
    return sink.getvalue().encode()


def json_text(content: Any) -> bytes:
    """Plain data as JSON; what is not finite becomes null, times ISO 8601."""
    return json.dumps(_finite(content), indent=1, ensure_ascii=False, default=_plain).encode()


def _finite(content: Any) -> Any:
    """JSON has no infinity, and a browser refuses a file that says NaN."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
