"""Streams, what the tracker must learn of them, and their ticks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from growlearn.adapters.db.columns import Choice, Json, WindowId
from growlearn.adapters.db.tables.base import Base, Serial, of_stream, refers
from growlearn.domain.job import Job
from growlearn.domain.stream import MessageKind


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


class OutboxRow(Base):
    """A message for the tracker; ids are never used twice, so a late receipt cannot hit another's."""

    __tablename__ = "growlearn_outbox"
    __table_args__ = (
        refers("windows", "window", "number"),
        Index(None, "stream", "delivered_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = of_stream()
    kind: Mapped[MessageKind] = mapped_column(Choice(MessageKind))
    window: Mapped[str | None] = mapped_column(WindowId())
    attempts: Mapped[int]
    reason: Mapped[str | None]
    attempted_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]


class TickRow(Base):
    """A tick and the scheduler that dispatched it."""

    __tablename__ = "growlearn_ticks"

    stream: Mapped[str] = of_stream(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    scheduler: Mapped[str]
