"""The tracker port in memory, which every other tracker must behave like."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from growlearn.domain.stream import Alias, Stream, TrackerIds
from growlearn.ports import WindowReport


class MemoryTracker:
    """Stores window reports in dictionaries.

    `runs` by (stream, creation time of the stream, window), `versions` of each registered model in order of
    registration, as (stream, its creation time, version number), `aliases` by registered model.
    """

    def __init__(self) -> None:
        self.runs: dict[tuple[str, datetime, str], WindowReport] = {}
        self.versions: dict[str, list[tuple[str, datetime, int]]] = {}
        self.aliases: dict[str, dict[Alias, str]] = {}

    def log_cycle(self, window_report: WindowReport) -> TrackerIds:
        """Log one run per window, with a registered model version where the window made a version."""
        stream = window_report.stream
        key = (stream.name, stream.created_at, window_report.window.id)
        self.runs.setdefault(key, window_report)
        run_id = f"run-{list(self.runs).index(key) + 1}"
        if window_report.version is None:
            return TrackerIds(run_id=run_id)
        registered = self.versions.setdefault(stream.job.registered_model, [])
        entry = (stream.name, stream.created_at, window_report.version.number)
        if entry not in registered:
            registered.append(entry)
        return TrackerIds(run_id=run_id, model_version=str(registered.index(entry) + 1))

    def set_aliases(self, stream: Stream, versions: Mapping[Alias, str | None]) -> None:
        """Set each alias of the registered model to that tracker version; None removes it."""
        current = self.aliases.setdefault(stream.job.registered_model, {})
        for alias, version in versions.items():
            current.pop(alias, None)
            if version is not None:
                current[alias] = version
