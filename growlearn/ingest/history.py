"""What a stream has ingested before, as far as the ingest of a new file needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.parquet as pq

from growlearn.domain.delayed_labels import PendingLabels
from growlearn.domain.errors import CorruptArtifact
from growlearn.domain.window import FileRecord, IngestResult, SourceFile, Window
from growlearn.ingest.context import can_resubmit
from growlearn.ports import Artifacts, Store


@dataclass(frozen=True)
class IngestHistory:
    """Windows by number, files with usable rows by content, the kind of known labels, pending labels."""

    windows: tuple[Window, ...] = ()
    files_by_sha256: Mapping[str, FileRecord] = field(default_factory=dict)
    label_kind: type | None = None
    pending: tuple[PendingLabels, ...] = ()

    @property
    def last_window(self) -> int:
        """The highest number of a window; 0 where there is none."""
        return max((window.number for window in self.windows), default=0)

    def find_same_content(self, sha256: str) -> FileRecord | None:
        """The file with this content, unless all of its windows may be sent again."""
        previous_file = self.files_by_sha256.get(sha256)
        if previous_file is None or _all_discarded(previous_file, self.windows):
            return None
        return previous_file

    def with_file(self, result: IngestResult) -> IngestHistory:
        """The history after one more ingested file."""
        updated_windows = [_apply_label_join(window, result) for window in self.windows]
        windows = {window.number: window for window in (*updated_windows, *result.windows)}
        new_file = () if result.sha256 is None or result.rows == 0 else ((result.sha256, result.file_record),)
        return replace(
            self,
            windows=tuple(windows[number] for number in sorted(windows)),
            files_by_sha256={**self.files_by_sha256, **dict(new_file)},
            pending=self.pending if result.label_join is None else result.label_join.pending,
        )


def _apply_label_join(window: Window, result: IngestResult) -> Window:
    """The window after labels were joined to it."""
    updates = () if result.label_join is None else result.label_join.label_updates
    update = next((update for update in updates if update.window == window.id), None)
    if update is None:
        return window
    return replace(window, snapshot=update.after, labelled=update.labelled)


def load_history(stream: str, store: Store) -> IngestHistory:
    """Load the ingest history of a stream from the store."""
    label_kinds = {type(label) for task in store.tasks(stream) for label in task.classes}
    return IngestHistory(
        windows=tuple(store.windows(stream)),
        files_by_sha256={
            file.sha256: file
            for file in store.ingested_files(stream)
            if file.sha256 is not None and file.rows
        },
        label_kind=label_kinds.pop() if len(label_kinds) == 1 else None,
        pending=tuple(store.pending_labels(stream)),
    )


def find_label_kind(windows: Sequence[Window], label: str, artifacts: Artifacts) -> type | None:
    """The kind of the labels of the newest stored window that has any: int or str; None where there is none.

    So the first file of a stream decides, also where many come before anything is learned from them.
    """
    for window in reversed(windows):
        if window.snapshot is not None and window.labelled:
            with suppress(CorruptArtifact, pa.ArrowException, KeyError):
                content = pa.BufferReader(artifacts.view(window.snapshot))
                return int if pa.types.is_integer(pq.read_schema(content).field(label).type) else str
    return None


def _all_discarded(file: FileRecord, windows: Sequence[Window]) -> bool:
    return all(can_resubmit(window) for window in windows if window.id in file.windows)


def should_ingest(file: SourceFile, latest: FileRecord | None, schema: str) -> bool:
    """Whether to read a listed file: it is new, it changed, or it was unusable under another schema."""
    if latest is None or latest.fingerprint != file.fingerprint:
        return True
    return latest.rows == 0 and latest.schema != schema
