"""The drift timeline: the evidence of each judged window, with its alarm line."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.responses import Response

from growlearn.app.api.context import ApiContext
from growlearn.app.dashboard.charts.evidence import draw_evidence
from growlearn.app.dashboard.evidence import read_evidence
from growlearn.app.dashboard.pagination import take_page
from growlearn.app.dashboard.routing import PageNumber, add_page
from growlearn.app.dashboard.templates import render
from growlearn.domain.api_key import Role
from growlearn.registry.version_tree import list_references

PAGE_SIZE = 50


def add_pages(app: FastAPI, context: ApiContext) -> None:
    """Add it."""
    store = context.store

    def show_drift(stream: str, request: Request, page: PageNumber = 1) -> Response:
        job = store.stream(stream).job
        judged = [window for window in reversed(store.windows(stream)) if window.verdict is not None]
        shown = take_page(judged, page, PAGE_SIZE)
        in_order = tuple(reversed(shown.items))
        reports = store.drift_reports(stream, [window.id for window in in_order])
        is_sequential = job.drift.decision_rule == "sequential"
        references = list_references(store.tasks(stream), store.versions(stream)) if is_sequential else ()
        evidence = read_evidence(in_order, reports, job, references)
        return render(
            request,
            "drift.html",
            stream=stream,
            drift=job.drift,
            page=shown,
            chart=draw_evidence(evidence),
            evidence=tuple(reversed(evidence)),
        )

    add_page(app, "GET", "/streams/{stream}/drift", Role.VIEWER, show_drift)
