"""A value as a JSON column of the database stores it and reads it again."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.sqlite import dialect

from growlearn.adapters.db.columns import Json

_SQLITE = dialect()


def store_and_read(kind: Any, value: Any) -> Any:
    column = Json(kind)
    return column.process_result_value(column.process_bind_param(value, _SQLITE), _SQLITE)
