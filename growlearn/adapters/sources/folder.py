"""A watched folder of Parquet, CSV or Arrow files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fsspec.utils import glob_translate

from growlearn.adapters.sources.found import is_settled, read_steady
from growlearn.adapters.sources.tree import open_tree
from growlearn.domain.errors import JobError, UnreadableFile
from growlearn.domain.job import SourceSpec
from growlearn.domain.window import SourceFile
from growlearn.ports import Clock


class FolderSource:
    """Each file that matches the pattern is one SourceFile; `**` reaches into folders."""

    def __init__(self, spec: SourceSpec, clock: Clock) -> None:
        self._tree = open_tree(spec.url)
        self._clock = clock
        self._settle_s = spec.settle_s
        self._depth = None if "**" in spec.pattern else spec.pattern.count("/") + 1
        self._matches = compile_pattern(spec.pattern)

    def files(self) -> Sequence[SourceFile]:
        """Settled files by path; a link out of the folder is listed as refused."""
        now = self._clock.now()
        return tuple(
            SourceFile(
                url=f"{self._tree.base}/{found.path}",
                fingerprint=found.stamp,
                size_bytes=found.size_bytes,
                refused=found.refused,
            )
            for found in self._tree.find(self._depth)
            if self._matches.match(found.path) and is_settled(found, now, self._settle_s)
        )

    def read(self, file: SourceFile) -> Mapping[str, bytes]:
        """The file's content under its name."""
        path = file.url.removeprefix(f"{self._tree.base}/")
        if file.refused:
            raise UnreadableFile(f"{path} {file.refused}")
        return {path.rpartition("/")[2]: read_steady(self._tree, path, file.fingerprint)}


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A shell pattern as a regular expression; raises JobError where it is none."""
    try:
        return re.compile(glob_translate(pattern))
    except (ValueError, re.error) as error:
        raise JobError(
            f"source.pattern {pattern!r} is no file pattern: {error}",
            cure='write for example "*.parquet", or "**/*.parquet" to look into folders too',
        ) from error
