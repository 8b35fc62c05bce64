"""Features of encoded values that were computed already: in memory, and on disk for other processes.

A training process, the worker that started it and a restart after a kill read the same folder, so every value
is encoded once. The folder may be deleted at any time.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Features: TypeAlias = npt.NDArray[np.float16]

_KEY_BYTES = 16
_MIN_CHUNK_ROWS = 64  # fewer are computed again sooner than looked up in a file of their own
_MAX_WRITING_S = 3600  # that a chunk takes to be written, on the slowest of disks
_MAX_RECENT_ROWS = 1024  # of such few rows: a router and a network ask for the same ones in turn
MAX_FILE_BYTES, MAX_MEMORY_BYTES = 4 * 2**30, 256 * 2**20  # of one encoder

_folder: Path | None = None


def keep_features_in(folder: Path | None) -> None:
    """Let every encoder of this process keep its features in a folder; None: in this process alone."""
    global _folder  # noqa: PLW0603 - one a process, like a temporary folder
    _folder = folder


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Features [N, F] of keys [N], computed together: the pages of a file, or an array in memory."""

    name: str
    keys: Sequence[bytes]
    features: Features
    is_file: bool


class FeatureCache:
    """Features float16 [N, F] by 16-byte keys, of one encoder.

    Beyond 4 GiB of files, or 256 MiB in memory where there is no folder, the oldest are dropped.
    """

    def __init__(self, encoder_sha256: str, num_features: int) -> None:
        self._prefix = encoder_sha256[:16]
        self._num_features = num_features
        self._chunks: dict[str, _Chunk] = {}  # oldest first
        self._places: dict[bytes, tuple[str, int]] = {}  # of a key: its chunk, and the row there
        self._recent: dict[bytes, Features] = {}
        self._lock = threading.Lock()

    def get(self, keys: Sequence[bytes], compute: Callable[[npt.NDArray[np.int64]], Features]) -> Features:
        """Features of keys [N]; `compute` gives those at the indices that are nowhere."""
        with self._lock:
            known = self._find(keys)
            if len(known) < len(set(keys)):
                self._read_folder()
                known = self._find(keys)
        first: dict[bytes, int] = {}  # of each missing key, which may come twice
        for index, key in enumerate(keys):
            if key not in known:
                first.setdefault(key, index)
        if first:
            computed = compute(np.array(list(first.values()), dtype=np.int64))
            known |= dict(zip(first, computed, strict=True))
            with self._lock:
                self._store(list(first), computed)
        features = np.empty((len(keys), self._num_features), np.float16)
        for index, key in enumerate(keys):
            features[index] = known[key]
        return features

    def _find(self, keys: Sequence[bytes]) -> dict[bytes, Features]:
        found = {key: self._recent[key] for key in keys if key in self._recent}
        places = {key: self._places[key] for key in keys if key in self._places}
        return found | {key: self._chunks[name].features[row] for key, (name, row) in places.items()}

    def _store(self, keys: Sequence[bytes], features: Features) -> None:
        if len(keys) < _MIN_CHUNK_ROWS:
            self._recent |= zip(keys, features, strict=True)
            for key in list(self._recent)[: max(0, len(self._recent) - _MAX_RECENT_ROWS)]:
                del self._recent[key]
            return
        name = f"{self._prefix}-{uuid.uuid4().hex}"
        if _folder is not None:
            with suppress(OSError):  # a full or read-only disk costs time, not answers
                _folder.mkdir(parents=True, exist_ok=True)
                _write(_folder / f"{name}.features", features.tobytes())
                # The keys come last: a file of keys says that its features are whole.
                _write(_folder / f"{name}.keys", b"".join(keys))
                _remove_remains(_folder, _folder / f"{name}.keys")
                self._add(self._open(_folder / f"{name}.keys"))
                return
        self._add(_Chunk(name, keys, features, is_file=False))

    def _add(self, chunk: _Chunk) -> None:
        self._chunks[chunk.name] = chunk
        self._places |= {key: (chunk.name, row) for row, key in enumerate(chunk.keys)}
        max_bytes = MAX_FILE_BYTES if chunk.is_file else MAX_MEMORY_BYTES
        same = [other for other in self._chunks.values() if other.is_file == chunk.is_file]
        excess = sum(other.features.nbytes for other in same) - max_bytes
        for other in same[:-1]:
            if excess <= 0:
                break
            excess -= other.features.nbytes
            self._drop(other)

    def _drop(self, chunk: _Chunk) -> None:
        del self._chunks[chunk.name]
        for key in chunk.keys:
            if self._places.get(key, ("", 0))[0] == chunk.name:
                del self._places[key]
        if chunk.is_file and _folder is not None:
            for kind in ("keys", "features"):
                with suppress(OSError):
                    (_folder / f"{chunk.name}.{kind}").unlink()

    def _read_folder(self) -> None:
        """Take up the chunks that other processes have written meanwhile."""
        for path in self._list_folder():
            if path.stem not in self._chunks:
                with suppress(OSError, ValueError):  # dropped or cut off meanwhile
                    self._add(self._open(path))

    def _list_folder(self) -> Iterator[Path]:
        """The files of keys, oldest first."""
        times = {}
        for path in [] if _folder is None else _folder.glob(f"{self._prefix}-*.keys"):
            with suppress(OSError):
                times[path] = path.stat().st_mtime_ns
        yield from sorted(times, key=lambda path: (times[path], path.name))

    def _open(self, path: Path) -> _Chunk:
        """The chunk of a file of keys; raises OSError or ValueError where its features are not whole."""
        content = path.read_bytes()
        keys = [content[start : start + _KEY_BYTES] for start in range(0, len(content), _KEY_BYTES)]
        features = np.memmap(path.with_suffix(".features"), np.float16, "r")
        return _Chunk(path.stem, keys, features.reshape(len(keys), self._num_features), is_file=True)


def _remove_remains(folder: Path, new: Path) -> None:
    """Remove what killed processes wrote without its keys, an hour before a new file."""
    latest = new.stat().st_mtime - _MAX_WRITING_S
    for path in folder.iterdir():
        is_whole = path.suffix == ".keys" or path.with_suffix(".keys").exists()
        with suppress(OSError):  # another process removed it
            if not is_whole and path.stat().st_mtime < latest:
                path.unlink()


def _write(path: Path, content: bytes) -> None:
    """Write a whole file or none."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)
