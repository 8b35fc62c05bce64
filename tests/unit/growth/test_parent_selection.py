"""The parent and the initialisation of a branch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from growlearn.domain.growth import BranchInit, ProbeScore
from growlearn.growth import parent_selection
from growlearn.growth.parent_selection import score_parents, select_init
from growlearn.ingest.rows import Rows
from growlearn.network.model.network import load_network


def scored(builder: Any, rows: Rows, max_lineage_length: int = 4) -> tuple[ProbeScore, ...]:
    network = load_network(builder.manifest, builder.artifacts.get)
    classes = sorted(set(rows.labels))
    targets = np.array([classes.index(label) for label in rows.labels])
    return score_parents(network, builder.manifest, rows, targets, max_lineage_length)


def test_every_lineage_the_stem_alone_and_every_initialisation_is_scored_best_first(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    builder.keep(builder.plan(builder.only(2, 3), parent="task-1"))
    scores = scored(builder, builder.only(4, 5))
    assert {(s.task, s.lineage, s.init) for s in scores} == {
        (None, (), BranchInit.RESIDUAL),
        (None, (), BranchInit.SCRATCH),
        ("task-1", ("b1",), BranchInit.RESIDUAL),
        ("task-2", ("b1", "b2"), BranchInit.RESIDUAL),
        ("task-1", (), BranchInit.WARM_START),
        ("task-2", (), BranchInit.WARM_START),
    }
    assert [s.accuracy for s in scores] == sorted((s.accuracy for s in scores), reverse=True)


def test_a_lineage_that_leaves_no_room_is_copied_from_but_not_extended(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    builder.keep(builder.plan(builder.only(2, 3), parent="task-1"))
    scores = scored(builder, builder.only(4, 5), max_lineage_length=2)
    assert [s.task for s in scores if s.init is BranchInit.RESIDUAL and s.task is not None] == ["task-1"]
    assert len([s for s in scores if s.init is BranchInit.WARM_START]) == 2


def test_of_many_tasks_only_a_shortlist_is_scored(builder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for first in (0, 2, 4, 6):
        builder.keep(builder.plan(builder.only(first, first + 1)))
    monkeypatch.setattr(parent_selection, "SCREEN_ROWS", parent_selection.PROBE_ROWS)
    frozen = {
        s.task: s.accuracy
        for s in scored(builder, builder.only(2, 3, 8))
        if s.task is not None and s.init is BranchInit.RESIDUAL
    }
    assert len(frozen) == 3  # of four
    monkeypatch.setattr(parent_selection, "SHORTLIST_SIZE", 1)
    (left,) = {s.task for s in scored(builder, builder.only(2, 3, 8)) if s.task is not None}
    assert frozen[left] == max(frozen.values())


def test_scores_are_the_same_every_time(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    assert scored(builder, builder.only(4, 5)) == scored(builder, builder.only(4, 5))


def score(init: BranchInit, accuracy: float) -> ProbeScore:
    return ProbeScore(task=None, lineage=(), accuracy=accuracy, init=init, rows=256)


@pytest.mark.parametrize(
    ("residual", "warm_start", "scratch", "best"),
    [
        (0.71, 0.70, 0.60, BranchInit.WARM_START),
        (0.99, 0.69, 0.70, BranchInit.SCRATCH),
        (0.50, 0.70, 0.70, BranchInit.WARM_START),
    ],
)
def test_auto_selects_the_best_start_that_trains_its_stem(
    residual: float, warm_start: float, scratch: float, best: BranchInit
) -> None:
    scores = [
        score(BranchInit.RESIDUAL, residual),
        score(BranchInit.WARM_START, warm_start),
        score(BranchInit.SCRATCH, scratch),
    ]
    ranked = sorted(scores, key=lambda item: -item.accuracy)
    assert select_init(ranked, "auto").init is best
    assert select_init(ranked, "residual").init is BranchInit.RESIDUAL
