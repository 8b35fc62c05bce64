"""The site's navigation, made from the pages that are there, so that a new page appears by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from docs.site.pages import Page

Entry = str | dict[str, "Entry"] | list["Entry"]

# Folder of the site, title, what the section is for: the kinds of Diátaxis, then what backs them.
SECTIONS = [
    ("how-to", "How to", "Steps to a goal, for those who know what they want."),
    ("explanation", "Explanation", "How the method works, why, and where it ends."),
    ("reference", "Reference", "Every command, key, setting, table and figure."),
    ("benchmarks/results", "Benchmarks", "What was measured, by which command, on which hardware."),
    ("adr", "Decisions", "One page a decision, with what was measured and what was tried in vain."),
]
_LINK = re.compile(r"\]\(([^)\s#]+)")


def make_navigation(pages: Iterable[Page]) -> list[Entry]:
    """Front page and tutorial, the sections, then pages of no section, each under its own title."""
    pages = sort_pages(pages)
    placed = {"index.md", "tutorial.md"}
    sections: list[Entry] = []
    for folder, title, _purpose in SECTIONS:
        index = get_section_index(folder)
        members = [str(page.place) for page in pages if _is_member(page, folder)]
        sections.append({title: [index, *members]})
        placed |= {index, *members}
    rest = [str(page.place) for page in pages if str(page.place) not in placed]
    return ["index.md", {"Tutorial": "tutorial.md"}, *sections, *rest]


def make_section_indexes(pages: Iterable[Page]) -> dict[str, str]:
    """Text of the first page of each section by its place, where no file is written for it."""
    pages = sort_pages(pages)
    written = {str(page.place) for page in pages}
    texts = {}
    for folder, title, purpose in SECTIONS:
        lines = [f"- [{page.title}]({page.place.name})" for page in pages if _is_member(page, folder)]
        if get_section_index(folder) not in written:
            texts[get_section_index(folder)] = "\n".join([f"# {title}", "", purpose, "", *lines, ""])
    return texts


def get_section_index(folder: str) -> str:
    """The place of the page that opens a section."""
    return "benchmarks/index.md" if folder == "benchmarks/results" else f"{folder}/index.md"


def sort_pages(pages: Iterable[Page]) -> list[Page]:
    """Pages in the order in which the front page links to them, then the others by their title."""
    pages = list(pages)
    front = next(page for page in pages if str(page.place) == "index.md")
    places = [str(PurePosixPath(target)) for target in _LINK.findall(front.text)]
    return sorted(pages, key=_make_sort_key(list(dict.fromkeys(places))))


def _make_sort_key(places: list[str]) -> Callable[[Page], tuple[int, str]]:
    ranks = {place: rank for rank, place in enumerate(places)}
    return lambda page: (ranks.get(str(page.place), len(ranks)), page.title.lower())


def _is_member(page: Page, folder: str) -> bool:
    return str(page.place.parent) == folder and str(page.place) != get_section_index(folder)
