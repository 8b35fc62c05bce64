"""How a window was handled: report, growth, evaluation and gates."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from growlearn.adapters.db.columns import Choice, Figure, Json
from growlearn.adapters.db.tables.base import Base, Names, of_window, refers
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.drift import DriftKind
from growlearn.domain.evaluation import Succession
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.window import Verdict
from growlearn.domain.worth import Worth


class DriftReportRow(Base):
    """The verdict on one window."""

    __tablename__ = "growlearn_drift_reports"
    __table_args__ = (refers("windows", "window", "number"),)

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = of_window(primary_key=True)
    verdict: Mapped[Verdict] = mapped_column(Choice(Verdict))
    task: Mapped[str | None]
    reason: Mapped[str]
    alpha: Mapped[float]
    kind: Mapped[DriftKind | None] = mapped_column(Choice(DriftKind))
    evidence: Mapped[str | None]


class DriftScoreRow(Base):
    """One test of one output or column, in the report's order."""

    __tablename__ = "growlearn_drift_scores"
    __table_args__ = (
        ForeignKeyConstraint(
            ["stream", "window"],
            ["growlearn_drift_reports.stream", "growlearn_drift_reports.window"],
            ondelete="CASCADE",
        ),
    )

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = of_window(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    detector: Mapped[str]
    task: Mapped[str]
    name: Mapped[str]
    statistic: Mapped[float] = mapped_column(Figure(), nullable=True)
    p_value: Mapped[float] = mapped_column(Figure(), nullable=True)
    threshold: Mapped[float]
    reference_rows: Mapped[int]
    window_rows: Mapped[int]
    effect: Mapped[float] = mapped_column(Figure(), nullable=True)


class GrowthRow(Base):
    """What was to be grown in a window, and what came of it."""

    __tablename__ = "growlearn_growths"
    __table_args__ = (refers("windows", "window", "number"),)

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = of_window(primary_key=True)
    task: Mapped[str | None]
    parent: Mapped[str | None]
    seed: Mapped[int | None] = mapped_column(BigInteger)
    birth_loss: Mapped[float | None]
    best_loss: Mapped[float | None]
    seconds: Mapped[float | None]
    plan: Mapped[GrowthPlan | ConsolidationPlan | None] = mapped_column(Json(GrowthPlan | ConsolidationPlan))
    result: Mapped[GrowthResult | ConsolidationResult | None] = mapped_column(
        Json(GrowthResult | ConsolidationResult)
    )


class EvaluationRow(Base):
    """A candidate's evaluation; its accuracies are in cells."""

    __tablename__ = "growlearn_evaluations"
    __table_args__ = (refers("windows", "window", "number"),)

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = of_window(primary_key=True)
    task: Mapped[str]
    chance: Mapped[float]
    changed: Mapped[tuple[str, ...]] = mapped_column(Names)
    worth: Mapped[Worth | None] = mapped_column(Json(Worth))
    succession: Mapped[Succession | None] = mapped_column(Json(Succession))


class CellRow(Base):
    """Right answers on one task: by the candidate (cell), or by what `kind` says (domain/evaluation.py)."""

    __tablename__ = "growlearn_cells"
    __table_args__ = (
        ForeignKeyConstraint(
            ["stream", "window"],
            ["growlearn_evaluations.stream", "growlearn_evaluations.window"],
            ondelete="CASCADE",
        ),
    )

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = of_window(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    task: Mapped[str]
    correct: Mapped[int]
    rows: Mapped[int]
    answers: Mapped[str | None] = mapped_column(String(64))


class GateRow(Base):
    """What one gate said, in the order they were asked."""

    __tablename__ = "growlearn_gates"
    __table_args__ = (refers("windows", "window", "number"),)

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = of_window(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gate: Mapped[str]
    figure: Mapped[float] = mapped_column(Figure(), nullable=True)
    bound: Mapped[float]
    passed: Mapped[bool]
    reason: Mapped[str]
