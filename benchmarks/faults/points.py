"""Every commit and every file operation of a process, as a point at which it can be killed or made to fail.

Points are found, not listed: commits of transactions that wrote, and whatever Python code does to files below
one folder, are counted as they happen. Each point lies before one operation and, as nothing is written in
between, after the one before it. SQLite's own files are written by C code, which its commits stand for. Only
the main thread counts: the heartbeat of a lease must not shift the numbers.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import re
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

_READS = ("SELECT", "PRAGMA", "BEGIN", "SHOW")
_RANDOM_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_REMOVALS = ("remove", "unlink", "rmdir")


class Fault(StrEnum):
    """What happens at a point."""

    KILL = "kill"  # SIGKILL: nothing of this process runs after it
    FULL = "full"  # the disk is full from here on: nothing that needs room happens
    SHORT = "short"  # the same, but half of the write that meets it arrives


@dataclass(frozen=True)
class Point:
    """The operation before which it lies, on which file or database, and the code that asks for it."""

    operation: str
    target: str
    where: str

    def __str__(self) -> str:
        return f"before {self.operation} of {self.target} in {self.where}"


class Points:
    """Counts the points of this process below a folder, and acts at one of them.

    `number` counts from 1; None: at none.
    """

    def __init__(self, folder: Path, fault: Fault = Fault.KILL, number: int | None = None) -> None:
        self.reached: list[Point] = []
        self._folder = os.path.realpath(folder)
        self._fault = fault
        self._number = number

    def install(self) -> None:
        """Watch this process from now on, for good."""
        _watch_commits(self)
        for name in ("mkdir", "rename", "replace", "fsync", *_REMOVALS):
            _watch_call(self, name)
        _watch_copies(self)
        _watch_open(self)

    def enter(self, operation: str, target: str, fail: Callable[[], None]) -> None:
        """Before an operation: it may be the last moment of this process, or `fail` for want of room."""
        if threading.current_thread() is not threading.main_thread():
            return
        self.reached.append(Point(operation, target, _find_caller()))
        if self._number is None or len(self.reached) < self._number:
            return
        if self._fault is Fault.KILL:
            kill_this_process(str(self.reached[-1]))
        fail()

    def covers(self, path: object) -> str | None:
        """The path below the folder, random ids left out; None for another file, and for what is no path."""
        if not isinstance(path, (str, os.PathLike)):
            return None
        whole = os.path.realpath(os.fspath(path))
        if not whole.startswith(self._folder + os.sep):
            return None
        return _RANDOM_ID.sub("ID", os.path.relpath(whole, self._folder))

    def matters(self, name: str, path: object) -> bool:
        """Whether a function of `os` is a point.

        A full disk refuses no removal. To who is killed an empty folder or a flushed file is nothing new.
        """
        if self._fault is Fault.KILL:
            return name not in ("fsync", "mkdir")
        return name not in _REMOVALS and not (name == "mkdir" and os.path.exists(str(path)))

    @property
    def is_short(self) -> bool:
        """Whether a write that fails leaves its first half."""
        return self._fault is Fault.SHORT


def kill_this_process(last_words: str) -> None:
    """End at once, as by `kill -9`, with a line on standard error."""
    os.write(2, f"{last_words}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


def _find_caller() -> str:
    """The innermost function of growlearn: the work is its own, or done by a library on its behalf."""
    frame = sys._getframe(2)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("growlearn."):
            return f"{module.removeprefix('growlearn.')}.{frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment]
    return "elsewhere"


def _watch_commits(points: Points) -> None:
    commit: Callable[[Any, Any], None] = DefaultDialect.do_commit  # SQLAlchemy has no types for it

    def note_write(connection: Any, _cursor: object, statement: str, *_: object) -> None:
        if not statement.lstrip().upper().startswith(_READS):
            connection.connection.info["written"] = _name_database(connection.engine)

    def forget(connection: Any) -> None:
        connection.connection.info.pop("written", None)

    def commit_at_point(dialect: Any, connection: Any) -> None:
        target = connection.info.pop("written", None)
        if target is not None:
            points.enter("commit", target, lambda: _fail_commit(dialect.name))
        commit(dialect, connection)

    event.listen(Engine, "after_cursor_execute", note_write)
    event.listen(Engine, "rollback", forget)
    DefaultDialect.do_commit = commit_at_point  # type: ignore[method-assign]


def _name_database(engine: Any) -> str:
    return Path(str(engine.url.database)).name if engine.dialect.name == "sqlite" else "growlearn.db"


def _fail_commit(dialect: str) -> None:
    """As the driver says that the disk is full."""
    if dialect != "sqlite":
        raise psycopg.errors.DiskFull("could not extend file: No space left on device")
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise full


def _fail_full(path: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def _watch_call(points: Points, name: str) -> None:
    """A function of `os` whose first argument is a path, or the handle of an open file."""
    call = getattr(os, name)

    def call_at_point(path: Any, *arguments: Any, **options: Any) -> Any:
        target = points.covers(_find_path(path, options.get("dir_fd")))
        if target is not None and points.matters(name, path):
            points.enter(name, target, lambda: _fail_full(path))
        return call(path, *arguments, **options)

    setattr(os, name, call_at_point)


def _find_path(path: Any, folder: int | None) -> Any:
    """The whole path of an operation on an open file, or below an open folder."""
    if isinstance(path, int):
        return os.readlink(f"/proc/self/fd/{path}")
    return path if folder is None else os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)


def _watch_copies(points: Points) -> None:
    """`shutil` copies a file's content within the kernel."""
    sendfile = os.sendfile

    def sendfile_at_point(out_fd: int, in_fd: int, offset: int | None, count: int, *rest: Any) -> int:
        target = points.covers(_find_path(out_fd, None))
        at = os.lseek(in_fd, 0, os.SEEK_CUR) if offset is None else offset
        if target is not None and at < os.fstat(in_fd).st_size:  # the last call only finds the end
            points.enter("write", target, lambda: _fail_full(target))
        return sendfile(out_fd, in_fd, offset, count, *rest)

    os.sendfile = sendfile_at_point


def _watch_open(points: Points) -> None:
    plain_open = io.open

    def open_at_point(
        file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, errors: Any = None,
        newline: Any = None, closefd: bool = True, opener: Any = None,
    ) -> Any:  # fmt: skip
        target = points.covers(file)
        if target is None or not set(mode) & set("wxa+") or buffering != -1 or opener is not None:
            return plain_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        points.enter("open", target, lambda: _fail_full(file))
        raw = _WatchedFile(points, target, file, mode.replace("b", "").replace("t", ""))
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    io.open = open_at_point
    builtins.open = open_at_point


class _WatchedFile(io.FileIO):
    """A file before each of whose writes lies a point."""

    def __init__(self, points: Points, target: str, path: Any, mode: str) -> None:
        super().__init__(path, mode)
        self._points, self._target = points, target

    def write(self, content: Any, /) -> int:
        self._points.enter("write", self._target, lambda: self._fail(content))
        return super().write(content)

    def _fail(self, content: Any) -> None:
        if self._points.is_short:
            super().write(bytes(content)[: len(content) // 2])
        _fail_full(self.name)
