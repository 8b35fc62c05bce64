from __future__ import annotations

from typing import Any

from growlearn.domain.consolidation import ConsolidationPlan, Lesson
from growlearn.domain.job import GrowthSpec
from growlearn.domain.stream import WindowRecord
from growlearn.registry.provenance import data_of, provenance_of


def test_a_version_comes_from_its_window_s_plan(ledger: Any) -> None:
    window = ledger.grow("s", a=9)
    (version,) = ledger.store.versions("s")
    plan = ledger.store.record("s", window).plan
    found = provenance_of(version, ledger.store.record("s", window))
    assert found is not None
    assert (found.stream, found.version, found.parent, found.window) == ("s", 1, None, window)
    assert (found.seed, found.circumstances) == (plan.seed, None)
    assert found.data == {"train": plan.train, "validation": plan.validation, "holdout": plan.holdout}
    assert provenance_of(version, WindowRecord()) is None


def test_a_consolidation_has_the_data_of_every_task(ledger: Any) -> None:
    window = ledger.grow("s", a=9)
    base = ledger.store.record("s", window).plan.base
    plan = ConsolidationPlan(
        stream="s", window="w2", base=base, base_version=1,
        lessons=(Lesson(task="a", train="1", validation="2", holdout="3"),), new_branches=("b2",),
        growth=GrowthSpec(), max_accuracy_loss=0.0, seed=1,
    )  # fmt: skip
    assert data_of(plan) == {"a/train": "1", "a/validation": "2", "a/holdout": "3"}
