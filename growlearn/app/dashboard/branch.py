"""One branch: the rows it was trained on, its losses, what it contributes, and every hash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import FastAPI, Request
from starlette.responses import Response

from growlearn.app.api.context import ApiContext
from growlearn.app.dashboard.charts.curve import Curve, Series, draw_curve
from growlearn.app.dashboard.routing import add_page
from growlearn.app.dashboard.templates import render
from growlearn.domain.api_key import Role
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.errors import NotFound
from growlearn.domain.growth import Epoch, GrowthPlan, GrowthResult, PrefixPoint
from growlearn.domain.lineage import BranchRecord
from growlearn.domain.window import Window

Plan = GrowthPlan | ConsolidationPlan
Result = GrowthResult | ConsolidationResult


@dataclass(frozen=True)
class Contribution:
    """The loss of the answer with one branch more than the line before; `change` is a share of that."""

    label: str
    loss: float
    accuracy: float
    change: float | None


def add_pages(app: FastAPI, context: ApiContext) -> None:
    """Add it."""
    store = context.store

    def show_branch(stream: str, branch: str, request: Request) -> Response:
        found = find_branch(store.branches(store.stream(stream).name), stream, branch)
        window = store.window(stream, found.window)
        record = store.window_record(stream, found.window)
        result = record.result
        points = result.prefix_curve if isinstance(result, GrowthResult) else ()
        return render(
            request,
            "branch.html",
            stream=stream,
            branch=found,
            window=window,
            plan=record.plan if isinstance(record.plan, GrowthPlan) else None,
            result=result,
            growth=result if isinstance(result, GrowthResult) else None,
            losses=None if result is None else draw_losses(result.epochs),
            contributions=list_contributions(points),
            approximation=draw_approximation(points),
            hashes=tuple(list_hashes(found, window, record.plan, result)),
            gates=record.gates,
        )

    add_page(app, "GET", "/streams/{stream}/branches/{branch}", Role.VIEWER, show_branch)


def find_branch(branches: Sequence[BranchRecord], stream: str, name: str) -> BranchRecord:
    """The branch with that id; raises NotFound."""
    for branch in branches:
        if branch.id == name:
            return branch
    raise NotFound(f"stream {stream!r} has no branch {name!r}", hint=f"see: growlearn lineage {stream}")


def draw_losses(epochs: Sequence[Epoch]) -> Curve | None:
    """The losses of a training by epoch, in nats; None without an epoch."""
    if not epochs:
        return None
    return draw_curve(
        [str(epoch.epoch) for epoch in epochs],
        (
            Series("training loss", "first", [epoch.train_loss for epoch in epochs]),
            Series("validation loss", "second", [epoch.validation_loss for epoch in epochs]),
        ),
    )


def draw_approximation(points: Sequence[PrefixPoint]) -> Curve | None:
    """The validation loss of the task by the number of branches that answer; None where it is not known."""
    if not points:
        return None
    labels = [point.branch or "stem" for point in points]
    return draw_curve(labels, (Series("validation loss", "second", [point.loss for point in points]),))


def list_contributions(points: Sequence[PrefixPoint]) -> tuple[Contribution, ...]:
    """What each further branch changed."""
    losses = [point.loss for point in points]
    before = [None, *losses[:-1]] if losses else []
    return tuple(
        Contribution(
            label=f"up to {point.branch}" if point.branch else "the stem alone",
            loss=point.loss,
            accuracy=point.accuracy,
            change=None if not last else point.loss / last - 1,
        )
        for point, last in zip(points, before, strict=True)
    )


def list_hashes(
    branch: BranchRecord, window: Window, plan: Plan | None, result: Result | None
) -> Iterator[tuple[str, str]]:
    """The sha256 of everything that the branch was made of, and of what was made, with its name."""
    yield "weights of the branch", branch.sha256
    if isinstance(result, GrowthResult):
        yield "head", result.head
    if window.snapshot is not None:
        yield "rows of the window", window.snapshot
    if isinstance(plan, GrowthPlan):
        yield "training rows", plan.train
        yield "validation rows", plan.validation
        yield "hold-out rows", plan.holdout
    if result is not None and result.check_logits is not None:
        yield "check logits", result.check_logits
