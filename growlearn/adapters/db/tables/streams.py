"""Streams, their messages to the tracker, their alerts, and their ticks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from growlearn.adapters.db.columns import EnumText, Json, WindowId
from growlearn.adapters.db.tables.base import Base, Serial, make_foreign_key, make_stream_column
from growlearn.domain.alert import AlertKind
from growlearn.domain.job import Job
from growlearn.domain.stream import MessageKind


class StreamRow(Base):
    """A stream and its aliases."""

    __tablename__ = "growlearn_streams"

    name: Mapped[str] = mapped_column(primary_key=True)
    job: Mapped[Job] = mapped_column(Json(Job))
    created_at: Mapped[datetime]
    champion: Mapped[int | None]
    challenger: Mapped[int | None]
    parent_version: Mapped[int | None]
    paused_at: Mapped[datetime | None]
    outbox_owner: Mapped[str | None]
    outbox_until: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]


class OutboxRow(Base):
    """A message for the tracker; ids are never reused, so a late delivery cannot affect another message."""

    __tablename__ = "growlearn_outbox"
    __table_args__ = (
        make_foreign_key("windows", "window", "number"),
        Index(None, "stream", "delivered_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = make_stream_column()
    kind: Mapped[MessageKind] = mapped_column(EnumText(MessageKind))
    window: Mapped[str | None] = mapped_column(WindowId())
    attempts: Mapped[int]
    reason: Mapped[str | None]
    attempted_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    undeliverable_at: Mapped[datetime | None]


class AlertRow(Base):
    """Something a person may want to hear of: waiting to be sent to the webhook, sent, or too old by now."""

    __tablename__ = "growlearn_alerts"
    __table_args__ = (
        Index(None, "stream", "kind", "sent_at"),
        Index(None, "sent_at", "at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = make_stream_column()
    kind: Mapped[AlertKind] = mapped_column(EnumText(AlertKind))
    at: Mapped[datetime]
    text: Mapped[str]
    window: Mapped[str | None] = mapped_column(WindowId())
    version: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None]
    attempted_at: Mapped[datetime | None]
    claimed_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]


class TickRow(Base):
    """A tick that a scheduler has claimed."""

    __tablename__ = "growlearn_ticks"

    stream: Mapped[str] = make_stream_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
