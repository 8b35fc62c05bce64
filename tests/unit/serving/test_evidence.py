"""What earlier windows have gathered, handed to the next comparison."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from growlearn.domain.drift import DriftReport
from growlearn.domain.drift_spec import DriftSpec, FalseGrowths
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import Job, Schedule, SourceSpec
from growlearn.domain.lineage import Task
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.drift.evidence.carry import Evidence
from growlearn.drift.reference import Reference
from growlearn.drift.sample import Sample
from growlearn.drift.watch import Carried
from growlearn.serving.evidence import budget_of, carried_of, with_evidence

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def job(**drift: Any) -> Job:
    schema = Schema(inputs={"x": Input(type=InputType.NUMBER)})
    return Job(
        name="s", source=SourceSpec(url="u"), schema=schema, drift=DriftSpec(decision="anytime", **drift)
    )


def windows(*tasks: str | None) -> list[Window]:
    return [
        Window(
            stream="s",
            number=number,
            state=WindowState.SETTLED,
            source="f",
            discovered_at=NOW + timedelta(hours=number),
            updated_at=NOW,
            task=task,
            verdict=Verdict.STABLE,
        )
        for number, task in enumerate(tasks, start=1)
    ]


def carried(windows_so_far: int) -> Carried:
    return Carried(scores=Evidence(reference="r", windows=windows_so_far))


def report(window: Window) -> DriftReport:
    evidence = carried(window.number).to_json() if window.number != 4 else None
    return DriftReport(verdict=Verdict.STABLE, task=window.task, reason="", alpha=0.05, evidence=evidence)


def reference(task: str) -> Reference:
    rows = Sample(
        outputs=np.ones((1, 1)), features=np.ones((1, 1)), inputs={}, kinds={}, targets=np.array([-1])
    )
    return Reference(task=task, reference=rows, window=rows)


def test_a_task_goes_on_from_its_own_newest_window() -> None:
    found = carried_of(windows("a", "b", "a"), report)
    assert found == {"a": carried(3), "b": carried(2)}


def test_a_newest_window_without_evidence_has_none() -> None:
    assert carried_of(windows("a", None, None, "a"), report) == {}


def test_references_get_their_evidence_and_budget(make_task: Any) -> None:
    tasks = [make_task("a"), make_task("b")]
    (found,) = with_evidence([reference("b")], tasks, windows("b"), report, job())
    assert found.carried == carried(1)
    assert found.budget == budget_of(job(), 2, [])


def test_other_decisions_carry_nothing(make_task: Any) -> None:
    plain = replace(job(), drift=DriftSpec())
    (found,) = with_evidence([reference("a")], [make_task("a")], windows("a"), report, plain)
    assert found.carried == Carried()
    assert found.budget is None


def test_alpha_is_spent_once_over_all_tasks_and_both_kinds_of_evidence() -> None:
    budgets = [budget_of(job(alpha=0.05), place, []) for place in range(1, 2000)]
    spent = 2 * sum(budget.reference + budget.stream + budget.window for budget in budgets)
    assert 0.0499 < spent < 0.05


def test_a_rate_is_read_off_the_schedule_or_the_history() -> None:
    asked = job(false_growths=FalseGrowths(at_most=1, per="30d"))
    hourly = replace(asked, schedule=Schedule(every="1h"))
    assert budget_of(hourly, 1, []).windows == pytest.approx(720)
    nightly = replace(asked, schedule=Schedule(cron="0 3 * * *"))
    assert budget_of(nightly, 1, windows(*["a"] * 6)).windows == pytest.approx(720)
    with pytest.raises(GrowLearnError, match="0 windows do not tell"):
        budget_of(nightly, 1, [])


@pytest.fixture
def make_task() -> Any:
    def make(name: str) -> Task:
        return Task(
            stream="s", name=name, classes=(0, 1), lineage=("b1",), head="h", holdout="o", reference="r",
            window="w1", version=1, opened_at=NOW,
        )  # fmt: skip

    return make
