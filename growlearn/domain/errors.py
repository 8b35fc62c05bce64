"""Errors a user can act on: each names what is wrong, where, and what to do."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from growlearn.domain.printable import format_reason


class GrowLearnError(Exception):
    """Something the user can fix; `details` are further lines.

    Names and values from outside are made printable, credentials of addresses are hidden, and a long text is
    shortened.

    >>> print(GrowLearnError("stream 'a' is unknown", hint="run: growlearn apply JOB.yaml"))
    stream 'a' is unknown (run: growlearn apply JOB.yaml)
    """

    def __init__(self, message: str, *, hint: str | None = None, details: Sequence[str] = ()) -> None:
        self.message = format_reason(message)
        self.hint = None if hint is None else format_reason(hint)
        first_line = self.message if self.hint is None else f"{self.message} ({self.hint})"
        super().__init__("\n  ".join([first_line, *map(format_reason, details)]))


class JobError(GrowLearnError):
    """A job file has an unknown key or an invalid value."""


class NotFound(GrowLearnError):
    """A stream, window, task, branch or version of that name does not exist."""


class InvalidFile(GrowLearnError):
    """A source file cannot become a window; the message is the reason kept in quarantine."""


class TemporarilyUnreadable(GrowLearnError):
    """A source file is still being written, or its disk is not mounted; the next tick reads it."""


class VanishedFile(TemporarilyUnreadable):
    """A source file was listed and is gone; should it come back, a later tick reads it."""


class Unavailable(GrowLearnError):
    """A disk or server does not respond; a retry may succeed."""


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached, is damaged, or held by others for too long."""


class Undeliverable(GrowLearnError):
    """The tracker refuses a message for what it says; the same message can never be delivered."""


class DiskFull(Unavailable):
    """A disk has no room left; what was recorded stays, and the same work can be done again."""

    def __init__(
        self,
        what: str,
        *,
        hint: str = "free space there, then run the same again; nothing that was recorded is lost",
    ) -> None:
        super().__init__(f"the disk is full: {what}", hint=hint)


DEFECTS = (TypeError, ValueError, LookupError, AttributeError, AssertionError, ArithmeticError)
"""What only code raises, or data that it was not made for: the same work raises it again."""

_SYSTEM_WORDS = ("memory", "cuda", "cudnn", "cublas", "new thread")


def is_defect(error: BaseException) -> bool:
    """Whether an error is of code and data, not of the system, whose disks, memory and devices may recover.

    Torch raises RuntimeError for both.

    >>> is_defect(RuntimeError("The size of tensor a (4) must match")), is_defect(RuntimeError("CUDA error"))
    (True, False)
    """
    if isinstance(error, RuntimeError):
        return not any(word in str(error).lower() for word in _SYSTEM_WORDS)
    return isinstance(error, DEFECTS) and not isinstance(error, OSError)


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it was raised for, says that a disk or a user's quota of it is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__ or error.__context__
    return False


def make_write_error(path: object, error: OSError, hint: str) -> GrowLearnError:
    """The error for a file that cannot be written: a full disk is called that, any other has the hint."""
    what = f"cannot write {path}"
    return DiskFull(what) if is_disk_full(error) else GrowLearnError(f"{what}: {error.strerror}", hint=hint)


class IllegalTransition(GrowLearnError):
    """A transition that the state table does not allow."""


class ConcurrentUpdate(GrowLearnError):
    """Another worker changed the row first; nothing was written."""


class LeaseLost(ConcurrentUpdate):
    """A window's claim is no longer this worker's: another one took it over, or its stream was deleted."""


class CorruptArtifact(GrowLearnError):
    """Stored bytes are missing or do not have the hash they are stored under."""


class CannotGrow(GrowLearnError):
    """A window needs growth but nothing can be grown from it; the message is the reason stored with it."""


class TooFewLabels(CannotGrow):
    """A window has too few labels to grow from; more labels may fix it."""
