"""What becomes of the rows that the HTTP API answers: the job file's `serving`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from growlearn.domain.validation import MAX_COUNT, STRICT, parse_duration_s, require

LOG_COLUMN_PREFIX = "growlearn_"
"""Of the names of the columns that the request log adds to a row."""


@dataclass(frozen=True, kw_only=True)
class RequestLogConfig:
    """Which answered rows come back as rows of the stream, and when a file of them is written."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    sample: float = 1.0  # fraction of the answered rows
    flush_rows: int = 1000  # a file is written once so many rows wait for it
    flush_every: str = "1m"  # or once the first of them has waited so long

    def __post_init__(self) -> None:
        require(0 < self.sample <= 1, f"sample {self.sample} must be more than 0, and at most 1")
        require(1 <= self.flush_rows <= MAX_COUNT, f"flush_rows must be 1 or more, at most {MAX_COUNT:,}")
        parse_duration_s(self.flush_every)

    @property
    def flush_every_s(self) -> float:
        """`flush_every` in seconds."""
        return parse_duration_s(self.flush_every)


@dataclass(frozen=True, kw_only=True)
class ServingConfig:
    """How a stream's model is served."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    request_log: RequestLogConfig | None = None
