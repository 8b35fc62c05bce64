"""What was not learned from: files that were refused, and rows of others, each with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import FastAPI, Request
from starlette.responses import Response

from growlearn.app.api.context import ApiContext
from growlearn.app.dashboard.pagination import take_page
from growlearn.app.dashboard.routing import PageNumber, add_page
from growlearn.app.dashboard.templates import render
from growlearn.domain.api_key import Role
from growlearn.domain.window import BadRow, Window, WindowState
from growlearn.ports import Store

PAGE_SIZE = 20
ROWS_SHOWN = 10


@dataclass(frozen=True)
class Rejected:
    """A window of which something was refused: all of it, or the first of its bad rows."""

    window: Window
    is_whole: bool
    rows: Sequence[BadRow]


def add_pages(app: FastAPI, context: ApiContext) -> None:
    """Add it."""
    store = context.store

    def show_quarantine(stream: str, request: Request, page: PageNumber = 1) -> Response:
        windows = select_rejected(store.windows(store.stream(stream).name))
        shown = take_page(windows, page, PAGE_SIZE)
        items = [load_rejected(store, window) for window in shown.items]
        return render(
            request,
            "quarantine.html",
            stream=stream,
            page=shown,
            items=items,
            num_rows=sum(window.quarantined_rows for window in windows),
            num_files=sum(window.state is WindowState.QUARANTINED for window in windows),
        )

    add_page(app, "GET", "/streams/{stream}/quarantine", Role.VIEWER, show_quarantine)


def select_rejected(windows: Sequence[Window]) -> list[Window]:
    """Windows that were refused, or rows of them, the newest first."""
    return [
        window
        for window in reversed(windows)
        if window.quarantined_rows or window.state is WindowState.QUARANTINED
    ]


def load_rejected(store: Store, window: Window) -> Rejected:
    """A window with the first of its bad rows."""
    rows = store.bad_rows(window.stream, window.id)[:ROWS_SHOWN]
    return Rejected(window, window.state is WindowState.QUARANTINED, rows)
