"""The lines that a long-running process writes, as text or as one JSON object each.

A JSON line has `at`, `level` and `event`; `stream`, `window` and `claim` where it is about one, wherever
in the process it was written; `logger` where a library wrote it, and `traceback` where there is one.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType

from growlearn.domain.printable import printable
from growlearn.domain.redaction import redact

_fields: ContextVar[Mapping[str, object]] = ContextVar("log_fields", default=MappingProxyType({}))
_writes_json = threading.Event()  # of this process


@contextmanager
def log_fields(**fields: object) -> Iterator[None]:
    """What the lines of this thread are about, for a block; those that are None are left out."""
    token = _fields.set({**_fields.get(), **fields})
    try:
        yield
    finally:
        _fields.reset(token)


def set_log_fields(**fields: object) -> None:
    """The same from here on, until the block of `log_fields` around it ends."""
    _fields.set({**_fields.get(), **fields})


def format_line(text: str, level: str) -> str:
    """One line as this process writes it: no credentials, escapes for what is not printable."""
    return format_json_line(text, level) if _writes_json.is_set() else printable(redact(text))


def format_json_line(event: str, level: str, **more: object) -> str:
    """One JSON object on one line, in ASCII."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = {**_fields.get(), **more}
    about = {name: value for name, value in fields.items() if value is not None}
    line = {"at": at, "level": level, "event": redact(event), **about}
    return json.dumps(
        {key: redact(value) if isinstance(value, str) else value for key, value in line.items()}
    )


LOG_FORMAT_VARIABLE = "GROWLEARN_LOG_FORMAT"
"""By which a process that writes JSON lines tells its training processes to do so."""


def writes_json() -> bool:
    """Whether this process writes JSON lines."""
    return _writes_json.is_set()


def write_json_lines() -> None:
    """Write JSON lines from here on, also what libraries log, warnings, and errors that end a thread."""
    _writes_json.set()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter())
    logging.getLogger().handlers[:] = [handler]
    logging.captureWarnings(True)
    threading.excepthook = lambda crash: _write_crash(crash.exc_type, crash.exc_value, crash.exc_traceback)
    sys.excepthook = _write_crash


class _JsonFormatter(logging.Formatter):
    """A log record of a library or a module as one line, its traceback too."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        trace = None if record.exc_info is None else self.formatException(record.exc_info)
        level = record.levelname.lower()
        return format_json_line(record.getMessage(), level, logger=record.name, traceback=trace)


def _write_crash(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    lines = "".join(traceback.format_exception(kind, error, trace))
    sys.stderr.write(format_json_line(f"{kind.__name__}: {error}", "error", traceback=lines) + "\n")
    sys.stderr.flush()
