"""What each step recorded about a window: drift report, growth, evaluation and gates."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from growlearn.adapters.db.columns import EnumText, Json, NullableFloat
from growlearn.adapters.db.tables.base import Base, NameList, make_foreign_key, make_window_column
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.drift import DriftKind, MonitorState
from growlearn.domain.evaluation import TaskReplacement
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.metric import MetricName
from growlearn.domain.model_selection import ModelSelection
from growlearn.domain.refinement_score import RefinementScore
from growlearn.domain.window import Verdict


class DriftReportRow(Base):
    """The verdict on one window; one more row each time it is judged."""

    __tablename__ = "growlearn_drift_reports"
    __table_args__ = (make_foreign_key("windows", "window", "number"),)

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = make_window_column(primary_key=True)
    judgement: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    verdict: Mapped[Verdict] = mapped_column(EnumText(Verdict))
    task: Mapped[str | None]
    reason: Mapped[str]
    alpha: Mapped[float]
    kind: Mapped[DriftKind | None] = mapped_column(EnumText(DriftKind))
    monitor_state: Mapped[MonitorState | None] = mapped_column(Json(MonitorState))
    correct: Mapped[int | None]
    labelled_rows: Mapped[int | None]


class AccuracyEstimateRow(Base):
    """What a version's accuracy on a window was estimated to be, and what the labels known by now say."""

    __tablename__ = "growlearn_accuracy_estimates"
    __table_args__ = (make_foreign_key("windows", "window", "number"),)

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = make_window_column(primary_key=True)
    version: Mapped[int]
    rows: Mapped[int]
    accuracy: Mapped[float]
    low: Mapped[float]
    high: Mapped[float]
    known_rows: Mapped[int]
    known_correct: Mapped[int]
    known_low: Mapped[float | None]
    known_high: Mapped[float | None]


class DriftTestResultRow(Base):
    """The result of one test of one output or column, in the report's order."""

    __tablename__ = "growlearn_drift_test_results"
    __table_args__ = (
        ForeignKeyConstraint(
            ["stream", "window", "judgement"],
            [
                "growlearn_drift_reports.stream",
                "growlearn_drift_reports.window",
                "growlearn_drift_reports.judgement",
            ],
            ondelete="CASCADE",
        ),
    )

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = make_window_column(primary_key=True)
    judgement: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    detector: Mapped[str]
    task: Mapped[str]
    name: Mapped[str]
    statistic: Mapped[float] = mapped_column(NullableFloat(), nullable=True)
    p_value: Mapped[float] = mapped_column(NullableFloat(), nullable=True)
    threshold: Mapped[float]
    reference_rows: Mapped[int]
    window_rows: Mapped[int]
    effect_size: Mapped[float] = mapped_column(NullableFloat(), nullable=True)


class GrowthRow(Base):
    """A window's plan, and the result of the training.

    `trained_plan` holds the fields of the plan that was trained which differ from `plan`, by name.
    """

    __tablename__ = "growlearn_growths"
    __table_args__ = (make_foreign_key("windows", "window", "number"),)

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = make_window_column(primary_key=True)
    plan: Mapped[GrowthPlan | ConsolidationPlan | None] = mapped_column(Json(GrowthPlan | ConsolidationPlan))
    trained_plan: Mapped[dict[str, Any] | None] = mapped_column(Json(dict[str, Any]))
    result: Mapped[GrowthResult | ConsolidationResult | None] = mapped_column(
        Json(GrowthResult | ConsolidationResult)
    )


class EvaluationRow(Base):
    """A candidate's evaluation; its accuracies are in `growlearn_task_scores`."""

    __tablename__ = "growlearn_evaluations"
    __table_args__ = (make_foreign_key("windows", "window", "number"),)

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = make_window_column(primary_key=True)
    task: Mapped[str]
    chance_level: Mapped[float]
    metric_chance_level: Mapped[float | None]
    changed_tasks: Mapped[tuple[str, ...]] = mapped_column(NameList)
    model_selection: Mapped[ModelSelection | None] = mapped_column(Json(ModelSelection))
    replacement: Mapped[TaskReplacement | None] = mapped_column(Json(TaskReplacement))
    refinement: Mapped[RefinementScore | None] = mapped_column(Json(RefinementScore))


class TaskScoreRow(Base):
    """Correct predictions on one task; `kind` says of which model (see domain/evaluation.py)."""

    __tablename__ = "growlearn_task_scores"
    __table_args__ = (
        ForeignKeyConstraint(
            ["stream", "window"],
            ["growlearn_evaluations.stream", "growlearn_evaluations.window"],
            ondelete="CASCADE",
        ),
    )

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = make_window_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    task: Mapped[str]
    correct: Mapped[int]
    rows: Mapped[int]
    logits_sha256: Mapped[str | None] = mapped_column(String(64))
    metric: Mapped[MetricName] = mapped_column(EnumText(MetricName, 32))
    metric_value: Mapped[float | None]


class GateRow(Base):
    """The result of one gate, in the order they were evaluated."""

    __tablename__ = "growlearn_gates"
    __table_args__ = (make_foreign_key("windows", "window", "number"),)

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = make_window_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gate: Mapped[str]
    value: Mapped[float] = mapped_column(NullableFloat(), nullable=True)
    threshold: Mapped[float]
    passed: Mapped[bool]
    reason: Mapped[str]
