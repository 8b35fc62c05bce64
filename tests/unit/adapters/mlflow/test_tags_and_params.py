from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from mlflow.entities import Metric
from mlflow.utils.validation import _validate_metric_name

from growlearn.adapters.mlflow.tags_and_params import make_safe_names


@given(st.lists(st.text(max_size=300), unique=True, max_size=8))
def test_any_task_name_becomes_a_key_that_mlflow_takes_and_no_two_become_one(names: list[str]) -> None:
    safe = make_safe_names(names)
    keys = [Metric(f"drift_statistic/{safe[name]}", 0.0, 0, 0).key for name in names]
    for key in keys:
        _validate_metric_name(key)  # type: ignore[no-untyped-call]
        assert len(key) <= 250
    assert len(set(keys)) == len(names)
