"""What the command line lists, page by page: streams, windows, drift, lineage, matrix, versions, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Query
from starlette.responses import Response

from growlearn.app import views
from growlearn.app.api import schemas
from growlearn.app.api.context import ApiContext
from growlearn.app.api.json_response import json_response
from growlearn.app.api.metrics import ApiMetrics
from growlearn.app.api.routing import PREFIX, Route, add_route
from growlearn.app.why import explain_decision, why_view
from growlearn.domain.api_key import Role
from growlearn.domain.redaction import redact_values

STREAM = f"{PREFIX}/streams/{{stream}}"
MAX_PAGE = 500
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="entries of a page, at most")]
After = Annotated[str | None, Query(max_length=100, description="`next` of the page before")]
VersionNumber = Annotated[
    int | None, Query(ge=1, le=2**31 - 1, description="a version; default: the champion")
]


def add_routes(app: FastAPI, context: ApiContext, _: ApiMetrics) -> None:
    """Add them."""
    _add_listings(app, context)
    _add_windows(app, context)


def _add_listings(app: FastAPI, context: ApiContext) -> None:
    store, clock = context.store, context.clock

    def list_streams(limit: Limit = 100, after: After = None) -> Response:
        """Streams by name."""
        statuses = {each["name"]: each for each in views.status_view(store, None, clock.now())["streams"]}
        page, following = take_page_after(list(statuses), after, limit)
        return _listing_response({"streams": [statuses[name] for name in page], "next": following})

    def get_stream(stream: str) -> Response:
        """One stream."""
        return _listing_response(views.status_view(store, stream, clock.now())["streams"][0])

    def get_lineage(stream: str) -> Response:
        """Every branch that was trained, rejected ones too."""
        return _listing_response(views.lineage_view(store, stream))

    def get_matrix(stream: str, version: VersionNumber = None) -> Response:
        """The accuracy on each task after each growth."""
        return _listing_response(views.matrix_view(views.get_accuracy_matrix(store, stream, version)))

    def list_versions(stream: str) -> Response:
        """Versions by number, with their aliases."""
        return _listing_response(views.versions_view(store, stream))

    def get_why(
        stream: str, which: Annotated[str | None, Query(max_length=20, description="such as 3 or w5")] = None
    ) -> Response:
        """How a version was made, or why a window led to none; default: the champion."""
        return _listing_response(why_view(store, explain_decision(store, stream, which)))

    for path, summary, model, endpoint in (
        (f"{PREFIX}/streams", "Streams", schemas.Streams, list_streams),
        (STREAM, "One stream", schemas.StreamStatus, get_stream),
        (f"{STREAM}/lineage", "Branches", schemas.Lineage, get_lineage),
        (f"{STREAM}/matrix", "Accuracy matrix", schemas.Matrix, get_matrix),
        (f"{STREAM}/versions", "Versions", schemas.Versions, list_versions),
        (f"{STREAM}/why", "A decision", schemas.Why, get_why),
    ):
        errors = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
        add_route(app, _listing(path, summary, model, errors), endpoint)


def _add_windows(app: FastAPI, context: ApiContext) -> None:
    store = context.store

    def list_windows(stream: str, limit: Limit = 100, after: After = None) -> Response:
        """Windows in the order of their numbers."""
        windows = views.windows_view(store, stream)["windows"]
        page, following = take_page_after([window["id"] for window in windows], after, limit)
        ids = set(page)
        selected = [window for window in windows if window["id"] in ids]
        return _listing_response({"windows": selected, "next": following})

    def get_window(stream: str, window: str) -> Response:
        """One window, with the rows quarantined from it."""
        return _listing_response(views.windows_view(store, stream, window)["windows"][0])

    def list_drift(stream: str, limit: Limit = 100, after: After = None) -> Response:
        """The drift report of every judged window."""
        windows = store.windows(store.stream(stream).name)
        judged = [window.id for window in windows if window.verdict is not None]
        page, following = take_page_after(judged, after, limit)
        reports = [report for window in page for report in views.drift_view(store, stream, window)["reports"]]
        return _listing_response({"reports": reports, "next": following})

    def get_drift(stream: str, window: str) -> Response:
        """The drift report of one window; none where it is not judged yet."""
        return _listing_response({**views.drift_view(store, stream, window), "next": None})

    for path, summary, model, endpoint in (
        (f"{STREAM}/windows", "Windows", schemas.Windows, list_windows),
        (f"{STREAM}/windows/{{window}}", "One window", schemas.Window, get_window),
        (f"{STREAM}/drift", "Drift reports", schemas.DriftReports, list_drift),
        (f"{STREAM}/windows/{{window}}/drift", "Drift of a window", schemas.DriftReports, get_drift),
    ):
        errors = (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
        add_route(app, _listing(path, summary, model, errors), endpoint)


def _listing(path: str, summary: str, model: Any, errors: Sequence[HTTPStatus]) -> Route:
    return Route(method="GET", path=path, role=Role.VIEWER, summary=summary, model=model, errors=errors)


def _listing_response(view: Mapping[str, Any]) -> Response:
    """A view without the secrets that an address in it may have, as the command line prints it."""
    return json_response(redact_values(view))


def take_page_after(names: Sequence[str], after: str | None, limit: int) -> tuple[Sequence[str], str | None]:
    """The names behind `after` in their order, at most `limit`, and the last of them where more follow.

    A name that is not there any more, or never was, starts from the beginning.

    >>> take_page_after(["a", "b", "c"], "a", 1), take_page_after(["a", "b", "c"], "b", 5)
    ((['b'], 'b'), (['c'], None))
    """
    start = names.index(after) + 1 if after in names else 0
    page = names[start : start + limit]
    return page, page[-1] if start + limit < len(names) else None
