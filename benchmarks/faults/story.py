"""A stream's life in single commands, each in a process of its own, and what must be the same after it.

The processes are forks of this one, which has imported everything: a fork starts in milliseconds, and can be
killed like any other. Training runs in the process itself, so that its files are points too.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import growlearn.adapters.memory.clock
import growlearn.app.mlflow_sync
from growlearn.adapters.db.columns import Json
from growlearn.adapters.db.tables import Base
from growlearn.adapters.engines.local import LocalEngine
from growlearn.adapters.memory.evaluator import NumpyEvaluator
from growlearn.adapters.mlflow.client import open_client
from growlearn.app.composition import build_ports
from growlearn.app.main import app
from growlearn.growth.environment import capture_environment
from growlearn.pipeline.context import Ports
from growlearn.ports import Store
from growlearn.registry.json_codec import InvalidJson, from_json
from growlearn.settings import Settings

STREAM = "blobs"
JOB = """\
name: blobs
source: {type: folder, url: incoming, min_file_age_s: 0}
schema:
  inputs:
    x: {type: number}
    y: {type: number}
model: {embed_dim: 8, num_heads: 2}
growth: {epochs: 2, batch_size: 64, learning_rate: 0.02, validation_fraction: 0.3}
baseline_comparison: {baselines: [no_change]}
drift: {alpha: 0.001}
refine: {min_rows: 100, when: every_window}
holdout: {fraction: 0.3}
"""


@dataclass(frozen=True)
class Chapter:
    """One command, and the file that arrives before it: whether its clouds are turned, its seed and rows.

    A chapter that does not deliver leaves its messages for MLflow to a later one, as in an outage. Of a long
    one that does again what one before it did, only every so manieth point is met.
    """

    name: str
    command: tuple[str, ...]
    turned: bool | None = None
    seed: int = 0
    rows: int = 240
    broken_rows: int = 0
    delivers: bool = False
    every: int = 1

    @property
    def is_decision(self) -> bool:
        """Whether a person decides: the same command again would be another decision, or none."""
        return self.command[0] in ("rollback", "promote")


_RUN = ("run", STREAM)
CHAPTERS = (
    Chapter("tables", ("db", "upgrade")),
    Chapter("new stream", ("apply", "blobs.yaml")),
    Chapter("first window", _RUN, turned=False, seed=1),
    Chapter("delivery of a version", _RUN, delivers=True),
    Chapter("stable window, broken rows", _RUN, turned=False, seed=2, rows=90, broken_rows=2),
    Chapter("drift window", _RUN, turned=True, seed=3),
    Chapter("refinement", _RUN, turned=True, seed=4, rows=800),
    Chapter("delivery of three windows", _RUN, delivers=True, every=4),
    Chapter("rollback", ("rollback", STREAM, "1"), delivers=True),
    Chapter("promotion", ("promote", STREAM, "2"), delivers=True),
)


def prepare_environment(folder: Path, database_url: str | None) -> None:
    """Let every command of this process and its forks work in the folder."""
    for name in [name for name in os.environ if name.startswith("GROWLEARN_")]:
        del os.environ[name]
    os.environ |= {
        "GROWLEARN_THREADS": "1",
        "GROWLEARN_LEASE_S": "30",
        "NO_COLOR": "1",
        "COLUMNS": "200",
        "TMPDIR": str(folder / "tmp"),
    }
    if database_url is not None:
        os.environ["GROWLEARN_DATABASE_URL"] = database_url


def make_place(folder: Path, *, delivers: bool = True) -> None:
    """A job file, an empty folder for data, and an empty MLflow store, whose tables take seconds to make."""
    (folder / "incoming").mkdir(parents=True)
    (folder / "tmp").mkdir()
    (folder / "blobs.yaml").write_text(JOB)
    home = folder / ".growlearn"
    home.mkdir(mode=0o700)

    def create_store() -> int:
        open_client(f"sqlite:///{home / 'mlflow.db'}")
        return 0

    if delivers:
        fork(create_store, folder, folder / "tmp" / "output.txt")


def list_chapters(until: str | None) -> tuple[Chapter, ...]:
    """The chapters up to one by its name; all where none is named."""
    names = [chapter.name for chapter in CHAPTERS]
    return CHAPTERS if until is None else CHAPTERS[: names.index(until) + 1]


def drop_file(folder: Path, chapter: Chapter, at: datetime | None = None) -> None:
    """The chapter's file, if it has one: two clouds of points, dated now or then."""
    if chapter.turned is None:
        return
    columns = make_clouds(chapter.seed, chapter.rows, turned=chapter.turned)
    columns["x"][: chapter.broken_rows] = np.inf
    part = folder / "part"
    pq.write_table(pa.table(columns), part)
    if at is not None:
        os.utime(part, (at.timestamp(), at.timestamp()))
    part.rename(folder / "incoming" / f"{chapter.seed}.parquet")


def make_clouds(seed: int, rows: int, *, turned: bool) -> dict[str, np.ndarray]:
    """Two clouds of points, one a class: columns x, y and label."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, rows)
    x = rng.normal(0, 1.0, rows) + 3 * label
    y = rng.normal(0, 1.0, rows)
    return {"x": y + 6 if turned else x, "y": x - 3 if turned else y, "label": label}


def call_command(command: Sequence[str]) -> int:
    """The exit code of a growlearn command, called in this process."""
    try:
        app(list(command), prog_name="growlearn")
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def import_everything(*, delivers: bool = True) -> None:
    """What commands import and compute once a process, so that every fork has it; MLflow where it is told."""
    left_out = ["_bundled", "avalanche", *([] if delivers else ["mlflow"])]
    for module in pkgutil.walk_packages(growlearn.__path__, "growlearn."):
        if not any(name in module.name for name in left_out):
            importlib.import_module(module.name)
    if delivers:
        importlib.import_module("growlearn.adapters.mlflow.preload").preload_delivery()
    capture_environment()
    for table in Base.metadata.sorted_tables:
        for kind in [column.type.kind for column in table.columns if isinstance(column.type, Json)]:
            with suppress(InvalidJson):
                from_json(b"", kind)


def call_chapter(chapter: Chapter) -> int:
    """The exit code of a chapter's command, called in this process."""
    if not chapter.delivers:
        growlearn.app.mlflow_sync.sync_mlflow = lambda *_: 0
    return call_command(chapter.command)


def train_in_this_process() -> None:
    """Train where it is asked for, and count without Avalanche: the product's own ways import for seconds."""

    def build(settings: Settings, store: Store) -> Ports:
        ports = build_ports(settings, store)
        engine = LocalEngine(ports.artifacts, settings.scratch)
        return replace(ports, engine=engine, evaluator=NumpyEvaluator(ports.models))

    patch("growlearn.app.run_until_idle.build_ports", build).start()


def shift_clock(seconds: float) -> None:
    """Move the time of this process's growlearn."""

    class ShiftedClock:
        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(seconds=seconds)

    growlearn.adapters.memory.clock.SystemClock = ShiftedClock  # type: ignore[assignment, misc]


def fork(work: Callable[[], int], folder: Path, output: Path) -> int:
    """Run work in a child that works in the folder; its exit status, negative for a signal.

    What the child writes goes to `output`.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 99
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        os.chdir(folder)
        train_in_this_process()
        code = work()
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
