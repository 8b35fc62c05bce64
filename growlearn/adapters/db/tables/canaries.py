"""Canaries, and the answers that wait for labels."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from growlearn.adapters.db.tables.base import Base, make_foreign_key, make_stream_column

_Count = BigInteger


class CanaryRow(Base):
    """A version that answers, or answered, beside the champion, and what was counted."""

    __tablename__ = "growlearn_canaries"
    __table_args__ = (
        make_foreign_key("versions", "version", "number"),
        make_foreign_key("versions", "champion", "number"),
    )

    stream: Mapped[str] = make_stream_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
    champion: Mapped[int]
    share_percent: Mapped[float]
    alpha: Mapped[float]
    follows_challenger: Mapped[bool]
    started_at: Mapped[datetime]
    started_by: Mapped[str]
    stopped_at: Mapped[datetime | None]
    stopped_by: Mapped[str | None]
    stop_reason: Mapped[str | None]
    answered: Mapped[int] = mapped_column(_Count)
    compared: Mapped[int] = mapped_column(_Count)
    agreed: Mapped[int] = mapped_column(_Count)
    dropped: Mapped[int] = mapped_column(_Count)
    failed: Mapped[int] = mapped_column(_Count)
    timed_pairs: Mapped[int] = mapped_column(_Count)
    slower_pairs: Mapped[int] = mapped_column(_Count)
    labelled: Mapped[int] = mapped_column(_Count)
    champion_correct: Mapped[int] = mapped_column(_Count)
    version_correct: Mapped[int] = mapped_column(_Count)
    only_champion_correct: Mapped[int] = mapped_column(_Count)


class CanaryAnswerRow(Base):
    """What both versions predicted of a row, until its label comes or it is too old."""

    __tablename__ = "growlearn_canary_answers"
    __table_args__ = (
        ForeignKeyConstraint(
            ["stream", "canary"],
            ["growlearn_canaries.stream", "growlearn_canaries.number"],
            ondelete="CASCADE",
        ),
        Index(None, "stream", "at"),
    )

    stream: Mapped[str] = mapped_column(primary_key=True)
    row_id: Mapped[str] = mapped_column(primary_key=True)
    canary: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    champion: Mapped[str | None]
    version: Mapped[str | None]
    at: Mapped[datetime]
