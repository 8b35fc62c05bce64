"""Windows with their reasons, page by page; and one window with its evidence and its bad rows."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI, Request
from starlette.responses import Response

from growlearn.app.api.context import ApiContext
from growlearn.app.dashboard.charts.strip import draw_strip
from growlearn.app.dashboard.pagination import take_page
from growlearn.app.dashboard.routing import PageNumber, add_page
from growlearn.app.dashboard.templates import render
from growlearn.app.why import explain_decision
from growlearn.domain.api_key import Role
from growlearn.domain.drift import DriftTestResult

PAGE_SIZE = 50
_TESTS_SHOWN = 100


def add_pages(app: FastAPI, context: ApiContext) -> None:
    """Add both."""
    store = context.store

    def list_windows(stream: str, request: Request, page: PageNumber = 1) -> Response:
        newest_first = tuple(reversed(store.windows(store.stream(stream).name)))
        shown = take_page(newest_first, page, PAGE_SIZE)
        return render(
            request,
            "windows.html",
            stream=stream,
            page=shown,
            strip=draw_strip(tuple(reversed(shown.items))),
        )

    def show_window(stream: str, window: str, request: Request, page: PageNumber = 1) -> Response:
        stored = store.window(store.stream(stream).name, window)
        record = store.window_record(stream, window)
        tests = () if record.report is None else sort_tests(record.report.test_results)
        return render(
            request,
            "window.html",
            stream=stream,
            window=stored,
            sections=explain_decision(store, stream, window).sections,
            branches=[branch for branch in store.branches(stream) if branch.window == window],
            gates=record.gates,
            tests=tests[:_TESTS_SHOWN],
            num_tests=len(tests),
            page=take_page(store.bad_rows(stream, window), page, PAGE_SIZE),
        )

    add_page(app, "GET", "/streams/{stream}/windows", Role.VIEWER, list_windows)
    add_page(app, "GET", "/streams/{stream}/windows/{window}", Role.VIEWER, show_window)


def sort_tests(results: Sequence[DriftTestResult]) -> list[DriftTestResult]:
    """The most significant first; those without a p-value last."""
    return sorted(results, key=lambda test: (test.p_value != test.p_value, test.p_value / test.threshold))
