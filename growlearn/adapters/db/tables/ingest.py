"""Ingested files, their windows, and rejected rows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from growlearn.adapters.db.columns import EnumText, Json, WindowId
from growlearn.adapters.db.tables.base import Base, NameList, Serial, make_foreign_key, make_stream_column
from growlearn.domain.growth import Progress
from growlearn.domain.window import Verdict, WindowState


class SourceFileRow(Base):
    """An ingested file; one more row whenever it changed."""

    __tablename__ = "growlearn_source_files"
    __table_args__ = (Index(None, "stream", "url"), Index(None, "stream", "at"))

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = make_stream_column()
    url: Mapped[str]
    fingerprint: Mapped[str]
    sha256: Mapped[str | None] = mapped_column(String(64))
    schema: Mapped[str] = mapped_column(String(16))
    rows: Mapped[int]
    windows: Mapped[tuple[str, ...]] = mapped_column(NameList)
    at: Mapped[datetime]


class WindowRow(Base):
    """A window, its state and its lease."""

    __tablename__ = "growlearn_windows"
    __table_args__ = (Index(None, "stream", "state"),)

    stream: Mapped[str] = make_stream_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[WindowState] = mapped_column(EnumText(WindowState))
    source: Mapped[str]
    discovered_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    rows: Mapped[int]
    quarantined_rows: Mapped[int]
    snapshot: Mapped[str | None] = mapped_column(String(64))
    task: Mapped[str | None]
    verdict: Mapped[Verdict | None] = mapped_column(EnumText(Verdict))
    reason: Mapped[str | None]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    progress: Mapped[Progress | None] = mapped_column(Json(Progress))
    claim: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    labelled: Mapped[int | None]
    labels_required: Mapped[int | None]
    judged_by_version: Mapped[int | None]


class QuarantinedRowRow(Base):
    """A rejected row, by its index in its file."""

    __tablename__ = "growlearn_quarantined_rows"
    __table_args__ = (make_foreign_key("windows", "window", "number"), Index(None, "stream", "window"))

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = make_stream_column()
    file: Mapped[int] = mapped_column(
        Serial, ForeignKey("growlearn_source_files.id", ondelete="CASCADE"), index=True
    )
    window: Mapped[str | None] = mapped_column(WindowId())
    row: Mapped[int]
    reason: Mapped[str]


class LateLabelsRow(Base):
    """Labels of one file without rows: joined to a window, or (null) still without their rows."""

    __tablename__ = "growlearn_late_labels"
    __table_args__ = (make_foreign_key("windows", "window", "number"), Index(None, "stream"))

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = make_stream_column()
    window: Mapped[str | None] = mapped_column(WindowId())
    source: Mapped[str]
    content: Mapped[str | None] = mapped_column(String(64))
    labels: Mapped[int]
    at: Mapped[datetime]
