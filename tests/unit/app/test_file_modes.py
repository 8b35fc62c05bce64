from __future__ import annotations

import os
from pathlib import Path

import pytest

from growlearn.app.file_modes import files_for_people, private_files


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_files_are_private_but_for_those_made_for_people(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with private_files():
            (tmp_path / "home").mkdir()
            (tmp_path / "home" / "rows").touch()
            with files_for_people():
                (tmp_path / "predictions.csv").touch()
            (tmp_path / "later").touch()
        (tmp_path / "after").touch()
    finally:
        os.umask(before)
    modes = {path.name: mode_of(path) for path in tmp_path.rglob("*")}
    assert modes == {"home": 0o700, "rows": 0o600, "predictions.csv": 0o644, "later": 0o600, "after": 0o644}


def test_an_error_inside_leaves_the_mode_of_the_process_as_it_was() -> None:
    before = os.umask(0o022)
    try:
        with pytest.raises(KeyError), private_files():
            raise KeyError
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
