"""A working folder in which a small stream of two regimes was grown by `growlearn run`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

JOB = """\
name: blobs
schedule: {every: 1s}
source: {type: folder, url: incoming, settle_s: 0}
schema:
  inputs:
    x: {type: number}
    y: {type: number}
model: {width: 8, heads: 2}
growth: {epochs: 15, batch_size: 32, learning_rate: 0.02, validation: 0.3}
worth: {rivals: [nothing]}
drift: {alpha: 0.001}
holdout: 0.3
"""


@dataclass(frozen=True)
class Finished:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Place:
    """A working folder and the settings commands run there with."""

    folder: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(Path(sys.executable).parent / "growlearn"), *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def growlearn(self, *arguments: str) -> Finished:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=120)
        return Finished(process.returncode, out, err)

    def drop(self, name: str, *, turned: bool, seed: int, rows: int = 240, broken_rows: int = 0) -> None:
        """Two clouds of points; `turned` swaps the columns' roles and moves both clouds away."""
        rng = np.random.default_rng(seed)
        label = rng.integers(0, 2, rows)
        x = rng.normal(0, 0.5, rows) + 3 * label
        y = rng.normal(0, 0.5, rows)
        if turned:
            x, y = y + 6, x - 3
        x[:broken_rows] = np.nan
        table = pa.table({"x": x, "y": y, "label": label})
        (self.folder / "incoming").mkdir(exist_ok=True)
        part = self.folder / f"{name}.part"
        pq.write_table(table, part)
        part.rename(self.folder / "incoming" / name)


def place_in(folder: Path) -> Place:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GROWLEARN_")}
    environment |= {"GROWLEARN_THREADS": "1", "GROWLEARN_LEASE_S": "3", "NO_COLOR": "1", "COLUMNS": "200"}
    folder.mkdir(exist_ok=True)
    (folder / "blobs.yaml").write_text(JOB)
    (folder / "incoming").mkdir()
    return Place(folder, environment)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return place_in(tmp_path / "work")


@dataclass(frozen=True)
class Grown:
    """Where it was grown, and what `run` said."""

    place: Place
    run: Finished


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    place = place_in(tmp_path_factory.mktemp("grown") / "work")
    place.drop("1.parquet", turned=False, seed=1)
    place.drop("2.parquet", turned=True, seed=2)
    (place.folder / "incoming" / "3-empty.parquet").touch()
    place.drop("4.parquet", turned=False, seed=4)
    place.drop("5.parquet", turned=False, seed=5, broken_rows=1)
    return Grown(place, place.growlearn("run", "blobs.yaml"))
