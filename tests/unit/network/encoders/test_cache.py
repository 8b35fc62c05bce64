"""Features are computed once a value, by whichever process comes first; nothing depends on the files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from growlearn.network.encoders import cache as module
from growlearn.network.encoders.cache import FeatureCache, Features, keep_features_in

SHA256, F = "ab" * 32, 5


class Counting:
    """Values 0, 1, ... whose features are [v, v, ...]; counts how often each was computed."""

    def __init__(self) -> None:
        self.computed: list[int] = []

    def ask(self, cache: FeatureCache, *values: int) -> Features:
        def compute(missing: npt.NDArray[np.int64]) -> Features:
            self.computed += [values[index] for index in missing]
            return np.repeat(np.array(values, np.float16)[missing, None], F, axis=1)

        features = cache.get([value.to_bytes(16, "little") for value in values], compute)
        assert features.tolist() == [[value] * F for value in values]
        return features


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    keep_features_in(tmp_path / "encoded")
    yield tmp_path / "encoded"
    keep_features_in(None)


def new_cache() -> FeatureCache:
    return FeatureCache(SHA256, F)


def limit(patch: pytest.MonkeyPatch, *, files: int, memory: int) -> None:
    """Limits in rows."""
    patch.setattr(module, "MAX_FILE_BYTES", files * F * 2)
    patch.setattr(module, "MAX_MEMORY_BYTES", memory * F * 2)


@pytest.mark.parametrize("rows", [1, 63, 64, 200])
def test_each_value_is_computed_once(counting: Counting, rows: int) -> None:
    cache = new_cache()
    for values in (range(rows), reversed(range(rows)), range(rows // 2)):
        counting.ask(cache, *values)
    assert sorted(counting.computed) == list(range(rows))


def test_a_value_that_comes_twice_in_a_request_is_computed_once(counting: Counting) -> None:
    counting.ask(new_cache(), *range(100), *range(100), 7, 7)
    assert counting.computed == list(range(100))


def test_only_what_is_new_is_computed(counting: Counting) -> None:
    cache = new_cache()
    counting.ask(cache, *range(100))
    counting.ask(cache, *range(50, 150))
    assert counting.computed == list(range(150))


def test_no_rows_are_no_features(counting: Counting) -> None:
    assert counting.ask(new_cache()).shape == (0, F)
    assert counting.computed == []


def test_small_requests_leave_no_files_and_only_the_last_are_kept(
    counting: Counting, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_RECENT_ROWS", 4)
    cache = new_cache()
    for value in range(6):
        counting.ask(cache, value)
    counting.ask(cache, 2, 3, 4, 5)
    assert counting.computed == list(range(6))
    counting.ask(cache, 0)
    assert counting.computed == [*range(6), 0]
    assert not folder.exists()


def test_two_caches_on_one_folder_share(counting: Counting, folder: Path) -> None:
    first, second = new_cache(), new_cache()
    counting.ask(first, *range(100))
    counting.ask(second, *range(100))
    counting.ask(second, *range(100, 200))
    counting.ask(first, *range(200))  # it had read the folder before the second wrote
    assert counting.computed == list(range(200))


def test_another_encoder_shares_nothing(counting: Counting, folder: Path) -> None:
    counting.ask(new_cache(), *range(100))
    counting.ask(FeatureCache("cd" * 32, F), *range(100))
    assert counting.computed == [*range(100), *range(100)]


def test_written_features_are_pages_of_their_file_and_not_memory(counting: Counting, folder: Path) -> None:
    cache = new_cache()
    counting.ask(cache, *range(100))
    (chunk,) = cache._chunks.values()
    assert isinstance(chunk.features, np.memmap)
    assert {path.suffix for path in folder.iterdir()} == {".keys", ".features"}


@pytest.mark.parametrize("damage", ["keys.part", "features alone", "short features", "no features"])
def test_a_chunk_cut_off_by_a_kill_is_ignored(counting: Counting, folder: Path, damage: str) -> None:
    counting.ask(new_cache(), *range(100))
    keys, features = next(folder.glob("*.keys")), next(folder.glob("*.features"))
    if damage == "keys.part":
        keys.rename(keys.with_name(keys.name + ".part"))
    elif damage == "features alone":
        keys.unlink()
    elif damage == "short features":
        features.write_bytes(features.read_bytes()[:-F])
    else:
        features.unlink()
    counting.ask(new_cache(), *range(100))
    assert counting.computed == [*range(100), *range(100)]


def test_what_a_kill_left_is_removed_an_hour_later(counting: Counting, folder: Path) -> None:
    counting.ask(new_cache(), *range(100))
    (keys,) = folder.glob("*.keys")
    remains = [folder / name for name in ("a.features", "a.features.part", "b.keys.part", "new.features")]
    for path in remains:
        path.touch()
        os.utime(path, (keys.stat().st_mtime - 4000,) * 2)
    os.utime(remains[-1], (keys.stat().st_mtime,) * 2)
    counting.ask(new_cache(), *range(100, 200))
    assert [path.exists() for path in remains] == [False, False, False, True]
    counting.ask(new_cache(), *range(200))
    assert counting.computed == list(range(200))


def test_deleting_the_folder_loses_nothing(counting: Counting, folder: Path) -> None:
    cache = new_cache()
    counting.ask(cache, *range(100))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    counting.ask(cache, *range(100))  # still mapped
    counting.ask(cache, *range(100, 200))
    assert counting.computed == list(range(200))
    counting.ask(new_cache(), *range(200))
    assert counting.computed == [*range(200), *range(100)]


def test_beyond_the_bound_of_files_the_oldest_are_dropped(
    counting: Counting, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, files=200, memory=0)
    cache = new_cache()
    for start in (0, 100, 200):
        counting.ask(cache, *range(start, start + 100))
    assert len(list(folder.glob("*.features"))) == len(list(folder.glob("*.keys"))) == 2
    counting.ask(cache, *range(100, 300))
    assert counting.computed == list(range(300))
    counting.ask(cache, *range(100))
    assert counting.computed == [*range(300), *range(100)]


def test_a_new_process_drops_by_the_age_of_the_files(
    counting: Counting, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for start in (0, 100, 200):
        counting.ask(new_cache(), *range(start, start + 100))
    middle, oldest, youngest = sorted(folder.glob("*.keys"))  # whatever their names
    for age, path in enumerate((youngest, middle, oldest)):
        os.utime(path, ns=(10 - age, 10 - age))
    limit(monkeypatch, files=300, memory=0)
    counting.ask(new_cache(), *range(300, 400))
    assert not oldest.exists()
    assert middle.exists()
    assert youngest.exists()


def test_without_a_folder_memory_is_bounded(counting: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, files=10_000, memory=200)
    cache = new_cache()
    for start in (0, 100, 200):
        counting.ask(cache, *range(start, start + 100))
    assert sum(chunk.features.nbytes for chunk in cache._chunks.values()) == 200 * F * 2
    assert len(cache._places) == 200
    counting.ask(cache, *range(100))
    assert counting.computed == [*range(300), *range(100)]


def test_a_folder_that_cannot_be_written_costs_time_and_no_answer(counting: Counting, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    keep_features_in(tmp_path / "file" / "encoded")
    try:
        cache = new_cache()
        counting.ask(cache, *range(100))
        counting.ask(cache, *range(100))
        counting.ask(new_cache(), *range(100))
    finally:
        keep_features_in(None)
    assert counting.computed == [*range(100), *range(100)]


def test_a_full_disk_costs_time_and_no_answer(
    counting: Counting, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_write", fail)
    cache = new_cache()
    counting.ask(cache, *range(100))
    counting.ask(cache, *range(100))
    assert counting.computed == list(range(100))
