"""Two versions side by side, and the move from one to the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import FastAPI, Request
from starlette.responses import Response

from growlearn.app.api.context import ApiContext
from growlearn.app.api.problems import Problem
from growlearn.app.dashboard.charts.pairs import Pair, draw_pairs
from growlearn.app.dashboard.routing import VersionNumber, add_page
from growlearn.app.dashboard.templates import render
from growlearn.domain.api_key import Role
from growlearn.domain.evaluation import GateResult
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Stream
from growlearn.ports import Store
from growlearn.registry.version_tree import get_ancestry, get_version


@dataclass(frozen=True)
class Side:
    """One version, its accuracy by task where that was measured, and its gates."""

    version: Version
    accuracy: Mapping[str, float]
    gates: Sequence[GateResult]


def add_pages(app: FastAPI, context: ApiContext) -> None:
    """Add it."""
    store = context.store

    def compare_versions(
        stream: str, request: Request, old: VersionNumber = None, new: VersionNumber = None
    ) -> Response:
        stored, versions = store.stream(stream), store.versions(stream)
        before, after = choose_versions(stored, versions, old, new)
        sides = load_side(store, before), load_side(store, after)
        pairs = pair_tasks(*sides)
        return render(
            request,
            "compare.html",
            stream=stream,
            stored=stored,
            old=sides[0],
            new=sides[1],
            pairs=pairs,
            chart=draw_pairs(pairs),
            added=[name for name in after.branches if name not in before.branches],
            removed=[name for name in before.branches if name not in after.branches],
            move=choose_move(stored, versions, after.number),
        )

    add_page(app, "GET", "/streams/{stream}/compare", Role.VIEWER, compare_versions)


def choose_versions(
    stream: Stream, versions: Sequence[Version], old: int | None, new: int | None
) -> tuple[Version, Version]:
    """The versions asked for; else the champion, and the challenger or the newest version.

    Raises NotFound for an unknown version, Problem where there is none.
    """
    if not versions:
        raise Problem(
            HTTPStatus.CONFLICT, f"stream {stream.name!r} has no version yet", "wait for its first window"
        )
    before = get_version(versions, old or stream.champion or versions[0].number)
    return before, get_version(versions, new or stream.challenger or versions[-1].number)


def load_side(store: Store, version: Version) -> Side:
    """A version with what was measured of it when it was made."""
    record = store.window_record(version.stream, version.window)
    scores = () if record.evaluation is None else record.evaluation.task_scores
    return Side(version, {score.task: score.accuracy for score in scores}, record.gates)


def pair_tasks(old: Side, new: Side) -> tuple[Pair, ...]:
    """The accuracy of each task of either version, in the order in which they were opened."""
    names = dict.fromkeys([*old.version.tasks, *new.version.tasks])
    return tuple(Pair(name, old.accuracy.get(name), new.accuracy.get(name)) for name in names)


def choose_move(stream: Stream, versions: Sequence[Version], number: int) -> str | None:
    """How a version becomes the champion: `rollback` to an ancestor of it, else `promote`; None: it is."""
    if stream.champion is None:
        return "promote"
    ancestry = [version.number for version in get_ancestry(versions, stream.champion)]
    if number == stream.champion:
        return None
    return "rollback" if number in ancestry else "promote"
