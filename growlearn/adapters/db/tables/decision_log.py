"""The decision log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from growlearn.adapters.db.columns import EnumText, Json, WindowId
from growlearn.adapters.db.tables.base import Base, Serial, make_foreign_key, make_stream_column
from growlearn.domain.decision_log import LogEntryKind
from growlearn.domain.drift import RemainingBudget
from growlearn.domain.job import Job
from growlearn.domain.window import Verdict, WindowState


class DecisionLogRow(Base):
    """One decision; rows are added and never changed.

    What a transition recorded in other tables is not repeated: `adapters/db/decision_log.py` reads it there.
    """

    __tablename__ = "growlearn_decision_log"
    __table_args__ = (
        make_foreign_key("windows", "window", "number"),
        make_foreign_key("canaries", "canary", "number"),
        Index(None, "stream", "window"),
    )

    serial: Mapped[int] = mapped_column(Serial, primary_key=True)
    stream: Mapped[str] = make_stream_column()
    kind: Mapped[LogEntryKind] = mapped_column(EnumText(LogEntryKind))
    at: Mapped[datetime]
    actor: Mapped[str]
    growlearn_version: Mapped[str]
    job_digest: Mapped[str] = mapped_column(String(16))
    window: Mapped[str | None] = mapped_column(WindowId())
    snapshot: Mapped[str | None] = mapped_column(String(64))
    source: Mapped[WindowState | None] = mapped_column(EnumText(WindowState))
    target: Mapped[WindowState | None] = mapped_column(EnumText(WindowState))
    verdict: Mapped[Verdict | None] = mapped_column(EnumText(Verdict))
    task: Mapped[str | None]
    reason: Mapped[str | None]
    remaining_budget: Mapped[RemainingBudget | None] = mapped_column(Json(RemainingBudget))
    parent_version: Mapped[int | None]
    parent_version_before: Mapped[int | None]
    labels_required: Mapped[int | None]
    judged_by_version: Mapped[int | None]
    job: Mapped[Job | None] = mapped_column(Json(Job))
    canary: Mapped[int | None]
