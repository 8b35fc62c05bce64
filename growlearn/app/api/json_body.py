"""Rows in the body of a request: {"rows": [{"COLUMN": VALUE}]}, read strictly."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import msgspec

from growlearn.app.api.problems import Problem


class _WithRows(Protocol):
    rows: list[dict[str, Any]]


T = TypeVar("T", bound=_WithRows)


def decode_rows(body: bytes, decoder: msgspec.json.Decoder[T], max_rows: int, split_hint: str) -> T:
    """The body of a request; raises Problem where it is not as documented, or has too many rows."""
    try:
        asked = decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, str(error)[:500], 'send {"rows": [{"COLUMN": VALUE}]}'
        ) from error
    if len(asked.rows) > max_rows:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"{len(asked.rows)} rows are more than {max_rows}",
            f"{split_hint}; the limit is GROWLEARN_API_MAX_ROWS",
        )
    return asked
