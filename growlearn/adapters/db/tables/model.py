"""Versions, branches and tasks, and where the aliases went."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from growlearn.adapters.db.columns import Choice, Json
from growlearn.adapters.db.tables.base import Base, Names, Serial, of_stream, of_window, refers
from growlearn.domain.lineage import BranchState, Manifest
from growlearn.domain.schema import Label
from growlearn.domain.stream import Alias


class VersionRow(Base):
    """One immutable model of a stream, and what the tracker calls it."""

    __tablename__ = "growlearn_versions"
    __table_args__ = (
        refers("windows", "window", "number"),
        refers("versions", "parent", "number"),
        UniqueConstraint("stream", "window"),
    )

    stream: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    parent: Mapped[int | None]
    window: Mapped[str] = of_window()
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
        refers("windows", "window", "number"),
        refers("versions", "version", "number"),
        refers("branches", "parent", "id"),
        refers("branches", "stem", "id"),
    )

    serial: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str]
    id: Mapped[str]
    parent: Mapped[str | None]
    stem: Mapped[str]
    task: Mapped[str]
    window: Mapped[str] = of_window()
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
        refers("windows", "window", "number"),
        refers("versions", "version", "number"),
    )

    serial: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str]
    name: Mapped[str]
    classes: Mapped[tuple[Label, ...]] = mapped_column(Json(tuple[Label, ...]))
    lineage: Mapped[tuple[str, ...]] = mapped_column(Names)
    head: Mapped[str] = mapped_column(String(64))
    holdout: Mapped[str] = mapped_column(String(64))
    reference: Mapped[str] = mapped_column(String(64))
    window: Mapped[str] = of_window()
    version: Mapped[int]
    opened_at: Mapped[datetime]


class AliasMoveRow(Base):
    """A move of an alias, kept as long as its stream."""

    __tablename__ = "growlearn_alias_moves"
    __table_args__ = (
        Index(None, "stream"),
        refers("versions", "before", "number"),
        refers("versions", "after", "number"),
    )

    serial: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = of_stream()
    alias: Mapped[Alias] = mapped_column(Choice(Alias))
    before: Mapped[int | None]
    after: Mapped[int | None]
    actor: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]
