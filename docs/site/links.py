"""What a built site links to: every target is there, and nothing is fetched from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Elements whose address a browser fetches without being asked.
_FETCHED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}


@dataclass
class _Document(HTMLParser):
    """Anchors of a page, addresses that it links to, and those that a browser fetches for it."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element's id and address."""
        values = {name: value for name, value in attrs if value}
        self.anchors |= {values[name] for name in ("id", "name") if name in values and tag != "meta"}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if values.get("rel") != "canonical":
            self.fetched += [values[name] for kind, name in _FETCHED if kind == tag and name in values]


def find_link_errors(site: Path) -> list[str]:
    """A sentence for each link that leads nowhere, and for each address elsewhere that a page fetches."""
    documents = {file.resolve(): _read(file) for file in sorted(site.rglob("*.html"))}
    errors = []
    for file, document in documents.items():
        where = file.relative_to(site.resolve())
        errors += [f"{where} fetches {url}" for url in document.fetched if is_remote(url)]
        for url in [*document.links, *document.fetched]:
            if not is_remote(url) and not _leads_somewhere(file, url, documents, site.resolve()):
                errors.append(f"{where} links to {url}")
    return errors


def is_remote(url: str) -> bool:
    """Whether an address names a host or a scheme of its own."""
    parts = urlsplit(url)
    return bool(parts.netloc or parts.scheme)


def _leads_somewhere(file: Path, url: str, documents: dict[Path, _Document], site: Path) -> bool:
    parts = urlsplit(url)
    path = unquote(parts.path)
    target = (site / path.lstrip("/") if path.startswith("/") else file.parent / path).resolve()
    target = file if not path else target / "index.html" if target.is_dir() else target
    anchor = unquote(parts.fragment)
    if not anchor or target not in documents:
        return target.exists()
    return anchor in documents[target].anchors or anchor.startswith("__")


def _read(file: Path) -> _Document:
    document = _Document()
    document.feed(file.read_text(encoding="utf-8"))
    return document
