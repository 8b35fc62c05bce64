"""A folder appears whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from growlearn.app.whole_folder import write_whole_folder
from growlearn.domain.errors import DiskFull, GrowLearnError


@pytest.mark.parametrize("is_there", [False, True])
def test_it_appears_when_all_is_written(tmp_path: Path, is_there: bool) -> None:
    folder = tmp_path / "new" / "model"
    if is_there:
        folder.mkdir(parents=True)
    with write_whole_folder(folder) as part:
        (part / "a").write_text("a")
        assert not (folder / "a").exists()
    assert [path.name for path in folder.iterdir()] == ["a"]
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_nothing_is_left_of_a_failed_one(tmp_path: Path) -> None:
    def fail() -> None:
        with write_whole_folder(tmp_path / "model") as part:
            (part / "a").write_text("a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("raised", [RuntimeError("a library's"), DiskFull("cannot write .model.tmp")])
def test_a_full_disk_is_called_that_with_the_folder_that_was_named(tmp_path: Path, raised: Exception) -> None:
    folder = tmp_path / "model"
    with (
        pytest.raises(DiskFull, match=r"the model cannot be written to .*/model \("),
        write_whole_folder(folder),
    ):
        raise raised from OSError(errno.ENOSPC, "No space left on device")


def test_what_is_there_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "mine").touch()
    with pytest.raises(GrowLearnError, match="is not an empty folder"), write_whole_folder(folder):
        pytest.fail("the block ran")
    (tmp_path / "file").touch()
    with pytest.raises(GrowLearnError, match="is not an empty folder"), write_whole_folder(tmp_path / "file"):
        pytest.fail("the block ran")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(GrowLearnError, match="is the working folder"), write_whole_folder(Path()):
        pytest.fail("the block ran")
    assert (folder / "mine").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(GrowLearnError, match=r"cannot write .*/file/model"),
        write_whole_folder(tmp_path / "file" / "model"),
    ):
        pytest.fail("the block ran")
