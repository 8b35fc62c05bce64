"""Errors a person can act on: each names what is wrong, where, and what to do."""

from __future__ import annotations


class GrowLearnError(Exception):
    """Something the user can mend.

    >>> print(GrowLearnError("stream 'a' is unknown", cure="run: growlearn apply JOB.yaml"))
    stream 'a' is unknown (run: growlearn apply JOB.yaml)
    """

    def __init__(self, what: str, *, cure: str | None = None) -> None:
        super().__init__(what if cure is None else f"{what} ({cure})")
        self.what = what
        self.cure = cure


class JobError(GrowLearnError):
    """A job file is misspelt or asks for the impossible."""


class UnknownName(GrowLearnError):
    """A stream, window, task, branch or version of that name does not exist."""


class UnreadableFile(GrowLearnError):
    """A source file cannot become a window; the message is the reason kept in quarantine."""


class NotReadable(GrowLearnError):
    """A source file is still being written, or its disk is away; it is left for the next tick."""


class Unavailable(GrowLearnError):
    """A disk or server that is needed does not answer; the same may succeed later."""


class IllegalTransition(GrowLearnError):
    """A window was asked to go where the state table does not lead."""


class LostRace(GrowLearnError):
    """Another worker moved the row first; nothing was written."""


class DamagedArtifact(GrowLearnError):
    """Stored bytes are missing or do not have the hash they are stored under."""


class NotGrowable(GrowLearnError):
    """A window calls for growth but cannot be grown from; the message is the reason kept with it."""


class TooFewLabels(NotGrowable):
    """A window cannot be grown from for want of labels: more of them may cure it."""
