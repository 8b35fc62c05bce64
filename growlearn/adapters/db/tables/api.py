"""Keys of the HTTP API, and its answers to requests with an idempotency key."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from growlearn.adapters.db.columns import EnumText
from growlearn.adapters.db.tables.base import Base
from growlearn.domain.api_key import Role


class ApiKeyRow(Base):
    """A key of the HTTP API, by the hash of what its holder has."""

    __tablename__ = "growlearn_api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(EnumText(Role))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApiRequestRow(Base):
    """A request with an idempotency key; without a status it is being answered."""

    __tablename__ = "growlearn_api_requests"
    __table_args__ = (Index(None, "started_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime]
    status: Mapped[int | None]
    body: Mapped[str | None]
