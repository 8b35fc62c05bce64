"""Which story is asked for, and the story with the whole ledger behind it as plain data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.ledger import Chapter
from growlearn.ports import Store
from growlearn.registry.ancestry import find
from growlearn.registry.story import story_of_window


@dataclass(frozen=True)
class Asked:
    """A window, the version that came from it, if any, and the story of both."""

    stream: str
    window: str
    version: int | None
    chapters: tuple[Chapter, ...]


def ask_why(store: Store, stream: str, which: str | None) -> Asked:
    """The story of a version (3 or v3), a window (w5), or else of the champion, or else of the newest window.

    Raises UnknownName, or GrowLearnError where nothing has come in yet.
    """
    window = _window(store, stream, which)
    version = next((v.number for v in store.versions(stream) if v.window == window), None)
    return Asked(stream, window, version, story_of_window(store, stream, window))


def _window(store: Store, stream: str, which: str | None) -> str:
    found = store.stream(stream)
    if which is None and found.champion is None:
        windows = store.windows(stream)
        if not windows:
            raise GrowLearnError(
                f"nothing has come into stream {stream!r} yet",
                cure=f"drop a file where it looks, then: growlearn run {stream}",
            )
        return windows[-1].id
    if which is not None and re.fullmatch(r"v?[0-9]{1,9}", which) is None:
        return store.window(stream, which).id
    number = found.champion if which is None else int(which.removeprefix("v"))
    assert number is not None
    return find(store.versions(stream), number).window


def why_view(store: Store, asked: Asked) -> Mapping[str, Any]:
    """The story, and every entry of the ledger that it rests on, whole."""
    from pydantic import ConfigDict, TypeAdapter

    from growlearn.domain.ledger import Entry

    adapter: TypeAdapter[Entry | None] = TypeAdapter(
        Entry | None, config=ConfigDict(ser_json_inf_nan="strings")
    )
    entries = [entry for entry in store.ledger(asked.stream) if _concerns(entry, asked)]
    return {
        "stream": asked.stream,
        "window": asked.window,
        "version": asked.version,
        "story": [asdict(chapter) for chapter in asked.chapters],
        "entries": [json.loads(adapter.dump_json(entry)) for entry in entries],
    }


def _concerns(entry: Any, asked: Asked) -> bool:
    if entry.window == asked.window:
        return True
    version = asked.version
    return version is not None and any(version in (move.before, move.after) for move in entry.moves)
