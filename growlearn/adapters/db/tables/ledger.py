"""The decision ledger."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from growlearn.adapters.db.columns import Choice, Json, WindowId
from growlearn.adapters.db.tables.base import Base, Serial, of_stream, refers
from growlearn.domain.job import Job
from growlearn.domain.ledger import EntryKind
from growlearn.domain.stream import AliasMove, Transition


class LedgerRow(Base):
    """One decision with all that it rests on; rows are added and never changed."""

    __tablename__ = "growlearn_ledger"
    __table_args__ = (refers("windows", "window", "number"), Index(None, "stream", "window"))

    serial: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = of_stream()
    kind: Mapped[EntryKind] = mapped_column(Choice(EntryKind))
    at: Mapped[datetime]
    actor: Mapped[str]
    code: Mapped[str]
    configuration: Mapped[str] = mapped_column(String(16))
    window: Mapped[str | None] = mapped_column(WindowId())
    snapshot: Mapped[str | None] = mapped_column(String(64))
    step: Mapped[Transition | None] = mapped_column(Json(Transition))
    job: Mapped[Job | None] = mapped_column(Json(Job))
    alias_moves: Mapped[tuple[AliasMove, ...]] = mapped_column(Json(tuple[AliasMove, ...]))
