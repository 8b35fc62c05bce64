"""The tree of a stream's branches."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI, Request
from starlette.responses import Response

from growlearn.app.api.context import ApiContext
from growlearn.app.dashboard.charts.tree import draw_tree
from growlearn.app.dashboard.pagination import take_page
from growlearn.app.dashboard.routing import PageNumber, add_page
from growlearn.app.dashboard.stream import find_champion
from growlearn.app.dashboard.templates import render
from growlearn.domain.api_key import Role
from growlearn.domain.lineage import BranchRecord, BranchState

PAGE_SIZE = 50
MAX_NODES = 200


def add_pages(app: FastAPI, context: ApiContext) -> None:
    """Add it."""
    store = context.store

    def show_lineage(stream: str, request: Request, page: PageNumber = 1, rejected: bool = False) -> Response:
        stored = store.stream(stream)
        branches = store.branches(stored.name)
        kept = select_branches(branches, with_rejected=rejected)
        champion = find_champion(store, stream, stored.champion)
        return render(
            request,
            "lineage.html",
            stream=stream,
            tree=draw_tree(kept[-MAX_NODES:]),
            num_left_out=max(0, len(kept) - MAX_NODES),
            page=take_page(tuple(reversed(kept)), page, PAGE_SIZE),
            num_rejected=sum(branch.state is BranchState.REJECTED for branch in branches),
            with_rejected=rejected,
            in_champion=frozenset(() if champion is None else champion.branches),
        )

    add_page(app, "GET", "/streams/{stream}/lineage", Role.VIEWER, show_lineage)


def select_branches(branches: Sequence[BranchRecord], *, with_rejected: bool) -> tuple[BranchRecord, ...]:
    """All branches, or those that are part of a version."""
    return tuple(branch for branch in branches if with_rejected or branch.state is BranchState.ACCEPTED)
