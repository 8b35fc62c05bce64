"""The processes that serve the streams."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from growlearn.adapters.db.columns import EnumText
from growlearn.adapters.db.tables.base import Base
from growlearn.domain.process import ProcessKind


class ProcessRow(Base):
    """A process that runs, or that ended without removing its row."""

    __tablename__ = "growlearn_processes"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[ProcessKind] = mapped_column(EnumText(ProcessKind))
    host: Mapped[str]
    pid: Mapped[int]
    version: Mapped[str]
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    next_look_at: Mapped[datetime | None]
