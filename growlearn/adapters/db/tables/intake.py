"""Files taken in, the windows they became, and what was kept out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from growlearn.adapters.db.columns import Choice, WindowId
from growlearn.adapters.db.tables.base import Base, Names, Serial, of_stream, refers
from growlearn.domain.window import Verdict, WindowState


class SourceFileRow(Base):
    """A file as it was taken in; again whenever it changed."""

    __tablename__ = "growlearn_source_files"
    __table_args__ = (Index(None, "stream", "url"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = of_stream()
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

    stream: Mapped[str] = of_stream(primary_key=True)
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
    __table_args__ = (refers("windows", "window", "number"), Index(None, "stream", "window"))

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = of_stream()
    file: Mapped[int] = mapped_column(
        Serial, ForeignKey("growlearn_source_files.id", ondelete="CASCADE"), index=True
    )
    window: Mapped[str | None] = mapped_column(WindowId())
    row: Mapped[int]
    reason: Mapped[str]


class LateLabelsRow(Base):
    """Labels of one file that came apart from their rows: joined to a window, or (null) without rows yet."""

    __tablename__ = "growlearn_late_labels"
    __table_args__ = (refers("windows", "window", "number"), Index(None, "stream"))

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = of_stream()
    window: Mapped[str | None] = mapped_column(WindowId())
    source: Mapped[str]
    content: Mapped[str | None] = mapped_column(String(64))
    labels: Mapped[int]
    at: Mapped[datetime]
