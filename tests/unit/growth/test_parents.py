"""From whom a branch grows, and as what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from growlearn.domain.growth import Birth, ParentScore
from growlearn.growth import parents
from growlearn.growth.model.network import load_network
from growlearn.growth.parents import chosen, score_parents
from growlearn.ingest.rows import Rows


def scored(nursery: Any, rows: Rows, max_parents: int = 3) -> tuple[ParentScore, ...]:
    network = load_network(nursery.manifest, nursery.artifacts.get)
    classes = sorted(set(rows.labels))
    targets = np.array([classes.index(label) for label in rows.labels])
    return score_parents(network, nursery.manifest, rows, targets, max_parents)


def test_every_lineage_the_bare_stem_and_every_birth_is_scored_best_first(nursery: Any) -> None:
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    nursery.keep(nursery.plan(nursery.only(2, 3), parent="task-1"))
    scores = scored(nursery, nursery.only(4, 5))
    assert {(s.task, s.lineage, s.birth) for s in scores} == {
        (None, (), Birth.ZERO),
        (None, (), Birth.OWN),
        ("task-1", ("b1",), Birth.ZERO),
        ("task-2", ("b1", "b2"), Birth.ZERO),
        ("task-1", (), Birth.COPY),
        ("task-2", (), Birth.COPY),
    }
    assert [s.accuracy for s in scores] == sorted((s.accuracy for s in scores), reverse=True)


def test_a_lineage_that_leaves_no_room_is_copied_from_but_not_extended(nursery: Any) -> None:
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    nursery.keep(nursery.plan(nursery.only(2, 3), parent="task-1"))
    scores = scored(nursery, nursery.only(4, 5), max_parents=1)
    assert [s.task for s in scores if s.birth is Birth.ZERO and s.task is not None] == ["task-1"]
    assert len([s for s in scores if s.birth is Birth.COPY]) == 2


def test_of_many_tasks_only_a_few_get_a_closer_look(nursery: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for first in (0, 2, 4, 6):
        nursery.keep(nursery.plan(nursery.only(first, first + 1)))
    monkeypatch.setattr(parents, "SCREEN_ROWS", parents.PROBE_ROWS)
    frozen = {
        s.task: s.accuracy
        for s in scored(nursery, nursery.only(2, 3, 8))
        if s.task is not None and s.birth is Birth.ZERO
    }
    assert len(frozen) == 3  # of four
    monkeypatch.setattr(parents, "FINALISTS", 1)
    (left,) = {s.task for s in scored(nursery, nursery.only(2, 3, 8)) if s.task is not None}
    assert frozen[left] == max(frozen.values())


def test_scores_are_the_same_every_time(nursery: Any) -> None:
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    assert scored(nursery, nursery.only(4, 5)) == scored(nursery, nursery.only(4, 5))


def score(birth: Birth, accuracy: float) -> ParentScore:
    return ParentScore(task=None, lineage=(), accuracy=accuracy, birth=birth, rows=256)


@pytest.mark.parametrize(
    ("zero", "copy", "own", "best"),
    [
        (0.71, 0.70, 0.60, Birth.COPY),
        (0.99, 0.69, 0.70, Birth.OWN),
        (0.50, 0.70, 0.70, Birth.COPY),
    ],
)
def test_the_best_that_may_train_its_stem_is_taken(zero: float, copy: float, own: float, best: Birth) -> None:
    scores = [score(Birth.ZERO, zero), score(Birth.COPY, copy), score(Birth.OWN, own)]
    ranked = sorted(scores, key=lambda each: -each.accuracy)
    assert chosen(ranked, "auto").birth is best
    assert chosen(ranked, "zero").birth is Birth.ZERO
