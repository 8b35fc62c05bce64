"""Build the documentation site: `python -m docs.site.build [FOLDER]`, without a network, strictly."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath

from docs.site.links import find_link_errors
from docs.site.navigation import Entry, make_navigation, make_section_indexes
from docs.site.pages import BrokenLinkError, Page, copy_pages, find_pages
from docs.site.tables import PLACE as TABLES
from docs.site.tables import make_tables_page

ROOT = Path(__file__).parents[2]
CONFIGURATION = Path(__file__).with_name("zensical.toml")
ASSETS = Path(__file__).with_name("assets")


class SiteError(Exception):
    """The site could not be built, or a page of it is wrong."""


def build_site(root: Path, site: Path) -> int:
    """Build the site of a checkout into a folder, in place of an earlier one; the number of its pages.

    Raises SiteError for anything that the builder warns of, and for each link, anchor or picture that
    leads nowhere.
    """
    if site.exists() and not (site / "sitemap.xml").exists() and any(site.iterdir()):
        raise SiteError(f"{site} holds something else than an earlier site: name another folder")
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        pages = write_project(root, project)
        _run_builder(project)
        errors = find_link_errors(project / "site")
        if errors:
            raise SiteError("\n".join(errors))
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(project / "site", site)
    return pages


def _run_builder(project: Path) -> None:
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", "zensical.toml"]
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SiteError(f"the site cannot be built:\n{done.stdout}{done.stderr}")


def write_project(root: Path, project: Path) -> int:
    """Write what the builder reads, below `project`: pages, made and copied, and its configuration."""
    pages = find_pages(root)
    content = project / "content"
    copy_pages(root, pages, content)
    shutil.copytree(ASSETS, content / "assets")
    made = {TABLES: make_tables_page(), **make_section_indexes(pages)}
    for place, text in made.items():
        (content / place).parent.mkdir(parents=True, exist_ok=True)
        (content / place).write_text(text, encoding="utf-8")
    navigation = format_toml(make_navigation([*pages, Page(content / TABLES, PurePosixPath(TABLES))]))
    head = f'[project]\ndocs_dir = "content"\nsite_dir = "site"\nnav = {navigation}\n'
    (project / "zensical.toml").write_text(head + CONFIGURATION.read_text(encoding="utf-8"), encoding="utf-8")
    return len(list(content.rglob("*.md")))


def format_toml(entry: Entry) -> str:
    """A navigation as a value of TOML, on one line.

    >>> format_toml(["index.md", {"How to": ["a.md"]}])
    '["index.md", {"How to" = ["a.md"]}]'
    """
    if isinstance(entry, str):
        return json.dumps(entry, ensure_ascii=False)
    if isinstance(entry, list):
        return f"[{', '.join(map(format_toml, entry))}]"
    return (
        f"{{{', '.join(f'{format_toml(title)} = {format_toml(value)}' for title, value in entry.items())}}}"
    )


def main() -> None:
    """Build the site and say where it is, or what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "site")
    folder = parser.parse_args().folder
    try:
        pages = build_site(ROOT, folder)
    except (BrokenLinkError, SiteError) as error:
        sys.exit(str(error))
    sys.stdout.write(f"{pages} pages: {folder / 'index.html'}\n")


if __name__ == "__main__":
    main()
