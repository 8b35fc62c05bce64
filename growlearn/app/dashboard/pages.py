"""Adds every page of the dashboard to the application of the API."""

from __future__ import annotations

from fastapi import FastAPI

from growlearn.app.api.context import ApiContext
from growlearn.app.dashboard import (
    accuracy,
    assets,
    branch,
    compare,
    drift,
    lineage,
    overview,
    quarantine,
    session,
    stream,
    versions,
    windows,
)

_GROUPS = (
    assets, session, overview, stream, windows, drift, lineage, branch, accuracy, versions, compare,
    quarantine,
)  # fmt: skip


def add_pages(app: FastAPI, context: ApiContext) -> None:
    """Add them; each file adds its own with `add_pages`."""
    for group in _GROUPS:
        group.add_pages(app, context)
