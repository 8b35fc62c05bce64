from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_digits

from tests.command_line import call, start_process

# Every branch is kept: whether a smaller model would do is not what these tests are about, and a
# close comparison could be decided by the last bits of an accuracy.
JOB = """
name: digits
source: {type: folder, url: incoming, pattern: "*.parquet", min_file_age_s: 0}
schema:
  inputs:
    image: {type: image, shape: [1, 8, 8]}
  label: label
model: {embed_dim: 16, num_heads: 2, patch_size: 2}
drift: {alpha: 0.01}
growth: {epochs: 8, batch_size: 16, validation_fraction: 0.2}
baseline_comparison: {baselines: []}
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
        """A process of its own."""
        return start_process(self.folder, self.environment, arguments)

    def growlearn(self, *arguments: str, status: int = 0) -> str:
        """The output of a command, called in this process."""
        done = call(self.folder, self.environment, arguments)
        assert done.code == status, f"{arguments}: status {done.code}\n{done.out}\n{done.err}"
        return done.out

    def json(self, *arguments: str) -> Any:
        return json.loads(self.growlearn(*arguments, "--json"))

    def drop_table(self, name: str, columns: dict[str, Any]) -> None:
        """Put a Parquet file into the watched folder, whole."""
        part = self.folder / f".{name}"
        pq.write_table(pa.table(columns), part)
        part.rename(self.incoming / name)

    def drop(self, name: str, images: Any, labels: Sequence[int] | None, **columns: Any) -> None:
        """Put images and their labels, or images alone, into the watched folder."""
        cells = {"image": images.reshape(len(images), -1).tolist(), **columns}
        self.drop_table(name, cells if labels is None else {**cells, "label": labels})


@pytest.fixture(scope="session")
def make_home(
    tmp_path_factory: pytest.TempPathFactory, add_mlflow_store: Callable[[Path], None]
) -> Callable[[str], Home]:
    """`make_home("name")`: an empty home, but for the MLflow store, which takes seconds to create."""

    def make(name: str) -> Home:
        home = Home(tmp_path_factory.mktemp("homes") / name)
        add_mlflow_store(home.folder / "home")
        return home

    return make


@pytest.fixture(scope="session")
def digits() -> tuple[Any, list[int]]:
    """Real handwritten digits in a fixed random order: uint8 [1797, 8, 8] and labels."""
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    return (bunch.images[order] * 15.9375).astype(np.uint8), bunch.target[order].tolist()
