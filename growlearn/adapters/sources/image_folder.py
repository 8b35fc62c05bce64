"""A watched folder whose subfolders hold class folders of image files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import groupby

from growlearn.adapters.sources.folder import compile_pattern
from growlearn.adapters.sources.listing import FileEntry, is_old_enough, read_unchanged
from growlearn.adapters.sources.tree import open_tree
from growlearn.domain.errors import InvalidFile, TemporarilyUnreadable, VanishedFile
from growlearn.domain.job import SourceConfig
from growlearn.domain.window import FileRecord, SourceFile
from growlearn.ports import Clock


class ImageFolderSource:
    """Each immediate subfolder is one SourceFile; the pattern picks subfolders by name."""

    def __init__(self, spec: SourceConfig, clock: Clock) -> None:
        self._tree = open_tree(spec.url)
        self._clock = clock
        self._min_file_age_s = spec.min_file_age_s
        self._pattern = compile_pattern(spec.pattern)

    def files(self, known: Sequence[FileRecord] = ()) -> Sequence[SourceFile]:  # noqa: ARG002 - it has names
        """Subfolders by name, once nothing in them was touched of late."""
        now = self._clock.now()
        return tuple(
            SourceFile(
                url=f"{self._tree.base_url}/{name}",
                fingerprint=_combine_fingerprints(images),
                size_bytes=sum(image.size_bytes for image in images),
                reject_reason=_find_reject_reason(images),
            )
            for name, images in self._group_by_folder().items()
            if self._pattern.match(name)
            and all(is_old_enough(image, now, self._min_file_age_s) for image in images)
        )

    def read(self, file: SourceFile) -> Mapping[str, bytes | memoryview]:
        """Content of every image under class/name."""
        name = file.url.removeprefix(f"{self._tree.base_url}/")
        if file.reject_reason:
            raise InvalidFile(f"{name}: {file.reject_reason}")
        images = self._tree.list_files(None, name)
        if not images:
            raise VanishedFile(f"{name} vanished between listing and reading")
        try:
            content = {
                image.path.removeprefix(f"{name}/"): read_unchanged(self._tree, image.path, image.fingerprint)
                for image in images
            }
        except InvalidFile:
            if _combine_fingerprints(self._tree.list_files(None, name)) == file.fingerprint:
                raise
            raise TemporarilyUnreadable(f"{name} changed while it was read") from None
        if _combine_fingerprints(self._tree.list_files(None, name)) != file.fingerprint:
            raise TemporarilyUnreadable(f"{name} changed while it was read")
        return content

    def _group_by_folder(self) -> dict[str, list[FileEntry]]:
        inside = [entry for entry in self._tree.list_files(None) if "/" in entry.path]
        return {
            name: list(images) for name, images in groupby(inside, key=lambda entry: entry.path.split("/")[0])
        }


def _combine_fingerprints(images: Sequence[FileEntry]) -> str:
    listing = "\n".join(f"{image.path}\t{image.fingerprint}" for image in images)
    return sha256(listing.encode(errors="surrogateescape")).hexdigest()


def _find_reject_reason(images: Sequence[FileEntry]) -> str | None:
    return next((f"{image.path} {image.reject_reason}" for image in images if image.reject_reason), None)
