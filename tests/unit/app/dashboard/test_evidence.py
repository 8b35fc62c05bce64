"""The evidence on a window, by each decision rule."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from growlearn.app.dashboard.evidence import read_evidence
from growlearn.domain.drift import DriftReport, DriftTestResult, EProcess, MonitorState
from growlearn.domain.lineage import Task
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.drift.monitor_history import make_task_budget
from tests.unit.in_memory import JOB

AT = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = Window(
    stream="digits", number=2, state=WindowState.SKIPPED, source="x", discovered_at=AT, updated_at=AT,
    verdict=Verdict.STABLE, task="a",
)  # fmt: skip
TEST = DriftTestResult(
    detector="output-ks", task="a", name="output", statistic=0.1, p_value=1e-3, threshold=1e-4,
    reference_rows=50, window_rows=50,
)  # fmt: skip
REPORT = DriftReport(
    verdict=Verdict.STABLE, task="a", reason="still like a", alpha=0.05, test_results=(TEST,)
)
TASK = Task(
    stream="digits", name="a", classes=(0, 1), lineage=("b1",), head="h", holdout="x", reference_rows="y",
    window="w1", version=1,
)  # fmt: skip


def read(report: DriftReport | None, window: Window = WINDOW) -> tuple[float | None, float | None]:
    (item,) = read_evidence([window], {} if report is None else {"w2": report}, JOB, [TASK])
    return item.value, item.alarm


def test_the_test_nearest_to_its_own_threshold_counts() -> None:
    weaker = replace(TEST, p_value=1e-5, threshold=1e-9)
    (item,) = read_evidence([WINDOW], {"w2": replace(REPORT, test_results=(weaker, TEST))}, JOB, [TASK])
    assert item.strongest == TEST
    assert (item.value, item.alarm) == pytest.approx((3.0, 4.0))
    assert item.reason == "still like a"


def test_the_evidence_is_against_the_windows_own_task_or_else_the_nearest() -> None:
    of_others = [replace(TEST, task="b", p_value=1e-20), replace(TEST, task="c", p_value=1e-9)]
    known = replace(REPORT, test_results=(*of_others, TEST))
    assert read(known)[0] == pytest.approx(3.0)
    unlike_all = replace(known, task="new", test_results=(*of_others, replace(TEST, p_value=1e-12)))
    assert read(unlike_all)[0] == pytest.approx(9.0)
    assert read(replace(unlike_all, task=None))[0] == pytest.approx(9.0)


@pytest.mark.parametrize(("p_value", "value"), [(0.0, 300.0), (1.0, 0.0)])
def test_extreme_p_values_have_a_finite_place(p_value: float, value: float) -> None:
    assert read(replace(REPORT, test_results=(replace(TEST, p_value=p_value),)))[0] == pytest.approx(value)


def test_a_window_without_a_test_has_no_evidence() -> None:
    assert read(None) == (None, None)
    assert read(replace(REPORT, test_results=())) == (None, None)
    assert read(replace(REPORT, test_results=(replace(TEST, p_value=math.nan),))) == (None, None)


def test_a_window_that_was_not_judged_is_left_out() -> None:
    assert read_evidence([replace(WINDOW, verdict=None)], {"w2": REPORT}, JOB, [TASK]) == ()


def test_the_sequential_rule_has_the_line_of_its_reference() -> None:
    process = EProcess(fingerprint="f", num_windows=1, log_wealth=(math.log(10.0), math.log(30.0)))
    state = MonitorState(scores=process, risk=None, reference_version=1)
    report = replace(REPORT, monitor_state=state)
    assert read(report) == pytest.approx(
        (math.log10(20.0), make_task_budget(JOB, 1, None).log_threshold / math.log(10))
    )
    gone = replace(report, monitor_state=replace(state, reference_version=7))
    value, alarm = read(gone)
    assert value == pytest.approx(math.log10(20.0))
    assert alarm is None
    before_the_first = replace(report, monitor_state=MonitorState(reference_version=1))
    assert read(before_the_first)[0] is None
