"""Outcomes of finished parts of a benchmark, which a later run takes up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from growlearn.registry.json_codec import from_json, to_json

T = TypeVar("T")


def resume(path: Path, kind: type[T], measure: Callable[[], T]) -> T:
    """The outcome that a file holds; where there is no such file, a new one, which it then holds."""
    if not path.exists():
        outcome = measure()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(to_json(outcome, kind))
    kept: T = from_json(path.read_bytes(), kind)
    return kept
