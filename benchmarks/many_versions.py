"""A stream of many versions, grown by `growlearn run` on real handwritten digits seen in many ways."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import load_digits

from growlearn.app.composition import open_store
from growlearn.ports import Store
from growlearn.settings import Settings, read_settings

NAME = "looks"
MOST = 12
_ROWS = 300
_JOB = f"""\
name: {NAME}
source: {{type: folder, url: incoming, min_file_age_s: 0}}
schema:
  inputs:
    image: {{type: image, shape: [1, 8, 8]}}
  task: look
model: {{embed_dim: 16, num_heads: 2, patch_size: 2}}
growth: {{epochs: 3, batch_size: 32}}
gates: {{min_gain: -1.0, max_routed_accuracy_drop: 1.0, max_negative_flip_rate: 1.0}}
baseline_comparison: {{baselines: []}}  # so every window makes a version with a branch of its own
"""


@dataclass(frozen=True)
class Grown:
    """A home with the stream in it, and the settings of whoever works there."""

    folder: Path
    settings: Settings
    environment: dict[str, str]

    def growlearn(self, *arguments: str) -> str:
        """Run a command as a person would; its output."""
        return run(self.folder, self.environment, *arguments)

    def open(self) -> Store:
        """The record, opened anew."""
        return open_store(self.settings)


def settings_of(environment: dict[str, str]) -> Settings:
    """As a process with this environment reads them."""
    return read_settings(environment, Path(environment["GROWLEARN_HOME"]))


def grow(folder: Path, versions: int, database_url: str | None = None) -> Grown:
    """Drop a file a version, at most MOST, and run once; SQLite in the folder unless a database is named."""
    environment = {"GROWLEARN_HOME": str(folder / "home"), "GROWLEARN_THREADS": "1"}
    if database_url is not None:
        environment["GROWLEARN_DATABASE_URL"] = database_url
    (folder / "incoming").mkdir()
    (folder / "job.yaml").write_text(_JOB)
    for number in range(versions):
        pq.write_table(_table(number), folder / "incoming" / f"{number + 1:02}.parquet")
    run(folder, environment, "db", "upgrade")
    run(folder, environment, "run", "job.yaml")
    made = Grown(folder, settings_of(environment), environment)
    assert len(made.open().versions(NAME)) == versions
    return made


def run(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    """A command in a folder, with these settings and no others; its output."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("GROWLEARN_")}
    program = str(Path(sys.executable).with_name("growlearn"))
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env=others | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def _table(number: int) -> pa.Table:
    """Digits turned by quarters; upright, mirrored or inverted."""
    digits = load_digits()
    some = np.random.default_rng(number).permutation(len(digits.target))[:_ROWS]
    quarters, look = number % 4, ("plain", "mirrored", "inverted")[number // 4]
    pixels = _seen(look, (digits.images[some] * 15.9375).astype(np.uint8))
    turned = np.rot90(pixels, quarters, axes=(1, 2)).reshape(_ROWS, -1)
    return pa.table(
        {
            "image": turned.tolist(),
            "label": digits.target[some],
            "look": [f"{look}, {90 * quarters} degrees"] * _ROWS,
        }
    )


def _seen(look: str, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    if look == "mirrored":
        return pixels[:, :, ::-1]
    return 255 - pixels if look == "inverted" else pixels
