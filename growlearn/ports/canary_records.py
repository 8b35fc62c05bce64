"""The record of canaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from growlearn.domain.canary import Canary, CanaryAnswer, CanaryCounts


class CanaryRecords(Protocol):
    """The canaries of all streams. Every method is one transaction.

    One whose champion or challenger becomes another version is stopped in the transaction of that change.
    """

    def start(
        self, stream: str, version: int | None, share_percent: float, at: datetime, actor: str
    ) -> Canary:
        """Start a canary of a version, or of the challenger, in place of one that runs.

        Raises NotFound for a stream or version that is not there, and GrowLearnError as `make_canary` does.
        """
        ...

    def stop(self, stream: str, number: int | None, reason: str, at: datetime, actor: str) -> Canary | None:
        """Stop the canary of that number, or the one that runs; None where it does not run. Raises NotFound.

        One that `AUTOMATIC` stops is told by an alert.
        """
        ...

    def of_stream(self, stream: str) -> Sequence[Canary]:
        """All canaries of a stream, oldest first."""
        ...

    def running(self) -> Sequence[Canary]:
        """The canary of each stream that has one running, by stream."""
        ...

    def add_counts(
        self, canary: Canary, counts: CanaryCounts, answers: Sequence[CanaryAnswer], at: datetime
    ) -> None:
        """Add what a process counted, and answers that wait for labels; of a stopped canary too.

        A row id that waits already keeps its first answers; those older than `ANSWER_RETENTION` are dropped.
        Harmless where the stream is deleted.
        """
        ...

    def count_labels(self, stream: str, labels: Mapping[str, str], at: datetime) -> int:
        """Count the answers that wait for these labels, by row id; returns how many. Raises NotFound.

        Each is counted once, also where its row is asked again; `at` decides which are too old.
        """
        ...
