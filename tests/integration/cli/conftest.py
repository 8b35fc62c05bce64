"""A working folder in which `growlearn run` has grown a small stream of two regimes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.command_line import Finished, call, start_process

JOB = """\
name: blobs
schedule: {every: 1s}
source: {type: folder, url: incoming, min_file_age_s: 0}
schema:
  inputs:
    x: {type: number}
    y: {type: number}
model: {embed_dim: 8, num_heads: 2}
growth: {epochs: 15, batch_size: 32, learning_rate: 0.02, validation_fraction: 0.3}
baseline_comparison: {baselines: [no_change]}
drift: {alpha: 0.001}
refine: {when: never}
holdout: {fraction: 0.3}
"""


@dataclass(frozen=True)
class Place:
    """A working folder and the environment of the commands that run there."""

    folder: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command as a process of its own."""
        return start_process(self.folder, self.environment, arguments)

    def growlearn(self, *arguments: str) -> Finished:
        """A command, called in this process."""
        return call(self.folder, self.environment, arguments)

    def drop(self, name: str, *, turned: bool, seed: int, rows: int = 240, broken_rows: int = 0) -> None:
        """Two clouds of points; `turned` swaps the columns' roles and moves both clouds away."""
        rng = np.random.default_rng(seed)
        label = rng.integers(0, 2, rows)
        x = rng.normal(0, 0.5, rows) + 3 * label
        y = rng.normal(0, 0.5, rows)
        if turned:
            x, y = y + 6, x - 3
        x[:broken_rows] = np.inf
        table = pa.table({"x": x, "y": y, "label": label})
        (self.folder / "incoming").mkdir(exist_ok=True)
        part = self.folder / f"{name}.part"
        pq.write_table(table, part)
        part.rename(self.folder / "incoming" / name)


@pytest.fixture(scope="session")
def make_place(
    tmp_path_factory: pytest.TempPathFactory, add_mlflow_store: Callable[[Path], None]
) -> Callable[[str], Place]:
    """`make_place("name")`: a place whose empty MLflow store, which takes seconds to create, exists."""

    def make(name: str) -> Place:
        place = make_empty_place(tmp_path_factory.mktemp(name) / "work")
        add_mlflow_store(place.folder / ".growlearn")
        return place

    return make


def make_empty_place(folder: Path) -> Place:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GROWLEARN_")}
    environment |= {
        "GROWLEARN_THREADS": "1",
        "GROWLEARN_LEASE_S": "3",
        "GROWLEARN_API_PORT": "0",
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }
    folder.mkdir(exist_ok=True)
    (folder / "blobs.yaml").write_text(JOB)
    (folder / "incoming").mkdir()
    return Place(folder, environment)


@pytest.fixture
def empty_place(tmp_path: Path) -> Place:
    """A job file and an empty folder for data; no command has run there."""
    return make_empty_place(tmp_path / "work")


@pytest.fixture
def place(make_place: Callable[[str], Place]) -> Place:
    """A place in which streams are trained."""
    return make_place("place")


@dataclass(frozen=True)
class Grown:
    """The folder of the grown stream, the output of `run`, and what others might read of the home then."""

    place: Place
    run: Finished
    open_paths: tuple[Path, ...]


@pytest.fixture(scope="session")
def grown(make_place: Callable[[str], Place]) -> Grown:
    """Read only; a test that changes the stream takes `copied`."""
    place = make_place("grown")
    place.drop("1.parquet", turned=False, seed=1)
    place.drop("2.parquet", turned=True, seed=2)
    (place.folder / "incoming" / "3-empty.parquet").touch()
    place.drop("4.parquet", turned=False, seed=4)
    place.drop("5.parquet", turned=False, seed=5, broken_rows=1)
    done = place.growlearn("run", "blobs.yaml")
    # Now: tests that look into the record themselves write files with modes of their own.
    home = place.folder / ".growlearn"
    return Grown(place, done, tuple(path for path in home.rglob("*") if path.stat().st_mode & 0o077))


@pytest.fixture
def copied(grown: Grown, tmp_path: Path) -> Place:
    """The grown stream in a folder of this test's own."""
    shutil.copytree(grown.place.folder, tmp_path / "work")
    return replace(grown.place, folder=tmp_path / "work")
