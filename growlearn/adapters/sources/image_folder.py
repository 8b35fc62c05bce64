"""A watched folder whose subfolders hold class folders of image files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import groupby

from growlearn.adapters.sources.folder import compile_pattern
from growlearn.adapters.sources.found import Found, is_settled, read_steady
from growlearn.adapters.sources.tree import open_tree
from growlearn.domain.errors import NotReadable, UnreadableFile
from growlearn.domain.job import SourceSpec
from growlearn.domain.window import SourceFile
from growlearn.ports import Clock


class ImageFolderSource:
    """Each immediate subfolder is one SourceFile; the pattern picks subfolders by name."""

    def __init__(self, spec: SourceSpec, clock: Clock) -> None:
        self._tree = open_tree(spec.url)
        self._clock = clock
        self._settle_s = spec.settle_s
        self._matches = compile_pattern(spec.pattern)

    def files(self) -> Sequence[SourceFile]:
        """Subfolders by name, once nothing in them was touched of late."""
        now = self._clock.now()
        return tuple(
            SourceFile(
                url=f"{self._tree.base}/{name}",
                fingerprint=_fingerprint(images),
                size_bytes=sum(image.size_bytes for image in images),
                refused=_refused(images),
            )
            for name, images in self._folders().items()
            if self._matches.match(name) and all(is_settled(image, now, self._settle_s) for image in images)
        )

    def read(self, file: SourceFile) -> Mapping[str, bytes]:
        """Content of every image under class/name."""
        name = file.url.removeprefix(f"{self._tree.base}/")
        if file.refused:
            raise UnreadableFile(f"{name}: {file.refused}")
        images = self._folders().get(name)
        if images is None:
            raise NotReadable(f"{name} vanished between listing and reading")
        try:
            content = {
                image.path.removeprefix(f"{name}/"): read_steady(self._tree, image.path, image.stamp)
                for image in images
            }
        except UnreadableFile:
            if _fingerprint(self._folders().get(name, [])) == file.fingerprint:
                raise
            raise NotReadable(f"{name} changed while it was read") from None
        if _fingerprint(self._folders().get(name, [])) != file.fingerprint:
            raise NotReadable(f"{name} changed while it was read")
        return content

    def _folders(self) -> dict[str, list[Found]]:
        inside = [found for found in self._tree.find(None) if "/" in found.path]
        return {
            name: list(images) for name, images in groupby(inside, key=lambda found: found.path.split("/")[0])
        }


def _fingerprint(images: Sequence[Found]) -> str:
    listing = "\n".join(f"{image.path}\t{image.stamp}" for image in images)
    return sha256(listing.encode(errors="surrogateescape")).hexdigest()


def _refused(images: Sequence[Found]) -> str | None:
    return next((f"{image.path} {image.refused}" for image in images if image.refused), None)
