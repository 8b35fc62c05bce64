"""Keys of the API, for admins."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI
from starlette.responses import Response

from growlearn.app.api import schemas
from growlearn.app.api.context import ApiContext
from growlearn.app.api.json_response import json_response
from growlearn.app.api.keys import create_key
from growlearn.app.api.metrics import ApiMetrics
from growlearn.app.api.routing import PREFIX, Route, add_route
from growlearn.app.key_view import key_view, keys_view
from growlearn.domain.api_key import Role

_KEYS = f"{PREFIX}/keys"


def add_routes(app: FastAPI, context: ApiContext, _: ApiMetrics) -> None:
    """Add them."""

    def list_keys() -> Response:
        """All keys, without their secrets."""
        return json_response(keys_view(context.records.keys()))

    def create_new_key(asked: schemas.KeyRequest) -> Response:
        """Create a key; its token is in this answer and nowhere else."""
        key, token = create_key(context.records, asked.name, asked.role, context.clock.now())
        return json_response({**key_view(key), "token": token}, HTTPStatus.CREATED)

    def revoke_key(key_id: str) -> Response:
        """Revoke a key; in other processes it stops working within two seconds."""
        key = context.records.revoke_key(key_id, context.clock.now())
        context.access.forget()
        return json_response(key_view(key))

    listing = Route(method="GET", path=_KEYS, role=Role.ADMIN, summary="Keys", model=schemas.Keys)
    add_route(app, listing, list_keys)
    creation = Route(
        method="POST",
        path=_KEYS,
        role=Role.ADMIN,
        summary="Create a key",
        model=schemas.NewKey,
        status=HTTPStatus.CREATED,
        errors=(
            HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        ),
    )  # fmt: skip
    add_route(app, creation, create_new_key)
    revocation = Route(
        method="DELETE",
        path=f"{_KEYS}/{{key_id}}",
        role=Role.ADMIN,
        summary="Revoke a key",
        model=schemas.Key,
        errors=(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
    )
    add_route(app, revocation, revoke_key)
