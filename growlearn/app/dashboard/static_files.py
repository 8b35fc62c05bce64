"""The files that pages load: they travel in the package, and their addresses name their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

STATIC_PATH = "/static"
_TYPES = {
    "dashboard.css": "text/css",
    "dashboard.js": "text/javascript",
    "htmx.min.js": "text/javascript",
    "htmx.LICENSE.txt": "text/plain",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent; `digest` are 16 hex digits of its sha256."""

    content: bytes
    media_type: str
    digest: str


@cache
def load_static_files() -> Mapping[str, StaticFile]:
    """Every file by its name."""
    folder = files("growlearn.app.dashboard") / "static"
    contents = {name: (folder / name).read_bytes() for name in _TYPES}
    return {
        name: StaticFile(content, _TYPES[name], sha256(content).hexdigest()[:16])
        for name, content in contents.items()
    }


def get_asset_url(name: str) -> str:
    """The address of a file, another one when its content changes."""
    return f"{STATIC_PATH}/{name}?v={load_static_files()[name].digest}"
