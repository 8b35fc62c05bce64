"""The tables, one a word of the glossary; `migrations/` builds the same ones, which a test proves.

A column has the name of the dataclass field it holds. `window` columns hold a window's number.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from growlearn.adapters.db.columns import Choice, Figure, Json, UtcDateTime, WindowId, Words
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.drift import DriftKind
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.job import Job
from growlearn.domain.lineage import BranchState, Manifest
from growlearn.domain.schema import Label
from growlearn.domain.stream import Alias, MessageKind
from growlearn.domain.window import Verdict, WindowState

PREFIX = "growlearn_"
VERSION_TABLE = "growlearn_alembic_version"
HEAD = "0004"  # the newest migration, known here so that opening a store need not load Alembic

Serial = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts up INTEGER keys only
Names = Json(tuple[str, ...])


class Base(DeclarativeBase):
    """Names every constraint, so that a migration can name it too."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime(), str: Words(), float: Double()}


def _stream(*, primary_key: bool = False) -> Mapped[str]:
    return mapped_column(ForeignKey("growlearn_streams.name", ondelete="CASCADE"), primary_key=primary_key)


def _window(*, primary_key: bool = False) -> Mapped[str]:
    return mapped_column(WindowId(), primary_key=primary_key, autoincrement=False)


def _refers(table: str, column: str, key: str) -> ForeignKeyConstraint:
    table = PREFIX + table
    return ForeignKeyConstraint(["stream", column], [f"{table}.stream", f"{table}.{key}"], ondelete="CASCADE")


class StreamRow(Base):
    """A stream and where its aliases stand."""

    __tablename__ = "growlearn_streams"

    name: Mapped[str] = mapped_column(primary_key=True)
    job: Mapped[Job] = mapped_column(Json(Job))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    champion: Mapped[int | None]
    challenger: Mapped[int | None]
    base: Mapped[int | None]
    outbox_owner: Mapped[str | None]
    outbox_until: Mapped[datetime | None]


class SourceFileRow(Base):
    """A file as it was taken in; again whenever it changed."""

    __tablename__ = "growlearn_source_files"
    __table_args__ = (Index(None, "stream", "url"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = _stream()
    url: Mapped[str]
    fingerprint: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[str | None]
    sha256: Mapped[str | None] = mapped_column(String(64))
    schema: Mapped[str] = mapped_column(String(16))
    rows: Mapped[int]
    windows: Mapped[tuple[str, ...]] = mapped_column(Names)
    at: Mapped[datetime]


class WindowRow(Base):
    """A window, where it stands and who works on it."""

    __tablename__ = "growlearn_windows"
    __table_args__ = (Index(None, "stream", "state"),)

    stream: Mapped[str] = _stream(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[WindowState] = mapped_column(Choice(WindowState))
    source: Mapped[str]
    discovered_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    rows: Mapped[int]
    quarantined_rows: Mapped[int]
    snapshot: Mapped[str | None] = mapped_column(String(64))
    task: Mapped[str | None]
    verdict: Mapped[Verdict | None] = mapped_column(Choice(Verdict))
    reason: Mapped[str | None]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    labelled: Mapped[int | None]
    wanted: Mapped[int | None]
    judged_by: Mapped[int | None]


class QuarantinedRowRow(Base):
    """A row kept out, by its place in its file."""

    __tablename__ = "growlearn_quarantined_rows"
    __table_args__ = (_refers("windows", "window", "number"), Index(None, "stream", "window"))

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = _stream()
    file: Mapped[int] = mapped_column(
        Serial, ForeignKey("growlearn_source_files.id", ondelete="CASCADE"), index=True
    )
    window: Mapped[str | None] = mapped_column(WindowId())
    row: Mapped[int]
    reason: Mapped[str]


class LateLabelsRow(Base):
    """Labels of one file that came apart from their rows: joined to a window, or (null) without rows yet."""

    __tablename__ = "growlearn_late_labels"
    __table_args__ = (_refers("windows", "window", "number"), Index(None, "stream"))

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = _stream()
    window: Mapped[str | None] = mapped_column(WindowId())
    source: Mapped[str]
    content: Mapped[str | None] = mapped_column(String(64))
    labels: Mapped[int]
    at: Mapped[datetime]


class DriftReportRow(Base):
    """The verdict on one window."""

    __tablename__ = "growlearn_drift_reports"
    __table_args__ = (_refers("windows", "window", "number"),)

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = _window(primary_key=True)
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
    window: Mapped[str] = _window(primary_key=True)
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
    __table_args__ = (_refers("windows", "window", "number"),)

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = _window(primary_key=True)
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
    __table_args__ = (_refers("windows", "window", "number"),)

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = _window(primary_key=True)
    task: Mapped[str]
    chance: Mapped[float]
    changed: Mapped[tuple[str, ...]] = mapped_column(Names)


class CellRow(Base):
    """Right answers on one task: the candidate's (cell), before it, of a known task, one alone, or taught."""

    __tablename__ = "growlearn_cells"
    __table_args__ = (
        ForeignKeyConstraint(
            ["stream", "window"],
            ["growlearn_evaluations.stream", "growlearn_evaluations.window"],
            ondelete="CASCADE",
        ),
    )

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = _window(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    task: Mapped[str]
    correct: Mapped[int]
    rows: Mapped[int]


class GateRow(Base):
    """What one gate said, in the order they were asked."""

    __tablename__ = "growlearn_gates"
    __table_args__ = (_refers("windows", "window", "number"),)

    stream: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[str] = _window(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gate: Mapped[str]
    figure: Mapped[float] = mapped_column(Figure(), nullable=True)
    bound: Mapped[float]
    passed: Mapped[bool]
    reason: Mapped[str]


class VersionRow(Base):
    """One immutable model of a stream, and what the tracker calls it."""

    __tablename__ = "growlearn_versions"
    __table_args__ = (
        _refers("windows", "window", "number"),
        _refers("versions", "parent", "number"),
        UniqueConstraint("stream", "window"),
    )

    stream: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    parent: Mapped[int | None]
    window: Mapped[str] = _window()
    branches: Mapped[tuple[str, ...]] = mapped_column(Names)
    tasks: Mapped[tuple[str, ...]] = mapped_column(Names)
    parameters: Mapped[int] = mapped_column(BigInteger)
    average_accuracy: Mapped[float]
    manifest: Mapped[Manifest] = mapped_column(Json(Manifest))
    created_at: Mapped[datetime]
    mlflow_version: Mapped[str | None]
    mlflow_run: Mapped[str | None]


class BranchRow(Base):
    """A grown branch; the serial keeps the order they were grown in."""

    __tablename__ = "growlearn_branches"
    __table_args__ = (
        UniqueConstraint("stream", "id"),
        _refers("windows", "window", "number"),
        _refers("versions", "version", "number"),
        _refers("branches", "parent", "id"),
        _refers("branches", "stem", "id"),
    )

    serial: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str]
    id: Mapped[str]
    parent: Mapped[str | None]
    stem: Mapped[str]
    task: Mapped[str]
    window: Mapped[str] = _window()
    version: Mapped[int | None]
    parameters: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[BranchState] = mapped_column(Choice(BranchState))
    created_at: Mapped[datetime]


class TaskRow(Base):
    """An opened task; a name may be opened again on another line of versions after a rollback."""

    __tablename__ = "growlearn_tasks"
    __table_args__ = (
        UniqueConstraint("stream", "name", "version"),
        _refers("windows", "window", "number"),
        _refers("versions", "version", "number"),
    )

    serial: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str]
    name: Mapped[str]
    classes: Mapped[tuple[Label, ...]] = mapped_column(Json(tuple[Label, ...]))
    lineage: Mapped[tuple[str, ...]] = mapped_column(Names)
    head: Mapped[str] = mapped_column(String(64))
    holdout: Mapped[str] = mapped_column(String(64))
    reference: Mapped[str] = mapped_column(String(64))
    window: Mapped[str] = _window()
    version: Mapped[int]
    opened_at: Mapped[datetime]


class AliasMoveRow(Base):
    """A move of an alias, kept as long as its stream."""

    __tablename__ = "growlearn_alias_moves"
    __table_args__ = (
        Index(None, "stream"),
        _refers("versions", "before", "number"),
        _refers("versions", "after", "number"),
    )

    serial: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = _stream()
    alias: Mapped[Alias] = mapped_column(Choice(Alias))
    before: Mapped[int | None]
    after: Mapped[int | None]
    actor: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]


class OutboxRow(Base):
    """A message for the tracker; ids are never used twice, so a late receipt cannot hit another's."""

    __tablename__ = "growlearn_outbox"
    __table_args__ = (
        _refers("windows", "window", "number"),
        Index(None, "stream", "delivered_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = _stream()
    kind: Mapped[MessageKind] = mapped_column(Choice(MessageKind))
    window: Mapped[str | None] = mapped_column(WindowId())
    attempts: Mapped[int]
    reason: Mapped[str | None]
    attempted_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]


class TickRow(Base):
    """A tick and the scheduler that dispatched it."""

    __tablename__ = "growlearn_ticks"

    stream: Mapped[str] = _stream(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    scheduler: Mapped[str]
