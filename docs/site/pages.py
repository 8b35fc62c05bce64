"""The pages of the checkout, copied to where the site has them, their links following."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PICTURES = (".png", ".svg", ".jpg", ".gif")
# Pages outside docs/, and those whose place differs from that in the checkout.
PLACES = {
    "docs/README.md": "index.md",
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "LICENSE": "license.md",
    "benchmarks/README.md": "benchmarks/index.md",
}
_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(\]\()([^)\s]+)(\))")
_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)


class BrokenLinkError(Exception):
    """A page links to what the site does not have."""


@dataclass(frozen=True)
class Page:
    """A Markdown file of the checkout, and its place on the site."""

    source: Path  # absolute
    place: PurePosixPath  # below the site's root

    @property
    def text(self) -> str:
        """What the file holds."""
        return self.source.read_text(encoding="utf-8")

    @property
    def title(self) -> str:
        """Its first heading, or the name of a page without one."""
        return get_title(self.text) or self.place.stem


def get_title(text: str) -> str | None:
    """The first heading of the first level, code marks taken off."""
    heading = _HEADING.search(_FENCE.sub("", text))
    return heading[1].replace("`", "").strip() if heading else None


def find_pages(root: Path) -> list[Page]:
    """Every page of the checkout that the site shows, sorted by place."""
    files = [*(root / "docs").rglob("*.md"), *(root / "benchmarks" / "results").glob("*.md")]
    files += [root / name for name in PLACES if name not in ("README.md", "LICENSE")]
    return sorted({Page(file, get_place(root, file)) for file in files}, key=lambda page: page.place)


def get_place(root: Path, file: Path) -> PurePosixPath:
    """Where a file of the checkout lies on the site: what is below docs/ lies at its root."""
    name = PurePosixPath(file.relative_to(root).as_posix())
    if str(name) in PLACES:
        return PurePosixPath(PLACES[str(name)])
    return name.relative_to("docs") if name.parts[0] == "docs" else name


def copy_pages(root: Path, pages: Iterable[Page], target: Path) -> None:
    """Write all pages, with their links changed, and their pictures below `target`.

    Raises BrokenLinkError for a link to a file that does not exist or that the site does not show.
    """
    pages = list(pages)
    places = {page.source: page.place for page in pages}
    places[root / "README.md"] = PurePosixPath("index.md")
    places[root / "LICENSE"] = PurePosixPath("license.md")
    for page in pages:
        _write(target / page.place, change_links(root, page, places))
    for picture in _find_pictures(root):
        place = target / get_place(root, picture)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(picture, place)
    licence = (root / "LICENSE").read_text(encoding="utf-8")
    _write(target / "license.md", f"# Licence\n\n```text\n{licence}```\n")


def change_links(root: Path, page: Page, places: dict[Path, PurePosixPath]) -> str:
    """The text of a page, each relative link leading to its target's place; code blocks stay as they are."""

    def change(link: re.Match[str]) -> str:
        target = link[2]
        if "://" in target or target.startswith(("#", "mailto:")):
            return link[0]
        name, mark, anchor = target.partition("#")
        file = Path(os.path.normpath(page.source.parent / name))
        if not file.exists():
            raise BrokenLinkError(f"{page.source.relative_to(root)} links to {target}, which does not exist")
        if file not in places and file.suffix not in PICTURES:
            raise BrokenLinkError(f"{page.source.relative_to(root)} links to {target}, which the site lacks")
        place = places.get(file) or get_place(root, file)
        return f"{link[1]}{os.path.relpath(place, page.place.parent)}{mark}{anchor}{link[3]}"

    return "".join(
        part if is_code else _LINK.sub(change, part) for is_code, part in split_code_blocks(page.text)
    )


def split_code_blocks(text: str) -> Iterator[tuple[bool, str]]:
    """The text in order, cut into (False, prose) and (True, fenced block)."""
    end = 0
    for block in _FENCE.finditer(text):
        yield False, text[end : block.start()]
        yield True, block[0]
        end = block.end()
    yield False, text[end:]


def _find_pictures(root: Path) -> Iterator[Path]:
    for folder in (root / "docs", root / "benchmarks" / "results"):
        yield from (file for file in sorted(folder.rglob("*")) if file.suffix in PICTURES)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
