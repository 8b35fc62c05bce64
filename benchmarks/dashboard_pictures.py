"""Pictures of every page of the dashboard: `python benchmarks/dashboard_pictures.py HOME [OUT]`.

HOME is a folder with real streams; where there is none, it is made first, in minutes.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard import FLAGS
from picture_home import make_home
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from servers import dashboard_server

OUT = Path(__file__).parents[1] / "docs" / "how-to" / "dashboard"
_SHORTEN = """home => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(home, '/srv/growlearn');
}"""  # the folder where the pictures were taken tells a reader nothing
_DESK, _PHONE = (1280, 800), (360, 740)


@dataclass(frozen=True)
class Shot:
    """A picture, the page that it shows, and how."""

    name: str
    path: str
    size: tuple[int, int] = _DESK
    scheme: str = "light"


SHOTS = (
    Shot("streams", "/"),
    Shot("stream", "/streams/scans"),
    Shot("windows", "/streams/scans/windows", scheme="dark"),
    Shot("window", "/streams/digits/windows/w3"),
    Shot("drift", "/streams/scans/drift"),
    Shot("lineage", "/streams/digits/lineage?rejected=true"),
    Shot("branch", "/streams/digits/branches/b1"),
    Shot("accuracy", "/streams/digits/accuracy"),
    Shot("versions", "/streams/digits/versions", scheme="dark"),
    Shot("compare", "/streams/digits/compare?old=1&new=2"),
    Shot("quarantine", "/streams/wines/quarantine"),
    Shot("streams-phone", "/", _PHONE),
    Shot("drift-phone", "/streams/scans/drift", _PHONE, "dark"),
)


def main() -> None:
    """Make the home where there is none, and every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=OUT)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    make_home(options.home)
    options.out.mkdir(parents=True, exist_ok=True)
    home = str(options.home.resolve())
    with dashboard_server(options.home, "up") as link, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=list(FLAGS))
        context = browser.new_context(reduced_motion="reduce")
        page = context.new_page()
        _take(page, link, home, Shot("sign-in", "/streams/digits"), options.out)
        page.goto(link)
        for shot in SHOTS:
            _take(page, link, home, shot, options.out)
        browser.close()


def _take(page: Page, link: str, home: str, shot: Shot, out: Path) -> None:
    page.set_viewport_size({"width": shot.size[0], "height": shot.size[1]})
    page.emulate_media(color_scheme=shot.scheme)  # type: ignore[arg-type]
    page.goto(link.partition("/login")[0] + shot.path)
    page.evaluate(_SHORTEN, home)
    content = page.screenshot(full_page=shot.size == _DESK)
    picture: Any = (
        Image.open(io.BytesIO(content))
        .convert("RGB")
        .quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    picture.save(out / f"{shot.name}.png", optimize=True)
    print(out / f"{shot.name}.png", (out / f"{shot.name}.png").stat().st_size)


if __name__ == "__main__":
    main()
