"""Tables and plain data as the bytes of a run's files."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any


def encode_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """A table in split orientation, as MLflow's own log_table writes it."""
    return encode_indented_json({"columns": list(columns), "data": [list(row) for row in rows]})


def encode_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """The same as CSV."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerows([columns, *rows])
    return sink.getvalue().encode()


def encode_indented_json(content: Any) -> bytes:
    """Plain data as JSON; what is not finite becomes null, times ISO 8601."""
    return json.dumps(_replace_non_finite(content), indent=1, ensure_ascii=False, default=_to_plain).encode()


def _replace_non_finite(content: Any) -> Any:
    """JSON has no infinity, and a browser rejects a file with NaN."""
    if isinstance(content, dict):
        return {key: _replace_non_finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_replace_non_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _to_plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
