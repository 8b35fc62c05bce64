"""Where windows and versions are mirrored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from growlearn.domain.decision_log import ReportSection
from growlearn.domain.evaluation import AccuracyMatrix, TaskScore
from growlearn.domain.lineage import BranchRecord, Version
from growlearn.domain.registered_model import RegisteredModel
from growlearn.domain.stream import Alias, Stream, TrackerIds, WindowRecord
from growlearn.domain.window import Window


@dataclass(frozen=True, kw_only=True)
class WindowReport:
    """Everything the tracker logs about one window; built from the store alone.

    `parent_task_scores` are the scores of the parent version on each of its tasks.
    """

    stream: Stream
    window: Window
    record: WindowRecord
    matrix: AccuracyMatrix
    version: Version | None
    branches: Sequence[BranchRecord]
    parent_task_scores: Sequence[TaskScore] = ()
    decision_report: Sequence[ReportSection] = ()


class Tracker(Protocol):
    """The mirror of the database (MLflow). Every call is idempotent."""

    def log_cycle(self, window_report: WindowReport) -> TrackerIds:
        """Log one run a window, with a registered model version where the window led to a version."""
        ...

    def set_aliases(
        self,
        stream: Stream,
        versions: Sequence[Version],
        targets: Mapping[Alias, int | None],
        *,
        take: bool = False,
    ) -> None:
        """Point each alias of the registered model at that version of the stream; None removes it.

        `versions` are all versions of the stream. A target that is not registered under the stream's own
        tags is left out. An alias that stands on a version of somebody else is never removed, and moved only
        with `take`.
        """
        ...

    def read_registered_model(self, stream: Stream, versions: Sequence[Version]) -> RegisteredModel | None:
        """What is registered of these versions, and where the aliases stand; None where there is no store.

        It changes nothing.
        """
        ...
