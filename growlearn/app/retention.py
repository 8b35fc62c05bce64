"""Removes the stored files that no stream needs any more, as the jobs allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from growlearn.ports import RemovableArtifacts, Store
from growlearn.registry.retention import Retention, iter_needed_digests, plan_retention

GRACE = timedelta(days=1)
"""A file that was stored, or found stored, since then stays: its row may not be written yet."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What retention does with one stream's files: removed already, to be removed now, or too new."""

    retention: Retention
    files: tuple[str, ...]
    too_new: tuple[str, ...]
    removed_before: int


def plan_removals(
    store: Store, artifacts: RemovableArtifacts, now: datetime, stream: str | None = None
) -> Sequence[Removal]:
    """What would be removed, of one stream or of all; changes nothing. Raises NotFound."""
    if stream is not None:
        store.stream(stream)
    return [
        _plan_removal(store, artifacts, retention, now)
        for retention in plan_retention(store, now)
        if stream in (None, retention.stream)
    ]


def _plan_removal(
    store: Store, artifacts: RemovableArtifacts, retention: Retention, now: datetime
) -> Removal:
    removed = store.removed_files(retention.stream)
    left = [digest for digest in retention.unneeded if digest not in removed]
    too_new = [digest for digest in left if artifacts.was_put_since(digest, now - GRACE)]
    return Removal(
        retention=retention,
        files=tuple(digest for digest in left if digest not in too_new),
        too_new=tuple(too_new),
        removed_before=len(retention.unneeded) - len(left),
    )


def apply_removals(
    store: Store, artifacts: RemovableArtifacts, removals: Sequence[Removal], now: datetime
) -> None:
    """Note the files as removed, then remove them: a crash leaves files, never a missing one unexplained.

    What has become needed meanwhile stays, and so does what was stored again. Files that an earlier run
    noted and did not come to remove are removed now.
    """
    for removal in removals:
        if removal.files:
            store.record_removed_files(removal.retention.stream, removal.files, now)
    needed = {digest for stream in store.streams() for digest in iter_needed_digests(store, stream, now)}
    for removal in removals:
        for digest in set(removal.retention.unneeded) - set(removal.too_new) - needed:
            artifacts.remove(digest, now - GRACE)
