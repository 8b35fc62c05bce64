"""The tracker port in memory: the twin that every other tracker must behave like."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from growlearn.domain.stream import Alias, Receipt, Stream
from growlearn.ports import CycleRecord


class MemoryTracker:
    """Keeps what it is told in dictionaries.

    `runs` by (stream, when the stream was made, window), `versions` of each registered model in the
    order they came, as (stream, when it was made, version number), `aliases` by registered model.
    """

    def __init__(self) -> None:
        self.runs: dict[tuple[str, datetime, str], CycleRecord] = {}
        self.versions: dict[str, list[tuple[str, datetime, int]]] = {}
        self.aliases: dict[str, dict[Alias, str]] = {}

    def log_cycle(self, record: CycleRecord) -> Receipt:
        """One run a window, with a registered model version where the window made a version."""
        stream = record.stream
        key = (stream.name, stream.created_at, record.window.id)
        self.runs.setdefault(key, record)
        run_id = f"run-{list(self.runs).index(key) + 1}"
        if record.version is None:
            return Receipt(run_id=run_id)
        registered = self.versions.setdefault(stream.job.registered_model, [])
        ours = (stream.name, stream.created_at, record.version.number)
        if ours not in registered:
            registered.append(ours)
        return Receipt(run_id=run_id, model_version=str(registered.index(ours) + 1))

    def set_aliases(self, stream: Stream, versions: Mapping[Alias, str | None]) -> None:
        """Make each alias of the registered model point at that tracker version; None removes it."""
        standing = self.aliases.setdefault(stream.job.registered_model, {})
        for alias, version in versions.items():
            standing.pop(alias, None)
            if version is not None:
                standing[alias] = version
