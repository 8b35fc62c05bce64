"""The JSON in the body of a request, read strictly, such as {"rows": [{"COLUMN": VALUE}]}."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import msgspec

from growlearn.app.api.problems import Problem


class _WithRows(Protocol):
    rows: list[dict[str, Any]]


Body = TypeVar("Body")
BodyWithRows = TypeVar("BodyWithRows", bound=_WithRows)


def decode_body(body: bytes, decoder: msgspec.json.Decoder[Body], hint: str) -> Body:
    """The body of a request; raises Problem where it is not as documented."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)[:500], hint) from error


def decode_rows(
    body: bytes, decoder: msgspec.json.Decoder[BodyWithRows], max_rows: int, split_hint: str
) -> BodyWithRows:
    """The body of a request; raises Problem where it is not as documented, or has too many rows."""
    asked = decode_body(body, decoder, 'send {"rows": [{"COLUMN": VALUE}]}')
    if len(asked.rows) > max_rows:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"{len(asked.rows)} rows are more than {max_rows}",
            f"{split_hint}; the limit is GROWLEARN_API_MAX_ROWS",
        )
    return asked
