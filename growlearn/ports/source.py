"""Where new data arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from growlearn.domain.window import FileRecord, SourceFile


class Source(Protocol):
    """Where new data arrives."""

    def files(self, known: Sequence[FileRecord] = ()) -> Sequence[SourceFile]:
        """The files ready to be read, in a fixed order, without those still being written.

        `known` are those that the stream has ingested, in that order: a source whose data has no files of its
        own goes on after them.
        """
        ...

    def read(self, file: SourceFile) -> Mapping[str, bytes | memoryview]:
        """Content by relative path: one entry for a file, one an image for a folder of class folders.

        Raises InvalidFile where the file is gone or may not be opened, TemporarilyUnreadable where it changed
        since it was listed or its disk is not mounted: the next tick then tries again.
        """
        ...
