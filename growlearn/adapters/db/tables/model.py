"""Versions, branches, tasks and alias changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from growlearn.adapters.db.columns import EnumText, Json
from growlearn.adapters.db.tables.base import (
    Base,
    NameList,
    Serial,
    make_foreign_key,
    make_stream_column,
    make_window_column,
)
from growlearn.domain.lineage import BranchState, Manifest
from growlearn.domain.schema import Label
from growlearn.domain.stream import Alias


class VersionRow(Base):
    """One immutable model of a stream, with its ids in the tracker.

    `manifest_sha256` is that of the manifest's text, so that a later change of it is noticed.
    """

    __tablename__ = "growlearn_versions"
    __table_args__ = (
        make_foreign_key("windows", "window", "number"),
        make_foreign_key("versions", "parent", "number"),
        UniqueConstraint("stream", "window"),
    )

    stream: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    parent: Mapped[int | None]
    window: Mapped[str] = make_window_column()
    branches: Mapped[tuple[str, ...]] = mapped_column(NameList)
    tasks: Mapped[tuple[str, ...]] = mapped_column(NameList)
    parameters: Mapped[int] = mapped_column(BigInteger)
    average_accuracy: Mapped[float]
    manifest: Mapped[Manifest] = mapped_column(Json(Manifest))
    manifest_sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    mlflow_version: Mapped[str | None]
    mlflow_run: Mapped[str | None]


class BranchRow(Base):
    """A grown branch; the serial is the order of growth."""

    __tablename__ = "growlearn_branches"
    __table_args__ = (
        UniqueConstraint("stream", "id"),
        make_foreign_key("windows", "window", "number"),
        make_foreign_key("versions", "version", "number"),
        make_foreign_key("branches", "parent", "id"),
        make_foreign_key("branches", "stem", "id"),
    )

    serial: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str]
    id: Mapped[str]
    parent: Mapped[str | None]
    stem: Mapped[str]
    task: Mapped[str]
    window: Mapped[str] = make_window_column()
    version: Mapped[int | None]
    parameters: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[BranchState] = mapped_column(EnumText(BranchState))
    created_at: Mapped[datetime]


class TaskRow(Base):
    """A task as a version opened or refined it: one row of a name for each such version."""

    __tablename__ = "growlearn_tasks"
    __table_args__ = (
        UniqueConstraint("stream", "name", "version"),
        make_foreign_key("windows", "window", "number"),
        make_foreign_key("versions", "version", "number"),
    )

    serial: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str]
    name: Mapped[str]
    classes: Mapped[tuple[Label, ...]] = mapped_column(Json(tuple[Label, ...]))
    lineage: Mapped[tuple[str, ...]] = mapped_column(NameList)
    head: Mapped[str] = mapped_column(String(64))
    holdout: Mapped[str] = mapped_column(String(64))
    reference_rows: Mapped[str] = mapped_column(String(64))
    window: Mapped[str] = make_window_column()
    version: Mapped[int]


class RemovedFileRow(Base):
    """A stored file that retention removed, and when; rows that refer to it stay."""

    __tablename__ = "growlearn_removed_files"

    stream: Mapped[str] = make_stream_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]


class AliasChangeRow(Base):
    """One change of an alias, stored as long as its stream; `decision` is its entry of the decision log."""

    __tablename__ = "growlearn_alias_changes"
    __table_args__ = (
        Index(None, "stream"),
        make_foreign_key("versions", "before", "number"),
        make_foreign_key("versions", "after", "number"),
    )

    serial: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = make_stream_column()
    alias: Mapped[Alias] = mapped_column(EnumText(Alias))
    before: Mapped[int | None]
    after: Mapped[int | None]
    actor: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]
    decision: Mapped[int] = mapped_column(
        Serial, ForeignKey("growlearn_decision_log.serial", ondelete="CASCADE"), index=True
    )
