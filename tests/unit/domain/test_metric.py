"""Names, directions and units of metrics."""

from __future__ import annotations

import pytest

from growlearn.domain.metric import ACCURACY, METRICS, MetricName


def test_every_name_has_its_metric() -> None:
    assert set(METRICS) == set(MetricName)
    assert all(METRICS[name].name is name for name in MetricName)


def test_of_log_loss_less_is_better_and_of_every_other_metric_more() -> None:
    assert [name for name in MetricName if not METRICS[name].greater_is_better] == [MetricName.LOG_LOSS]
    for metric in METRICS.values():
        better, worse = (0.9, 0.1) if metric.greater_is_better else (0.1, 0.9)
        assert metric.merit(better) > metric.merit(worse)


@pytest.mark.parametrize(
    ("name", "value", "gain", "interval"),
    [
        (MetricName.ACCURACY, "91.20%", "+2.50 points", "-1.00 to +6.00"),
        (MetricName.LOG_LOSS, "0.9120", "+0.0250", "-0.0100 to +0.0600"),
    ],
)
def test_shares_are_shown_in_percent(name: MetricName, value: str, gain: str, interval: str) -> None:
    metric = METRICS[name]
    assert metric.format_value(0.912) == value
    assert metric.format_gain(0.025) == gain
    assert metric.format_interval(-0.01, 0.06) == interval


def test_a_value_that_is_not_defined_is_never_shown_as_a_number() -> None:
    assert ACCURACY.format_value(None) == "not defined"
