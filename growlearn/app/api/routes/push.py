"""Rows pushed as a window: a file of the stream's source, which goes the way of every other file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from growlearn.app.api import schemas
from growlearn.app.api.answer_once import IDEMPOTENCY_PARAMETER, answer_once
from growlearn.app.api.context import ApiContext
from growlearn.app.api.deposit_once import deposit_once
from growlearn.app.api.json_body import decode_rows
from growlearn.app.api.json_response import JSON_TYPE
from growlearn.app.api.metrics import ApiMetrics
from growlearn.app.api.problems import Problem
from growlearn.app.api.routes.streams import STREAM
from growlearn.app.api.routing import Route, add_route
from growlearn.domain.api_key import Role
from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import Schema
from growlearn.ingest.table_rows import select_columns
from growlearn.serving.json_rows import records_to_arrow_table
from growlearn.serving.json_values import find_object

ARROW_TYPES = ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.file")
PARQUET_TYPE = "application/vnd.apache.parquet"


class PushRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Rows by column name, with labels or without."""

    rows: list[dict[str, Any]]


_DECODER = msgspec.json.Decoder(PushRequest)
_BINARY = {"schema": {"type": "string", "format": "binary"}}
PUSH_BODY = {
    "required": True,
    "content": {
        JSON_TYPE: {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "required": ["rows"],
                "properties": {"rows": {"type": "array", "minItems": 1, "items": {"type": "object"}}},
            }
        },
        **dict.fromkeys((*ARROW_TYPES, PARQUET_TYPE), _BINARY),
    },
}


@dataclass(frozen=True)
class PushedFile:
    """A file for a source, and how many rows it has, where that could be seen from outside."""

    content: bytes
    suffix: str
    rows: int | None


def add_routes(app: FastAPI, context: ApiContext, _: ApiMetrics) -> None:
    """Add it."""

    async def push_rows(stream: str, request: Request) -> Response:
        """Store rows as a file of the stream's source; a worker takes it up when the stream is due next.

        A file of the same content is stored once.
        """
        body = await request.body()
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()

        def work() -> tuple[HTTPStatus, Any]:
            stored = context.store.stream(stream)
            file = read_pushed(body, content_type, stored.job.schema, context.settings.api_max_rows)
            answer = deposit_once(context, stored, "pushed", file.content, file.suffix)
            return HTTPStatus.ACCEPTED, answer | {"rows": file.rows}

        return await run_in_threadpool(answer_once, context, request, body, work)

    route = Route(
        method="POST",
        path=f"{STREAM}/windows",
        role=Role.OPERATOR,
        summary="Push rows",
        model=schemas.PushedRows,
        status=HTTPStatus.ACCEPTED,
        errors=(
            HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
        request_body=PUSH_BODY,
        parameters=(IDEMPOTENCY_PARAMETER,),
    )  # fmt: skip
    add_route(app, route, push_rows)


def read_pushed(body: bytes, content_type: str, schema: Schema, max_rows: int) -> PushedFile:
    """The file that a body becomes; raises Problem or InvalidFile where its columns are not the stream's."""
    if content_type == JSON_TYPE:
        return _read_json(body, schema, max_rows)
    if content_type == PARQUET_TYPE:
        return _read_parquet(body, schema)
    if content_type in ARROW_TYPES:
        return _read_arrow(body, schema)
    known = ", ".join((JSON_TYPE, *ARROW_TYPES, PARQUET_TYPE))
    raise Problem(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"content type {content_type[:100]!r} is not known",
        f"send one of {known}",
    )


def _read_json(body: bytes, schema: Schema, max_rows: int) -> PushedFile:
    records = decode_rows(body, _DECODER, max_rows, "send them as Parquet or Arrow, or in parts").rows
    names = list(dict.fromkeys(name for record in records for name in record))
    _require_columns(names, schema, len(records))
    for position, record in enumerate(records):
        reason = find_object(record, schema)
        if reason is not None:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY, f"row {position}: {reason}", "no column takes such a value"
            )
    sink = io.BytesIO()
    try:
        pq.write_table(records_to_arrow_table(records, schema), sink)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"a column cannot be read: {str(error)[:300]}",
            "give all values of a column one type, null where one is missing",
        ) from error
    return PushedFile(sink.getvalue(), ".parquet", len(records))


def _read_parquet(body: bytes, schema: Schema) -> PushedFile:
    try:
        file = pq.ParquetFile(pa.BufferReader(body))
        names, num_rows = file.schema_arrow.names, file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _not_readable("Parquet", error) from error
    _require_columns(names, schema, num_rows)
    return PushedFile(body, ".parquet", num_rows)


def _read_arrow(body: bytes, schema: Schema) -> PushedFile:
    """Only the columns' names are read: a batch is checked where all files are, before it is decoded."""
    source = pa.BufferReader(body)
    try:
        reader = pa.ipc.open_file(source) if body[:6] == b"ARROW1" else pa.ipc.open_stream(source)
        names = reader.schema.names
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _not_readable("Arrow", error) from error
    _require_columns(names, schema, None)
    return PushedFile(body, ".arrow", None)


def _require_columns(names: Sequence[str], schema: Schema, num_rows: int | None) -> None:
    if num_rows == 0:
        raise InvalidFile("there are no rows")
    select_columns(names, schema, for_prediction=False)


def _not_readable(format_name: str, error: Exception) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"the body is not valid {format_name}",
        str(error).splitlines()[0][:300] if str(error) else None,
    )
