"""The tracker port in memory, which every other tracker must behave like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from growlearn.domain.lineage import Version
from growlearn.domain.registered_model import AliasTarget, RegisteredModel
from growlearn.domain.stream import Alias, Stream, TrackerIds
from growlearn.ports import WindowReport

Entry: TypeAlias = tuple[str, datetime, int, tuple[str, ...]]
"""A registered version: its stream, the stream's creation time, its number, and its weights' hashes."""


class MemoryTracker:
    """Stores window reports in dictionaries.

    `runs` by (stream, creation time of the stream, window), `versions` of each registered model by their
    numbers there, `aliases` by registered model.
    """

    def __init__(self) -> None:
        self.runs: dict[tuple[str, datetime, str], WindowReport] = {}
        self.versions: dict[str, dict[str, Entry | None]] = {}  # None: registered by somebody else
        self.aliases: dict[str, dict[Alias, str]] = {}

    def log_cycle(self, window_report: WindowReport) -> TrackerIds:
        """Log one run per window, with a registered model version where the window made a version."""
        stream, version = window_report.stream, window_report.version
        key = (stream.name, stream.created_at, window_report.window.id)
        self.runs.setdefault(key, window_report)
        run_id = f"run-{list(self.runs).index(key) + 1}"
        if version is None:
            return TrackerIds(run_id=run_id)
        registered = self.versions.setdefault(stream.job.registered_model, {})
        entry = _make_entry(stream, version)
        if entry not in registered.values():
            registered[str(max(map(int, registered), default=0) + 1)] = entry
        number = next(number for number, known in registered.items() if known == entry)
        return TrackerIds(run_id=run_id, model_version=number)

    def set_aliases(
        self,
        stream: Stream,
        versions: Sequence[Version],
        targets: Mapping[Alias, int | None],
        *,
        take: bool = False,
    ) -> None:
        """Set each alias of the registered model to that version of the stream; None removes it."""
        model = self.read_registered_model(stream, versions)
        current = self.aliases.setdefault(stream.job.registered_model, {})
        for alias, number in model.list_changes(targets, take=take).items():
            current.pop(alias, None)
            if number is not None:
                current[alias] = number

    def read_registered_model(self, stream: Stream, versions: Sequence[Version]) -> RegisteredModel:
        """What is registered of these versions, and where the aliases stand."""
        name = stream.job.registered_model
        registered = self.versions.get(name, {})
        own = {_make_entry(stream, version): version.number for version in versions}
        own_numbers = {
            number: own[entry] for number, entry in registered.items() if entry is not None and entry in own
        }
        return RegisteredModel(
            versions={ours: number for number, ours in own_numbers.items()},
            aliases={
                alias: AliasTarget(
                    tracker_version=number,
                    number=own_numbers.get(number),
                    owner=str(registered.get(number)),
                )
                for alias, number in self.aliases.get(name, {}).items()
                if number in registered
            },
        )


def _make_entry(stream: Stream, version: Version) -> Entry:
    return (stream.name, stream.created_at, version.number, version.manifest.inference_artifacts)
