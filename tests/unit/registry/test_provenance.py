from __future__ import annotations

from typing import Any

from growlearn.domain.consolidation import ConsolidationPlan, TaskData
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.stream import WindowRecord
from growlearn.registry.provenance import get_data_hashes, get_provenance


def test_a_version_comes_from_its_window_s_plan(history: Any) -> None:
    window = history.grow("s", a=9)
    (version,) = history.store.versions("s")
    plan = history.store.window_record("s", window).plan
    provenance = get_provenance(version, history.store.window_record("s", window))
    assert provenance is not None
    assert (provenance.stream, provenance.version, provenance.parent, provenance.window) == (
        "s",
        1,
        None,
        window,
    )
    assert (provenance.seed, provenance.environment) == (plan.seed, None)
    assert provenance.data == {"train": plan.train, "validation": plan.validation, "holdout": plan.holdout}
    assert get_provenance(version, WindowRecord()) is None


def test_a_consolidation_has_the_data_of_every_task(history: Any) -> None:
    window = history.grow("s", a=9)
    parent_manifest = history.store.window_record("s", window).plan.parent_manifest
    plan = ConsolidationPlan(
        stream="s", window="w2", parent_manifest=parent_manifest, parent_version=1,
        task_data=(TaskData(task="a", train="1", validation="2", holdout="3"),), new_branches=("b2",),
        growth=GrowthConfig(), max_accuracy_drop=0.0, seed=1,
    )  # fmt: skip
    assert get_data_hashes(plan) == {"a/train": "1", "a/validation": "2", "a/holdout": "3"}
