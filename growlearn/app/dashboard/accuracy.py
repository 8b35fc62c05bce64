"""The accuracy matrix as a heat map, and the prefix curve of the version's newest task."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.responses import Response

from growlearn.app.api.context import ApiContext
from growlearn.app.dashboard.branch import draw_approximation, list_contributions
from growlearn.app.dashboard.charts.heat_map import draw_heat_map
from growlearn.app.dashboard.routing import VersionNumber, add_page
from growlearn.app.dashboard.templates import render
from growlearn.app.views import get_accuracy_matrix, resolve_version
from growlearn.domain.api_key import Role
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.metric import METRICS
from growlearn.registry.version_tree import get_version


def add_pages(app: FastAPI, context: ApiContext) -> None:
    """Add it."""
    store = context.store

    def show_accuracy(stream: str, request: Request, version: VersionNumber = None) -> Response:
        stored, versions = store.stream(stream), store.versions(stream)
        number = resolve_version(stored, version)
        matrix = get_accuracy_matrix(store, stream, number)
        metric = METRICS[matrix.metric]
        record = None if number is None else store.window_record(stream, get_version(versions, number).window)
        points = record.result.prefix_curve if record and isinstance(record.result, GrowthResult) else ()
        return render(
            request,
            "accuracy.html",
            stream=stream,
            champion=stored.champion,
            version=number,
            versions=[item.number for item in reversed(versions)],
            matrix=matrix,
            metric=metric,
            heat_map=draw_heat_map(
                matrix.tasks, matrix.metric_values, greater_is_better=metric.greater_is_better
            ),
            grown_task=record.plan.task if record and isinstance(record.plan, GrowthPlan) else None,
            contributions=list_contributions(points),
            approximation=draw_approximation(points),
        )

    add_page(app, "GET", "/streams/{stream}/accuracy", Role.VIEWER, show_accuracy)
