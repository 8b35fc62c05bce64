"""What a stream has taken in before, as far as a new file must know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from growlearn.domain.labels import EarlyLabels
from growlearn.domain.window import IngestedFile, SeenFile, SourceFile, Window
from growlearn.ingest.intake import may_come_again
from growlearn.ports import Store


@dataclass(frozen=True)
class Past:
    """Windows by number, files with usable rows by content, the known labels' kind, and early labels."""

    windows: tuple[Window, ...] = ()
    contents: Mapping[str, SeenFile] = field(default_factory=dict)
    label_kind: type | None = None
    early: tuple[EarlyLabels, ...] = ()

    @property
    def last_window(self) -> int:
        """The highest number of a window; 0 where there is none."""
        return max((window.number for window in self.windows), default=0)

    def same_content(self, sha256: str) -> SeenFile | None:
        """The file that brought this content, unless all that came of it may come again."""
        before = self.contents.get(sha256)
        if before is None or _came_to_nothing(before, self.windows):
            return None
        return before

    def then(self, taken: IngestedFile) -> Past:
        """The past once a file was taken in."""
        before = [_as_joined(window, taken) for window in self.windows]
        windows = {window.number: window for window in (*before, *taken.windows)}
        new = () if taken.sha256 is None or taken.rows == 0 else ((taken.sha256, taken.seen),)
        return replace(
            self,
            windows=tuple(windows[number] for number in sorted(windows)),
            contents={**self.contents, **dict(new)},
            early=self.early if taken.joining is None else taken.joining.early,
        )


def _as_joined(window: Window, taken: IngestedFile) -> Window:
    """The window as it stands once labels were joined to it."""
    changes = () if taken.joining is None else taken.joining.relabelled
    change = next((change for change in changes if change.window == window.id), None)
    if change is None:
        return window
    return replace(window, snapshot=change.after, labelled=change.labelled)


def past_of(stream: str, store: Store) -> Past:
    """The past of a stream as it is recorded now."""
    kinds = {type(label) for task in store.tasks(stream) for label in task.classes}
    return Past(
        windows=tuple(store.windows(stream)),
        contents={file.sha256: file for file in store.seen(stream) if file.sha256 is not None and file.rows},
        label_kind=kinds.pop() if len(kinds) == 1 else None,
        early=tuple(store.early_labels(stream)),
    )


def _came_to_nothing(file: SeenFile, windows: Sequence[Window]) -> bool:
    return all(may_come_again(window) for window in windows if window.id in file.windows)


def is_new(file: SourceFile, latest: SeenFile | None, schema: str) -> bool:
    """Whether a listed file is to be read: never seen, changed, or of no use under another schema."""
    if latest is None or latest.fingerprint != file.fingerprint:
        return True
    return latest.rows == 0 and latest.schema != schema
