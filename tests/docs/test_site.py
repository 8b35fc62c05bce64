"""The pages of the site: where they lie, what they link to, and the navigation that is made of them."""

from __future__ import annotations

import tomllib
from pathlib import Path, PurePosixPath

import pytest

from docs.site.build import SiteError, build_site, format_toml
from docs.site.links import find_link_errors
from docs.site.navigation import Entry, make_navigation, make_section_indexes
from docs.site.pages import BrokenLinkError, copy_pages, find_pages, get_title
from docs.site.tables import make_tables_page
from growlearn.adapters.db.tables import Base

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of few pages."""
    pages = {
        "README.md": "# Front\n",
        "CHANGELOG.md": "# Changelog\n",
        "CONTRIBUTING.md": "# Contributing\n",
        "LICENSE": "free\n",
        "docs/README.md": "# Documentation\n\n[b](how-to/b.md) [t](tutorial.md)\n",
        "docs/tutorial.md": "# Tutorial\n",
        "docs/how-to/a.md": "# `a`\n\n[measured](../../benchmarks/results/x.md#one) [home](../../README.md)",
        "docs/how-to/b.md": "# B\n\n```md\n# no heading\n[no link](nowhere.md)\n```\n",
        "benchmarks/README.md": "# Benchmarks\n\n[x](results/x.md)\n",
        "benchmarks/results/x.md": "# X\n\n![plot](x.png)\n",
        "benchmarks/results/x.png": "",
    }
    for name, text in pages.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_link_follows_its_target(checkout: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    copy_pages(checkout, find_pages(checkout), site)
    assert "(../benchmarks/results/x.md#one)" in (site / "how-to" / "a.md").read_text()
    assert "[home](../index.md)" in (site / "how-to" / "a.md").read_text()
    assert "[x](results/x.md)" in (site / "benchmarks" / "index.md").read_text()
    assert (site / "benchmarks" / "results" / "x.png").exists()


def test_a_code_block_stays_as_it_is(checkout: Path, tmp_path: Path) -> None:
    copy_pages(checkout, find_pages(checkout), tmp_path / "site")
    assert (tmp_path / "site" / "how-to" / "b.md").read_text() == (checkout / "docs/how-to/b.md").read_text()


@pytest.mark.parametrize("target", ["missing.md", "../../growlearn/domain/window.py", "../../.."])
def test_a_link_to_what_the_site_lacks_is_an_error(checkout: Path, tmp_path: Path, target: str) -> None:
    (checkout / "growlearn" / "domain").mkdir(parents=True)
    (checkout / "growlearn" / "domain" / "window.py").touch()
    (checkout / "docs" / "how-to" / "b.md").write_text(f"# B\n\n[there]({target})\n")
    with pytest.raises(BrokenLinkError, match=r"docs/how-to/b\.md links to"):
        copy_pages(checkout, find_pages(checkout), tmp_path / "site")


def test_a_new_page_appears_in_the_navigation(checkout: Path) -> None:
    (checkout / "docs" / "explanation").mkdir()
    (checkout / "docs" / "explanation" / "new.md").write_text("# New\n")
    (checkout / "docs" / "lonely.md").write_text("# Lonely\n")
    navigation = make_navigation(find_pages(checkout))
    assert {"Explanation": ["explanation/index.md", "explanation/new.md"]} in navigation
    assert "lonely.md" in navigation
    assert "- [New](new.md)" in make_section_indexes(find_pages(checkout))["explanation/index.md"]


def test_pages_stand_in_the_order_of_the_front_page(checkout: Path) -> None:
    assert {"How to": ["how-to/index.md", "how-to/b.md", "how-to/a.md"]} in make_navigation(
        find_pages(checkout)
    )


def test_a_navigation_is_valid_toml() -> None:
    entry: Entry = ["index.md", {'A "title"': ["a.md", "b.md"]}]
    assert tomllib.loads(f"nav = {format_toml(entry)}")["nav"] == entry


def test_a_title_has_no_code_marks() -> None:
    assert get_title("```\n# no\n```\n# `growlearn run` twice\n") == "growlearn run twice"


@pytest.mark.parametrize(
    ("html", "error"),
    [
        ('<a href="b.html">', "a.html links to b.html"),
        ('<a href="a.html#there">', "a.html links to a.html#there"),
        ('<a href="#there">', "a.html links to #there"),
        ('<img src="there.png">', "a.html links to there.png"),
        ('<script src="https://cdn.example/x.js"></script>', "a.html fetches https://cdn.example/x.js"),
        ('<link rel="stylesheet" href="//cdn.example/x.css">', "a.html fetches //cdn.example/x.css"),
    ],
)
def test_a_link_of_the_built_site_that_leads_nowhere_is_found(tmp_path: Path, html: str, error: str) -> None:
    (tmp_path / "a.html").write_text(html)
    assert find_link_errors(tmp_path) == [error]


def test_a_link_that_leads_somewhere_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "index.html").write_text('<h1 id="ä">')
    (tmp_path / "a.html").write_text(
        '<h1 id="x"><a href="#x"><a href="folder/#%C3%A4"><a href="/a.html"><a href="https://example.org">'
    )
    assert find_link_errors(tmp_path) == []


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(SiteError, match="another folder"):
        build_site(ROOT, tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_every_table_and_column_is_on_the_page_of_tables() -> None:
    sections = dict(section.split("`\n", 1) for section in make_tables_page().split("\n## `")[1:])
    assert sections.keys() == Base.metadata.tables.keys()
    for name, table in Base.metadata.tables.items():
        assert [column for column in table.columns.keys() if f"| `{column}` |" not in sections[name]] == []  # noqa: SIM118
        assert sections[name].strip().splitlines()[0].endswith("."), f"the class of {name} says what a row is"


def test_every_page_has_a_title_and_its_own_place() -> None:
    pages = find_pages(ROOT)
    assert [str(page.place) for page in pages if not get_title(page.text)] == []
    assert len({page.place for page in pages}) == len(pages)
    assert PurePosixPath("index.md") in {page.place for page in pages}
