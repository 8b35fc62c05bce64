from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_digits

JOB = """
name: digits
source: {type: folder, url: incoming, pattern: "*.parquet", settle_s: 0}
schema:
  inputs:
    image: {type: image, shape: [1, 8, 8]}
  label: label
model: {width: 16, heads: 2, patch: 2}
drift: {alpha: 0.01}
growth: {epochs: 8, batch_size: 16, validation: 0.2}
"""


class Home:
    """A folder in which a person works with growlearn from the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.incoming = folder / "incoming"
        self.incoming.mkdir(parents=True)
        (folder / "digits.yaml").write_text(JOB)
        self.environment = {
            **os.environ,
            "GROWLEARN_HOME": str(folder / "home"),
            "GROWLEARN_LEASE_S": "4",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [str(Path(sys.executable).with_name("growlearn")), *arguments]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def growlearn(self, *arguments: str, status: int = 0) -> str:
        with self.start(*arguments) as process:
            out, err = process.communicate()
        assert process.returncode == status, f"{arguments}: status {process.returncode}\n{out}\n{err}"
        return out

    def json(self, *arguments: str) -> Any:
        return json.loads(self.growlearn(*arguments, "--json"))

    def drop(self, name: str, images: Any, labels: list[int]) -> None:
        """Put a Parquet file into the watched folder, whole."""
        table = pa.table({"image": images.reshape(len(images), -1).tolist(), "label": labels})
        part = self.folder / f".{name}"
        pq.write_table(table, part)
        part.rename(self.incoming / name)


@pytest.fixture
def make_home(tmp_path: Path) -> Callable[[str], Home]:
    return lambda name: Home(tmp_path / name)


@pytest.fixture(scope="module")
def make_shared_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Home]:
    """For what several tests look at and none changes."""
    return lambda name: Home(tmp_path_factory.mktemp("homes") / name)


@pytest.fixture(scope="session")
def digits() -> tuple[Any, list[int]]:
    """Real handwritten digits in a fixed random order: uint8 [1797, 8, 8] and labels."""
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    return (bunch.images[order] * 15.9375).astype(np.uint8), bunch.target[order].tolist()
