from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from growlearn.domain.drift_spec import DriftSpec
from growlearn.domain.job import (
    ConsolidationSpec,
    GateSpec,
    GrowthSpec,
    HoldoutFiles,
    Job,
    LabelSpec,
    ModelSpec,
    RegistrySpec,
    RetainPerClass,
    Schedule,
    SearchSpec,
    SourceSpec,
    WindowRule,
)
from growlearn.domain.keys import duration_s
from growlearn.domain.schema import Input, InputType, Schema

SCHEMA = Schema(inputs={"x": Input(type=InputType.NUMBER)})


def job(**changes: Any) -> Job:
    given: dict[str, Any] = {"name": "digits", "source": SourceSpec(url="data"), "schema": SCHEMA}
    return Job(**(given | changes))


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30.0), ("5m", 300.0), ("1.5h", 5400.0), ("2d", 172_800.0), (" 5 m ", 300.0)]
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "0s", "5 weeks", "5m5s", "9999999d"])
def test_what_is_not_a_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write for example 30s"):
        duration_s(text)


def test_a_schedule_without_a_word_is_every_five_minutes() -> None:
    assert Schedule().every_s == 300.0


def test_every_key_has_a_default_but_three() -> None:
    assert job().registered_model == "digits"
    assert job(registry=RegistrySpec(model="other")).registered_model == "other"


IMPOSSIBLE: dict[str, tuple[Callable[[], object], str]] = {
    "every and cron": (lambda: Schedule(every="5m", cron="0 3 * * *"), "every or cron"),
    "six crontab fields": (lambda: Schedule(cron="0 0 3 * * *"), "five fields"),
    "blank url": (lambda: SourceSpec(url=" "), "url must name a folder"),
    "endless settling": (lambda: SourceSpec(url="data", settle_s=float("inf")), "settle_s"),
    "by and rows": (lambda: WindowRule(by="file", rows=3), "by or rows"),
    "no rows": (lambda: WindowRule(rows=0), "rows must be 1"),
    "no width": (lambda: ModelSpec(width=0), "width must be 1"),
    "heads do not divide width": (lambda: ModelSpec(width=10, heads=4), "multiple of heads 4"),
    "more branches at first than ever": (lambda: ModelSpec(initial_branches=3, max_branches=2), "more than"),
    "a patch no halving leads to": (lambda: ModelSpec(patch=3), "patch 3 must be .* power of two"),
    "endless decay": (lambda: GrowthSpec(weight_decay=float("inf")), "weight_decay"),
    "a gain above all": (lambda: GateSpec(min_gain=2.0), "min_gain"),
    "a gain that is no number": (lambda: GateSpec(min_gain=float("nan")), "min_gain"),
    "forgetting less than nothing": (lambda: GateSpec(max_forgetting=-0.1), "max_forgetting"),
    "a model of no parameters": (lambda: GateSpec(max_parameters=0), "max_parameters"),
    "a slash in a model's name": (lambda: RegistrySpec(model="team/digits"), "model 'team/digits'"),
    "labels for more than all rows": (lambda: LabelSpec(share=1.5), "share is a share of 1"),
    "labels waited for for ever": (lambda: LabelSpec(wait="for ever"), "'for ever' is not a duration"),
    "no rows of a class": (lambda: RetainPerClass(per_class=0), "per_class"),
    "fewer than no parents": (lambda: ModelSpec(max_parents=-1), "max_parents"),
    "alpha of nothing": (lambda: DriftSpec(alpha=0.0), "alpha 0.0"),
    "alpha of all": (lambda: DriftSpec(alpha=1.0), "alpha 1.0"),
    "alpha is no number": (lambda: DriftSpec(alpha=float("nan")), "alpha nan"),
    "no detector": (lambda: DriftSpec(detectors=()), "at least one"),
    "one row is no sample": (lambda: DriftSpec(min_rows=1), "min_rows"),
    "no row of a class": (lambda: DriftSpec(min_class_rows=0), "min_class_rows"),
    "a seed of a date and time": (lambda: GrowthSpec(seed=20250101120000), "seed must be"),
    "no epochs": (lambda: GrowthSpec(epochs=0), "epochs"),
    "learning rate of nothing": (lambda: GrowthSpec(learning_rate=0.0), "learning_rate"),
    "negative decay": (lambda: GrowthSpec(weight_decay=-1.0), "weight_decay"),
    "all rows validate": (lambda: GrowthSpec(validation=1.0), "validation"),
    "more candidates than epochs": (
        lambda: SearchSpec(seeds=6, learning_rates=(0.1,)),
        "epochs must be 48 or more for 12 candidates",
    ),
    "a row of one window": (lambda: GateSpec(supersede_after=1), "supersede_after must be 2"),
    "capital letters": (lambda: job(name="Digits"), "lower-case"),
    "no name": (lambda: job(name=""), "lower-case"),
    "a path as a name": (lambda: job(name="a/b"), "lower-case"),
    "all rows held out": (lambda: job(holdout=1.0), "holdout 1.0"),
    "no rows held out": (lambda: job(holdout=0.0), "holdout 0.0"),
    "consolidated to nothing": (lambda: ConsolidationSpec(branches=0), "branches must be 1"),
    "a loss above all": (lambda: ConsolidationSpec(max_accuracy_loss=1.5), "max_accuracy_loss"),
    "consolidated by no row": (lambda: job(consolidation=ConsolidationSpec()), "set retain"),
    "consolidated to the budget": (
        lambda: job(consolidation=ConsolidationSpec(branches=32), retain="all"),
        "branches 32 must be fewer than max_branches 32",
    ),
    "own hold-out, no task column": (lambda: job(holdout=HoldoutFiles(url="t")), "task column"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_the_impossible_is_refused_by_name(case: str) -> None:
    build, message = IMPOSSIBLE[case]
    with pytest.raises(ValueError, match=message):
        build()
