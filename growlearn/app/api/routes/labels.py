"""Labels by row id: a label file of the stream's source, joined as labels that arrive late are."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import pyarrow as pa
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from growlearn.app.api import schemas
from growlearn.app.api.answer_once import IDEMPOTENCY_PARAMETER, answer_once
from growlearn.app.api.canaries import Canaries
from growlearn.app.api.context import ApiContext
from growlearn.app.api.deposit_once import deposit_once
from growlearn.app.api.json_body import decode_body
from growlearn.app.api.json_response import JSON_TYPE
from growlearn.app.api.metrics import ApiMetrics
from growlearn.app.api.problems import Problem
from growlearn.app.api.routes.streams import STREAM
from growlearn.app.api.routing import Route, add_route
from growlearn.domain.api_key import Role
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.schema import Schema
from growlearn.ingest.columns import spell_ids
from growlearn.ingest.labels import spell_label
from growlearn.ingest.rows import to_parquet_bytes


class RowLabel(msgspec.Struct, forbid_unknown_fields=True):
    """The label of one row."""

    id: int | str
    label: int | float | str | bool


class LabelsRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Labels by row id."""

    labels: list[RowLabel]


_DECODER = msgspec.json.Decoder(LabelsRequest)
_LABEL = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "label"],
    "properties": {
        "id": {"type": ["integer", "string"]},
        "label": {"type": ["integer", "number", "string", "boolean"]},
    },
}
LABELS_BODY = {
    "required": True,
    "content": {
        JSON_TYPE: {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "required": ["labels"],
                "properties": {"labels": {"type": "array", "minItems": 1, "items": _LABEL}},
            }
        }
    },
}


def add_routes(app: FastAPI, context: ApiContext, _: ApiMetrics) -> None:
    """Add it."""
    canaries: Canaries = app.state.canaries

    async def post_labels(stream: str, request: Request) -> Response:
        """Store labels as a file of the stream's source; a worker joins them to their rows by id.

        The same labels are stored once, and a label that its row has already changes nothing.
        """
        body = await request.body()
        await canaries.try_look()  # what was compared here is in the record before its labels are

        def work() -> tuple[HTTPStatus, Any]:
            stored = context.store.stream(stream)
            labels = parse_label_request(body, context.settings.api_max_rows)
            content = make_label_file(labels, stored.job.schema)
            answer = deposit_once(context, stored, "labels", content, ".parquet")
            if context.store.canaries.of_stream(stream):
                context.store.canaries.count_labels(stream, _spell_labels(labels), context.clock.now())
            return HTTPStatus.ACCEPTED, answer | {"labels": len(labels)}

        return await run_in_threadpool(answer_once, context, request, body, work)

    route = Route(
        method="POST",
        path=f"{STREAM}/labels",
        role=Role.OPERATOR,
        summary="Post labels",
        model=schemas.PostedLabels,
        status=HTTPStatus.ACCEPTED,
        errors=(
            HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
        request_body=LABELS_BODY,
        parameters=(IDEMPOTENCY_PARAMETER,),
    )  # fmt: skip
    add_route(app, route, post_labels)


def parse_label_request(body: bytes, max_rows: int) -> list[RowLabel]:
    """The labels of a request; raises Problem where it is not as documented."""
    labels = decode_body(body, _DECODER, 'send {"labels": [{"id": ID, "label": LABEL}]}').labels
    if not labels:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "there are no labels", "send one or more")
    if len(labels) > max_rows:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"{len(labels)} labels are more than {max_rows}",
            "send them in parts; the limit is GROWLEARN_API_MAX_ROWS",
        )
    return labels


def _spell_labels(labels: Sequence[RowLabel]) -> dict[str, str]:
    """The labels as text by row id; of several of one id the first counts, as where they are joined."""
    row_ids = spell_ids([each.id for each in labels])
    texts: dict[str, str] = {}
    for row_id, each in zip(row_ids, labels, strict=True):
        if row_id is not None:
            texts.setdefault(row_id, spell_label(each.label))
    return texts


def make_label_file(labels: list[RowLabel], schema: Schema) -> bytes:
    """A label file; raises GrowLearnError without an id column, Problem for labels of several types."""
    if schema.id_column is None:
        raise GrowLearnError(
            "the stream has no id column, so no label can find its row",
            hint="name one in the job file: schema.id_column",
        )
    try:
        values = pa.array([each.label for each in labels])
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"the labels cannot be read: {str(error)[:300]}",
            "send integers of 64 bits alone, or text alone",
        ) from error
    ids = pa.array([str(each.id) for each in labels], pa.string())
    return to_parquet_bytes(pa.table({schema.id_column: ids, schema.label: values}))
