"""Folders of class folders of images on a real disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.sources import open_source
from growlearn.domain.errors import InvalidFile, TemporarilyUnreadable
from growlearn.domain.job import SourceConfig
from growlearn.ports import Source


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, content: bytes = b"x", at: float = 1_000_000_000) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (at, at))
        return path

    return write


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def source(tmp_path: Path, clock: ManualClock) -> Source:
    return open_source(SourceConfig(type="image-folder", url=str(tmp_path)), clock)


def test_each_subfolder_is_one_file_of_images_by_class(put: Callable[..., Path], source: Source) -> None:
    put("monday/cat/1.png", b"c1")
    put("monday/dog/1.png", b"d1")
    put("tuesday/cat/1.png", b"c2")
    put("stray.png")
    monday, tuesday = source.files()
    assert [Path(file.url).name for file in (monday, tuesday)] == ["monday", "tuesday"]
    assert monday.size_bytes == 4
    assert source.read(monday) == {"cat/1.png": b"c1", "dog/1.png": b"d1"}
    assert source.read(tuesday) == {"cat/1.png": b"c2"}


def test_names_that_sort_beside_each_other_are_not_mixed_up(put: Callable[..., Path], source: Source) -> None:
    for name in ("a/x/1.png", "a-b/x/1.png", "a b/x/1.png", "ab/x/1.png"):
        put(name, name.encode())
    contents = {Path(file.url).name: source.read(file) for file in source.files()}
    assert contents == {name: {"x/1.png": f"{name}/x/1.png".encode()} for name in ("a", "a-b", "a b", "ab")}


def test_a_delivery_is_read_without_a_look_at_the_others(
    put: Callable[..., Path], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a backlog of many takes a look at all of them for each."""
    for day in range(5):
        put(f"{day}/cat/1.png")
    third = source.files()[2]
    looked_at: list[str] = []
    scan = os.scandir

    def note_and_scan(path: str) -> Any:
        looked_at.append(path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", note_and_scan)
    assert source.read(third) == {"cat/1.png": b"x"}
    assert {Path(path).relative_to(Path(third.url).parent).parts[:1] for path in looked_at} == {("2",)}


SYSTEM_FILES = (
    "Thumbs.db",
    "cat/THUMBS.DB",
    "cat/ehthumbs.db",
    "cat/desktop.ini",
    "Desktop.ini",
    "cat/Picasa.ini",
    ".DS_Store",
    "cat/._1.png",
    "cat/Icon\r",
    "cat/1.png:Zone.Identifier",
    "__MACOSX/cat/._1.png",
    "cat/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg",
    "$RECYCLE.BIN/S-1-5-18/desktop.ini",
    "System Volume Information/IndexerVolumeGuid",
    "lost+found/1.png",
)


def test_what_operating_systems_leave_is_no_image(put: Callable[..., Path], source: Source) -> None:
    put("monday/cat/1.png")
    (before,) = source.files()
    for name in SYSTEM_FILES:
        put(f"monday/{name}")
        put(name)
    (monday,) = source.files()
    assert monday == before  # so it is not read again either
    assert list(source.read(monday)) == ["cat/1.png"]


def test_the_newest_image_says_whether_a_folder_has_settled(
    put: Callable[..., Path], source: Source, clock: ManualClock
) -> None:
    put("monday/cat/1.png")
    put("monday/cat/2.png", at=(clock.now() - timedelta(seconds=0.2)).timestamp())
    assert source.files() == ()
    clock.advance(1)
    assert len(source.files()) == 1


@pytest.mark.parametrize("change", ["an image more", "an image gone", "an image changed"])
def test_a_folder_that_changes_after_listing_is_still_being_written(
    put: Callable[..., Path], source: Source, change: str
) -> None:
    first = put("monday/cat/1.png")
    put("monday/cat/2.png")
    (monday,) = source.files()
    if change == "an image more":
        put("monday/cat/3.png")
    elif change == "an image gone":
        first.unlink()
    else:
        put("monday/cat/1.png", b"other")
    with pytest.raises(TemporarilyUnreadable, match=r"monday.* changed while it was read"):
        source.read(monday)


def test_a_link_out_of_the_folder_refuses_all_of_it(
    put: Callable[..., Path], source: Source, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.png"
    secret.write_bytes(b"secret")
    put("monday/cat/1.png")
    os.symlink(secret, os.path.join(os.path.dirname(put("monday/cat/2.png")), "3.png"))
    (monday,) = source.files()
    assert monday.reject_reason == "monday/cat/3.png is a symbolic link that leads out of the folder"
    with pytest.raises(InvalidFile, match="leads out of the folder"):
        source.read(monday)
