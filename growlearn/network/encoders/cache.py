"""Features of encoded values that were computed already: in memory, and on disk for other processes.

A training process, the worker that started it and a restart after a kill read the same folder, so every value
is encoded once. The folder may be deleted at any time.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from growlearn.ingest.spool import spool_array

Features: TypeAlias = npt.NDArray[np.float16]

_KEY_BYTES = 16
_MIN_CHUNK_ROWS = 64  # fewer are computed again sooner than looked up in a file of their own
_MAX_BYTES = 4 * 2**30  # of one encoder

_folder: Path | None = None


def keep_features_in(folder: Path | None) -> None:
    """Let every encoder of this process keep its features in a folder; None: in this process alone."""
    global _folder  # noqa: PLW0603 - one a process, like a temporary folder
    _folder = folder


class FeatureCache:
    """Features float16 [N, F] by 16-byte keys, of one encoder; the oldest are dropped beyond 4 GiB."""

    def __init__(self, encoder_sha256: str, num_features: int, max_bytes: int = _MAX_BYTES) -> None:
        self._prefix = encoder_sha256[:16]
        self._num_features = num_features
        self._max_chunks_bytes = max_bytes
        self._chunks: deque[tuple[str, Features]] = deque()
        self._places: dict[bytes, tuple[str, int]] = {}  # of a key: its chunk, and the row there
        self._lock = threading.Lock()

    def get(self, keys: Sequence[bytes], compute: Callable[[npt.NDArray[np.int64]], Features]) -> Features:
        """Features of keys [N]; `compute` gives those at the indices that are nowhere."""
        with self._lock:
            if any(key not in self._places for key in keys):
                self._read_folder()
            found = self._find(keys)
        missing = np.array([index for index, key in enumerate(keys) if key not in found], dtype=np.int64)
        features = np.empty((len(keys), self._num_features), np.float16)
        if len(missing):
            first = _first_of_each([keys[index] for index in missing])  # a value that came twice
            computed = compute(missing[list(first.values())])
            order = {key: row for row, key in enumerate(first)}
            features[missing] = computed[[order[keys[index]] for index in missing]]
            if len(computed) >= _MIN_CHUNK_ROWS:
                with self._lock:
                    self._store(list(first), computed)
        for index, key in enumerate(keys):
            if key in found:
                features[index] = found[key]
        return features

    def _find(self, keys: Sequence[bytes]) -> dict[bytes, Features]:
        chunks = dict(self._chunks)
        places = {key: self._places[key] for key in keys if key in self._places}
        return {key: chunks[name][row] for key, (name, row) in places.items()}

    def _store(self, keys: Sequence[bytes], features: Features) -> None:
        name = f"{self._prefix}-{uuid.uuid4().hex}"
        self._add(name, keys, spool_array(features) if _folder is None else features)
        if _folder is None:
            return
        with suppress(OSError):  # a full or read-only disk costs time, not answers
            _folder.mkdir(parents=True, exist_ok=True)
            _write(_folder / f"{name}.features", features.tobytes())
            # The keys come last: a file of keys says that its features are whole.
            _write(_folder / f"{name}.keys", b"".join(keys))

    def _add(self, name: str, keys: Sequence[bytes], features: Features) -> None:
        self._chunks.append((name, features))
        self._places |= {key: (name, row) for row, key in enumerate(keys)}
        while (
            sum(chunk.nbytes for _, chunk in self._chunks) > self._max_chunks_bytes and len(self._chunks) > 1
        ):
            dropped, _ = self._chunks.popleft()
            self._places = {key: place for key, place in self._places.items() if place[0] != dropped}
            if _folder is not None:
                for kind in ("keys", "features"):
                    with suppress(OSError):
                        (_folder / f"{dropped}.{kind}").unlink()

    def _read_folder(self) -> None:
        """Take up the chunks that other processes have written meanwhile."""
        if _folder is None or not _folder.is_dir():
            return
        known = {name for name, _ in self._chunks}
        for path in sorted(_folder.glob(f"{self._prefix}-*.keys")):
            if path.stem not in known:
                with suppress(OSError, ValueError):  # dropped or cut off meanwhile
                    content = path.read_bytes()
                    features = np.memmap(path.with_suffix(".features"), np.float16, "r")
                    rows = features.reshape(len(content) // _KEY_BYTES, self._num_features)
                    keys = [content[at : at + _KEY_BYTES] for at in range(0, len(content), _KEY_BYTES)]
                    self._add(path.stem, keys, rows)


def _first_of_each(keys: Sequence[bytes]) -> dict[bytes, int]:
    """Each key with the first index that has it."""
    first: dict[bytes, int] = {}
    for index, key in enumerate(keys):
        first.setdefault(key, index)
    return first


def _write(path: Path, content: bytes) -> None:
    """Write a whole file or none."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)
