"""Predictions: the hot route, which no data frame and no model of pydantic is on."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from starlette.responses import Response

from growlearn.app.api import schemas
from growlearn.app.api.canaries import Canaries
from growlearn.app.api.canary_comparison import ChampionRequest
from growlearn.app.api.context import ApiContext
from growlearn.app.api.json_body import decode_rows
from growlearn.app.api.json_response import JSON_TYPE, json_response
from growlearn.app.api.metrics import ApiMetrics
from growlearn.app.api.problems import Problem
from growlearn.app.api.request_log import RequestLog
from growlearn.app.api.routes.streams import STREAM
from growlearn.app.api.routing import Route, add_route
from growlearn.app.api.served_models import ServedModel
from growlearn.domain.api_key import Role
from growlearn.domain.stream import Alias
from growlearn.serving.json_rows import JsonRows
from growlearn.serving.predictor import Answers
from growlearn.serving.request_log import RowId

_MAX_ROW_ERRORS = 1000


class PredictRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Rows to predict: by `task` or else by the row's own, and routed where neither names one."""

    rows: list[dict[str, Any]]
    version: int | str = "champion"
    task: str | None = None
    proba: bool = False
    min_probability: float = 0.0


_DECODER = msgspec.json.Decoder(PredictRequest)
PREDICT_BODY = {
    "required": True,
    "content": {
        JSON_TYPE: {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "required": ["rows"],
                "properties": {
                    "rows": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "object"},
                        "description": "values by input column, null where missing; images in base64",
                    },
                    "version": {
                        "anyOf": [
                            {"type": "integer", "minimum": 1},
                            {"type": "string", "enum": [alias.value for alias in Alias]},
                        ],
                        "default": "champion",
                    },
                    "task": {
                        "type": ["string", "null"],
                        "description": "of all rows; null: that of the row, else routed",
                    },
                    "proba": {"type": "boolean", "default": False, "description": "of every class"},
                    "min_probability": {
                        "type": "number",
                        "minimum": 0,
                        "maximum": 1,
                        "default": 0,
                        "description": "abstain below it",
                    },
                },
            }
        }
    },
}


def add_routes(app: FastAPI, context: ApiContext, metrics: ApiMetrics) -> None:
    """Add it."""
    request_log: RequestLog = app.state.request_log
    canaries: Canaries = app.state.canaries

    async def predict(stream: str, request: Request) -> Response:
        """Answers of the champion, its canary, the challenger or a version, each row by its task or routed.

        A row that cannot be answered is null, with its reason in `errors`; where no row can be, that is a
        problem.
        """
        body = await request.body()
        asked = decode_request(body, context.settings.api_max_rows)
        which = _parse_version(asked.version)
        model = champion = await context.models.get(stream, which)
        canary = canaries.get(stream) if which is Alias.CHAMPION else None
        if canary is None:
            answered = await model.batcher.answer(asked.rows, asked.task, proba=asked.proba)
        else:
            asked_both = ChampionRequest(asked.rows, asked.task, asked.proba, body)
            model, answered = await canaries.answer(canary, champion, asked_both)
        num_bad = len(answered.parsed.reasons)
        metrics.count_rows(stream, model.version, len(asked.rows) - num_bad, num_bad)
        if answered.answers is None:
            raise _no_row_problem(answered.parsed)
        ids = None
        if which is Alias.CHAMPION:  # who names a version tries it
            ids = request_log.add(context.models.job(stream), model, asked.rows, answered, len(body))
        if canary is not None:
            canaries.compare(canary, champion, model, asked_both, answered, ids)
        return json_response(render_answers(model, asked, answered.parsed, answered.answers, ids))

    errors = (
        HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )  # fmt: skip
    route = Route(
        method="POST",
        path=f"{STREAM}/predict",
        role=Role.VIEWER,
        summary="Predict",
        model=schemas.Predictions,
        errors=errors,
        request_body=PREDICT_BODY,
    )
    add_route(app, route, predict)
    app.state.hot_endpoint = predict


def decode_request(body: bytes, max_rows: int) -> PredictRequest:
    """The body of a request; raises Problem where it is not as documented."""
    asked = decode_rows(body, _DECODER, max_rows, "send them in parts")
    if not asked.rows:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "there are no rows to predict", "send one or more")
    if not 0 <= asked.min_probability <= 1:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"min_probability {asked.min_probability} must lie between 0 and 1",
        )
    return asked


def _parse_version(version: int | str) -> Alias | int:
    if isinstance(version, int):
        return version
    if version not in list(Alias):
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"version {version[:40]!r} is none",
            "give champion, challenger or a number",
        )
    return Alias(version)


def _no_row_problem(parsed: JsonRows) -> Problem:
    first = min(parsed.reasons)
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"no row can be answered; row {first}: {parsed.reasons[first]}",
        "fix the rows",
        _list_errors(parsed),
    )


def _list_errors(parsed: JsonRows) -> list[dict[str, Any]]:
    return [{"row": row, "reason": parsed.reasons[row]} for row in sorted(parsed.reasons)[:_MAX_ROW_ERRORS]]


def render_answers(
    model: ServedModel,
    asked: PredictRequest,
    parsed: JsonRows,
    answers: Answers,
    ids: Sequence[RowId | None] | None = None,
) -> dict[str, Any]:
    """The answers with the documented keys; `ids` are those of the logged rows, where there is a log."""
    predictions: list[dict[str, Any] | None] = [None] * len(asked.rows)
    labels = model.batcher.predictor.labels if asked.proba else ()
    class_probabilities = answers.class_probabilities.tolist() if asked.proba else ()
    columns = (answers.prediction.tolist(), answers.probability.tolist(), answers.task.tolist())
    for index, (position, prediction, probability, task) in enumerate(
        zip(parsed.positions.tolist(), *columns, strict=True)
    ):
        answer = {
            "prediction": None if probability < asked.min_probability else prediction,
            "probability": probability,
            "task": task,
        }
        if ids is not None:
            answer["id"] = ids[position]
        if asked.proba:
            answer["probabilities"] = dict(zip(labels, class_probabilities[index], strict=True))
        predictions[position] = answer
    return {
        "stream": model.stream,
        "version": model.version,
        "predictions": predictions,
        "errors": _list_errors(parsed),
    }
