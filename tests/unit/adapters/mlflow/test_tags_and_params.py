from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from mlflow.entities import Metric
from mlflow.utils.validation import MAX_TAG_VAL_LENGTH, _validate_metric_name

from growlearn.adapters.mlflow.tags_and_params import make_run_tags, make_safe_names
from growlearn.domain.evaluation import GateResult
from tests.contract.tracker.reports import make_skipped_report, make_stream


@given(st.lists(st.text(max_size=300), unique=True, max_size=8))
def test_any_task_name_becomes_a_key_that_mlflow_takes_and_no_two_become_one(names: list[str]) -> None:
    safe = make_safe_names(names)
    keys = [Metric(f"drift_statistic/{safe[name]}", 0.0, 0, 0).key for name in names]
    for key in keys:
        _validate_metric_name(key)  # type: ignore[no-untyped-call]
        assert len(key) <= 250
    assert len(set(keys)) == len(names)


def test_no_tag_of_a_new_run_is_longer_than_its_database_takes() -> None:
    """MLflow cuts a tag that is set later, but not one of a new run."""
    report = make_skipped_report(make_stream("mine"))
    gate = GateResult(gate="forgetting", value=0.1, threshold=0.02, passed=False, reason="task 'a' " * 999)
    report = replace(report, record=replace(report.record, gates=(gate,)))
    tags = make_run_tags(report)
    assert max(map(len, tags.values())) == MAX_TAG_VAL_LENGTH
    assert tags["mlflow.note.content"].startswith("Window")
