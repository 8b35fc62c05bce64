"""Exported folders that are damaged, deleted after loading or not empty before."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.mlflow.export import export_model
from growlearn.adapters.mlflow.silence import silence_warnings
from growlearn.domain.errors import GrowLearnError
from tests.integration.exported_models import TABLE, grow


@pytest.fixture(scope="module")
def artifacts() -> MemoryArtifacts:
    return MemoryArtifacts()


def test_corrupt_weights_are_refused(artifacts: MemoryArtifacts, tmp_path: Path) -> None:
    folder = export_model(grow(TABLE, {"a": (0, 1)}, artifacts), artifacts, tmp_path / "model")
    path = sorted((folder / "weights").iterdir())[0]
    path.write_bytes(path.read_bytes()[:-1] + b"\x00\x00")
    with silence_warnings():
        import mlflow.pyfunc  # noqa: PLC0415 - warns

        with pytest.raises(ValueError, match="corrupt"):
            mlflow.pyfunc.load_model(str(folder))


def test_a_changed_manifest_is_refused(artifacts: MemoryArtifacts, tmp_path: Path) -> None:
    """Swapped classes would give swapped answers."""
    folder = export_model(grow(TABLE, {"a": (0, 1)}, artifacts), artifacts, tmp_path / "model")
    digest, name = (folder / "manifest.sha256").read_text().split()
    path = folder / name
    content = path.read_text()
    assert hashlib.sha256(content.encode()).hexdigest() == digest
    path.write_text(re.sub(r'("classes": \[\s*)0(,\s*)1', r"\g<1>1\g<2>0", content))
    assert path.read_text() != content
    with silence_warnings():
        import mlflow.pyfunc  # noqa: PLC0415 - warns

        with pytest.raises(ValueError, match=r"manifest.json is corrupt"):
            mlflow.pyfunc.load_model(str(folder))


def test_a_loaded_model_needs_its_folder_no_more(
    artifacts: MemoryArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People load a model from a temporary folder; another of the same code may follow in one process."""
    folder = export_model(grow(TABLE, {"a": (0, 1)}, artifacts), artifacts, tmp_path / "model")
    for name in [name for name in sys.modules if name.startswith("growlearn_")]:
        monkeypatch.delitem(sys.modules, name)
    second = shutil.copytree(folder, tmp_path / "second")
    frame = pd.DataFrame({"size": [1.0], "kind": ["red"]})
    with silence_warnings():
        import mlflow.pyfunc  # noqa: PLC0415 - warns

        model = mlflow.pyfunc.load_model(str(folder))
        shutil.rmtree(folder)
        expected = model.predict(frame)
        pd.testing.assert_frame_equal(mlflow.pyfunc.load_model(str(second)).predict(frame), expected)


def test_a_folder_that_holds_something_is_left_alone(artifacts: MemoryArtifacts, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(GrowLearnError, match="not an empty folder"):
        export_model(grow(TABLE, {"a": (0, 1)}, artifacts), artifacts, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
