from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.growth_config import ConsolidationConfig, GrowthConfig, HyperparameterSearchConfig
from growlearn.domain.job import (
    GateConfig,
    HoldoutFiles,
    HoldoutFraction,
    Job,
    LabelDelayConfig,
    RegistryConfig,
    RetainPerClass,
    Schedule,
    SourceConfig,
    WindowingConfig,
)
from growlearn.domain.metric import MetricName
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.serving_config import RequestLogConfig, ServingConfig
from growlearn.domain.validation import parse_duration_s

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})


def job(**changes: Any) -> Job:
    given: dict[str, Any] = {"name": "digits", "source": SourceConfig(url="data"), "schema": SCHEMA}
    return Job(**(given | changes))


def logging_job(**changes: Any) -> Job:
    serving = ServingConfig(request_log=RequestLogConfig())
    return job(**({"serving": serving, "windowing": WindowingConfig(rows=10)} | changes))


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30.0), ("5m", 300.0), ("1.5h", 5400.0), ("2d", 172_800.0), (" 5 m ", 300.0)]
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "0s", "5 weeks", "5m5s", "9999999d"])
def test_what_is_not_a_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write for example 30s"):
        parse_duration_s(text)


def test_an_empty_schedule_is_every_five_minutes() -> None:
    assert Schedule().every_s == 300.0


def test_every_key_has_a_default_but_three() -> None:
    assert job().registered_model == "digits"
    assert job(registry=RegistryConfig(model="other")).registered_model == "other"


IMPOSSIBLE: dict[str, tuple[Callable[[], object], str]] = {
    "every and cron": (lambda: Schedule(every="5m", cron="0 3 * * *"), "every or cron"),
    "six crontab fields": (lambda: Schedule(cron="0 0 3 * * *"), "five fields"),
    "blank url": (lambda: SourceConfig(url=" "), "url must name a folder"),
    "an endless file age": (lambda: SourceConfig(url="data", min_file_age_s=float("inf")), "min_file_age_s"),
    "by and rows": (lambda: WindowingConfig(by="file", rows=3), "by or rows"),
    "no rows": (lambda: WindowingConfig(rows=0), "rows must be 1"),
    "no width": (lambda: ModelConfig(embed_dim=0), "embed_dim must be 1"),
    "heads do not divide the width": (
        lambda: ModelConfig(embed_dim=10, num_heads=4),
        "multiple of num_heads 4",
    ),
    "more branches at first than ever": (
        lambda: ModelConfig(num_initial_branches=3, max_branches=2),
        "more than",
    ),
    "a patch size that is no power of two": (
        lambda: ModelConfig(patch_size=3),
        "patch_size 3 must be .* power of two",
    ),
    "endless decay": (lambda: GrowthConfig(weight_decay=float("inf")), "weight_decay"),
    "a gain above all": (lambda: GateConfig(min_gain=2.0), "min_gain"),
    "a gain that is no number": (lambda: GateConfig(min_gain=float("nan")), "min_gain"),
    "forgetting less than nothing": (lambda: GateConfig(max_forgetting=-0.1), "max_forgetting"),
    "a model of no parameters": (lambda: GateConfig(max_parameters=0), "max_parameters"),
    "a slash in a model's name": (lambda: RegistryConfig(model="team/digits"), "model 'team/digits'"),
    "labels for more than all rows": (
        lambda: LabelDelayConfig(min_labelled_fraction=1.5),
        "min_labelled_fraction is a share of 1",
    ),
    "an endless label timeout": (
        lambda: LabelDelayConfig(timeout="for ever"),
        "'for ever' is not a duration",
    ),
    "no rows of a class": (lambda: RetainPerClass(per_class=0), "per_class"),
    "no branch in a lineage": (lambda: ModelConfig(max_lineage_length=0), "max_lineage_length must be 1"),
    "alpha of nothing": (lambda: DriftConfig(alpha=0.0), "alpha 0.0"),
    "alpha of all": (lambda: DriftConfig(alpha=1.0), "alpha 1.0"),
    "alpha is no number": (lambda: DriftConfig(alpha=float("nan")), "alpha nan"),
    "no detector": (lambda: DriftConfig(detectors=()), "at least one"),
    "one row is no sample": (lambda: DriftConfig(min_rows=1), "min_rows"),
    "no row of a class": (lambda: DriftConfig(min_rows_per_class=0), "min_rows_per_class"),
    "a seed of a date and time": (lambda: GrowthConfig(seed=20250101120000), "seed must be"),
    "an augmentation twice": (
        lambda: GrowthConfig(augmentation=("flip", "flip")),
        "augmentation must name each once",
    ),
    "no epochs": (lambda: GrowthConfig(epochs=0), "epochs"),
    "learning rate of nothing": (lambda: GrowthConfig(learning_rate=0.0), "learning_rate"),
    "all values dropped": (lambda: GrowthConfig(dropout=1.0), "dropout"),
    "negative decay": (lambda: GrowthConfig(weight_decay=-1.0), "weight_decay"),
    "all rows validate": (lambda: GrowthConfig(validation_fraction=1.0), "validation_fraction"),
    "more candidates than epochs": (
        lambda: HyperparameterSearchConfig(num_seeds=6, learning_rates=(0.1,)),
        "epoch_budget must be 48 or more for 12 candidates",
    ),
    "replaced after one window": (lambda: GateConfig(replace_task_after=1), "replace_task_after must be 2"),
    "capital letters": (lambda: job(name="Digits"), "lower-case"),
    "no name": (lambda: job(name=""), "lower-case"),
    "a path as a name": (lambda: job(name="a/b"), "lower-case"),
    "all rows held out": (lambda: job(holdout=HoldoutFraction(fraction=1.0)), "fraction 1.0"),
    "no rows held out": (lambda: job(holdout=HoldoutFraction(fraction=0.0)), "fraction 0.0"),
    "consolidated to nothing": (lambda: ConsolidationConfig(target_branches=0), "target_branches must be 1"),
    "an accuracy drop above all": (lambda: ConsolidationConfig(max_accuracy_drop=1.5), "max_accuracy_drop"),
    "consolidated without rows": (lambda: job(consolidation=ConsolidationConfig()), "set retain"),
    "consolidated to the budget": (
        lambda: job(consolidation=ConsolidationConfig(target_branches=32), retain="all"),
        "target_branches 32 must be fewer than max_branches 32",
    ),
    "a class that weighs nothing": (
        lambda: job(class_weight={"yes": 0.0}),
        "class_weight of 'yes' must be a number above 0, not 0.0",
    ),
    "a least value of what should be low": (
        lambda: job(metric=MetricName.LOG_LOSS, gates=GateConfig(min_accuracy=0.5)),
        "gates.min_accuracy is a least value of metric, but less log_loss is better",
    ),
    "no answer logged": (lambda: RequestLogConfig(sample=0.0), "sample 0.0 must be more than 0"),
    "a log file of no rows": (lambda: RequestLogConfig(flush_rows=0), "flush_rows must be 1 or more"),
    "a log that is never written": (
        lambda: RequestLogConfig(flush_every="never"),
        "'never' is not a duration",
    ),
    "logged rows that no label finds": (logging_job, "needs schema.id_column"),
    "logged rows without a window's size": (
        lambda: logging_job(schema=replace(SCHEMA, id_column="id"), windowing=WindowingConfig()),
        "needs windowing.rows",
    ),
    "a column that the log adds": (
        lambda: logging_job(schema=replace(SCHEMA, id_column="growlearn_at")),
        "no other may be called so",
    ),
    "own hold-out, no task column": (lambda: job(holdout=HoldoutFiles(url="t")), "task column"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_the_impossible_is_refused_by_name(case: str) -> None:
    build, message = IMPOSSIBLE[case]
    with pytest.raises(ValueError, match=message):
        build()
