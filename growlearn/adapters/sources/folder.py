"""A watched folder of Parquet, CSV or Arrow files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fsspec.utils import glob_translate

from growlearn.adapters.sources.listing import is_old_enough, read_unchanged
from growlearn.adapters.sources.tree import open_tree
from growlearn.domain.errors import InvalidFile, JobError
from growlearn.domain.job import SourceConfig
from growlearn.domain.window import FileRecord, SourceFile
from growlearn.ports import Clock


class FolderSource:
    """Each file that matches the pattern is one SourceFile; `**` reaches into folders."""

    def __init__(self, spec: SourceConfig, clock: Clock) -> None:
        self._tree = open_tree(spec.url)
        self._clock = clock
        self._min_file_age_s = spec.min_file_age_s
        self._depth = None if "**" in spec.pattern else spec.pattern.count("/") + 1
        self._pattern = compile_pattern(spec.pattern)

    def files(self, known: Sequence[FileRecord] = ()) -> Sequence[SourceFile]:  # noqa: ARG002 - it has names
        """Files old enough by path; a link out of the folder is listed as rejected."""
        now = self._clock.now()
        return tuple(
            SourceFile(
                url=f"{self._tree.base_url}/{entry.path}",
                fingerprint=entry.fingerprint,
                size_bytes=entry.size_bytes,
                reject_reason=entry.reject_reason,
            )
            for entry in self._tree.list_files(self._depth)
            if self._pattern.match(entry.path) and is_old_enough(entry, now, self._min_file_age_s)
        )

    def read(self, file: SourceFile) -> Mapping[str, bytes | memoryview]:
        """The file's content under its name."""
        path = file.url.removeprefix(f"{self._tree.base_url}/")
        if file.reject_reason:
            raise InvalidFile(f"{path} {file.reject_reason}")
        return {path.rpartition("/")[2]: read_unchanged(self._tree, path, file.fingerprint)}


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A shell pattern as a regular expression; raises JobError where it is none."""
    try:
        return re.compile(glob_translate(pattern))
    except (ValueError, re.error) as error:
        raise JobError(
            f"source.pattern {pattern!r} is no file pattern: {error}",
            hint='write for example "*.parquet", or "**/*.parquet" to include subfolders',
        ) from error
