"""Explains a version or a window, with the decision log entries behind it as plain data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from growlearn.domain.decision_log import LogEntry, ReportSection
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.lineage import Version
from growlearn.ports import Store
from growlearn.registry.decision_report import explain_window
from growlearn.registry.references import list_window_files
from growlearn.registry.version_tree import get_version


@dataclass(frozen=True)
class Explanation:
    """A window, the version made from it, if any, and the report on both."""

    stream: str
    window: str
    version: int | None
    sections: tuple[ReportSection, ...]


def explain_decision(store: Store, stream: str, which: str | None) -> Explanation:
    """Explain a version (3 or v3), a window (w5), or by default the champion, or else the newest window.

    Raises NotFound, or GrowLearnError where the stream has no window yet.
    """
    window = _resolve_window(store, stream, which)
    version = next((version for version in store.versions(stream) if version.window == window), None)
    removed_files = _explain_removed_files(store, stream, window, version)
    sections = (*explain_window(store, stream, window), *removed_files)
    return Explanation(stream, window, None if version is None else version.number, sections)


def _explain_removed_files(
    store: Store, stream: str, window: str, version: Version | None
) -> Iterator[ReportSection]:
    """Which of the files that the window refers to are gone, and since when; nothing where none is."""
    removed = store.removed_files(stream)
    files = list_window_files(store, stream, window, version) if removed else ()
    times = [removed[digest] for digest in files if digest in removed]
    if times:
        yield ReportSection(
            "Files",
            (
                f"{len(times)} of its {len(files)} stored files were removed by retention, the last at "
                f"{max(times):%Y-%m-%d %H:%M:%S} UTC: what they held cannot be reproduced.",
            ),
        )


def _resolve_window(store: Store, stream: str, which: str | None) -> str:
    stored_stream = store.stream(stream)
    if which is None and stored_stream.champion is None:
        windows = store.windows(stream)
        if not windows:
            raise GrowLearnError(
                f"stream {stream!r} has no window yet",
                hint=f"put a file into its source folder, then: growlearn run {stream}",
            )
        return windows[-1].id
    if which is not None and re.fullmatch(r"v?[0-9]{1,9}", which) is None:
        return store.window(stream, which).id
    number = stored_stream.champion if which is None else int(which.removeprefix("v"))
    assert number is not None
    return get_version(store.versions(stream), number).window


def why_view(store: Store, explanation: Explanation) -> Mapping[str, Any]:
    """The report, and every decision log entry that it is based on."""
    from growlearn.registry.json_codec import to_json

    canaries = {
        canary.number
        for canary in store.canaries.of_stream(explanation.stream)
        if canary.version == explanation.version
    }
    entries = [
        entry
        for entry in store.decision_log(explanation.stream)
        if entry.canary in canaries or _concerns_explanation(entry, explanation)
    ]
    return {
        "stream": explanation.stream,
        "window": explanation.window,
        "version": explanation.version,
        "report": [asdict(section) for section in explanation.sections],
        "entries": [json.loads(to_json(entry, LogEntry)) for entry in entries],
    }


def _concerns_explanation(entry: LogEntry, explanation: Explanation) -> bool:
    if entry.window == explanation.window:
        return True
    version = explanation.version
    return version is not None and any(
        version in (change.before, change.after) for change in entry.all_alias_changes
    )
