"""A stream's first page: where it stands, what is in progress, what was decided last; pause and resume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response

from growlearn.app.api.access import get_key
from growlearn.app.api.context import ApiContext
from growlearn.app.api.routes.decisions import name_actor
from growlearn.app.dashboard.charts.strip import draw_strip
from growlearn.app.dashboard.overview import classify_alarm
from growlearn.app.dashboard.routing import add_page
from growlearn.app.dashboard.templates import make_stream_url, render
from growlearn.app.views import describe_stream_state, find_next_look
from growlearn.domain.api_key import Role
from growlearn.domain.lineage import Version
from growlearn.domain.window import PENDING, Window, WindowState, queue_priority
from growlearn.domain.window_progress import WindowProgress
from growlearn.ports import Store

STRIP_WINDOWS = 60
_NEWEST = 8
_QUEUE_SHOWN = 5
STEPS = (
    (WindowState.ACCEPTED, "to be judged"),
    (WindowState.JUDGED, "judged"),
    (WindowState.GROWING, "growing"),
    (WindowState.EVALUATED, "evaluated"),
)
"""The states of a window in progress, in order, for people."""


@dataclass(frozen=True)
class PendingWindow:
    """A window that a worker handles or will handle; `step` is its place in STEPS.

    `progress` is None where no worker holds it.
    """

    window: Window
    step: int
    progress: WindowProgress | None = None


def add_pages(app: FastAPI, context: ApiContext) -> None:
    """Add the page and what its buttons send."""
    store = context.store

    def show_stream(stream: str, request: Request) -> Response:
        now = context.clock.now()
        (status,) = store.stream_statuses(now, stream)
        windows = store.windows(stream)
        pending = list_pending(windows, store.windows_in_progress(now))
        return render(
            request,
            "stream.html",
            stream=stream,
            now=now,
            status=status,
            state=describe_stream_state(status),
            alarm=classify_alarm(status.latest),
            next_look=find_next_look(status.schedule, now),
            champion=find_champion(store, stream, status.champion),
            strip=draw_strip(windows[-STRIP_WINDOWS:]),
            newest=tuple(reversed(windows[-_NEWEST:])),
            num_windows=len(windows),
            pending=pending[:_QUEUE_SHOWN],
            num_more_pending=len(pending[_QUEUE_SHOWN:]),
            steps=STEPS,
            processes=[(process, process.is_alive(now)) for process in store.processes()],
        )

    def pause_stream(stream: str, request: Request) -> Response:
        return _set_paused(context, stream, request, paused=True)

    def resume_stream(stream: str, request: Request) -> Response:
        return _set_paused(context, stream, request, paused=False)

    add_page(app, "GET", "/streams/{stream}", Role.VIEWER, show_stream)
    add_page(app, "POST", "/streams/{stream}/pause", Role.OPERATOR, pause_stream)
    add_page(app, "POST", "/streams/{stream}/resume", Role.OPERATOR, resume_stream)


def _set_paused(context: ApiContext, stream: str, request: Request, *, paused: bool) -> Response:
    context.store.set_paused(stream, paused, context.clock.now(), name_actor(get_key(request)))
    return RedirectResponse(make_stream_url(stream), HTTPStatus.SEE_OTHER)


def list_pending(
    windows: Sequence[Window], in_progress: Sequence[WindowProgress] = ()
) -> list[PendingWindow]:
    """The pending windows of a stream in the order in which workers take them."""
    order = [state for state, _ in STEPS]
    queue = sorted((window for window in windows if window.state in PENDING), key=queue_priority)
    progress = {(item.stream, item.window): item for item in in_progress}
    return [
        PendingWindow(window, order.index(window.state), progress.get((window.stream, window.id)))
        for window in queue
    ]


def find_champion(store: Store, stream: str, number: int | None) -> Version | None:
    """The champion; None where there is none."""
    return next((version for version in store.versions(stream) if version.number == number), None)
