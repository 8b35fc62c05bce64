"""The service's own time for a window, and the memory of the process, over hundreds of windows.

One worker handles one stream on PostgreSQL, with an MLflow server on PostgreSQL beside it: a file is
dropped, ingested, judged, recorded and delivered, again and again. After the first, which trains, each window
is stable, so that all time is the service's own. Stated are medians early and late, and the slopes of time
and of resident memory over the second half, when imports and caches are done.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from results import publish
from servers import mlflow_server, postgres

from growlearn.adapters.db.migrate import upgrade_database
from growlearn.app.composition import build_ports, open_store, system_clock
from growlearn.app.garbage import exempt_imports
from growlearn.app.jobfile import read_job
from growlearn.app.mlflow_sync import deliver_stream
from growlearn.app.outages import Outages
from growlearn.pipeline.run import run_stream
from growlearn.ports import Store
from growlearn.settings import read_settings

NAME = "steady"
ROWS = 200
_JOB = f"""\
name: {NAME}
source: {{type: folder, url: incoming, min_file_age_s: 0}}
schema:
  inputs: {{a: {{type: number}}, b: {{type: number}}, c: {{type: number}}, d: {{type: number}}}}
growth: {{epochs: 1}}
refine: {{when: never}}
"""


@dataclass(frozen=True)
class Sample:
    """One window: seconds by the clock and of this process's CPU, and resident memory after it."""

    wall_s: float
    cpu_s: float
    resident_mb: float


def main() -> None:
    """Run the windows and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=500)
    parser.add_argument("--sqlite", action="store_true", help="SQLite for both, and no MLflow server")
    parser.add_argument("--trace", action="store_true", help="print what took memory in the second half")
    parser.add_argument("--no-table", action="store_true", help="print only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        environment = {"GROWLEARN_HOME": str(folder / "home"), "GROWLEARN_THREADS": "1"}
        if options.sqlite:
            samples = measure(folder, environment, options.windows, trace=options.trace)
        else:
            with (
                postgres("growlearn", "mlflow") as urls,
                mlflow_server(urls["mlflow"].replace("+psycopg", ""), folder) as uri,
            ):
                environment |= {
                    "GROWLEARN_DATABASE_URL": urls["growlearn"],
                    "GROWLEARN_MLFLOW_TRACKING_URI": uri,
                }
                samples = measure(folder, environment, options.windows, trace=options.trace)
    lines = make_table(samples)
    print("\n".join(lines))
    if not options.no_table:
        publish(
            "service_time",
            f"The service's own time for a window, over {options.windows} windows",
            lines,
            f"Windows of {ROWS} rows, one worker, PostgreSQL and an MLflow server on this machine; the core "
            "was shared with other work, so CPU time is the steadier figure",
        )


def measure(folder: Path, environment: dict[str, str], windows: int, *, trace: bool) -> list[Sample]:
    """A sample a window, the first one, which trains, left out."""
    (folder / "incoming").mkdir()
    (folder / "job.yaml").write_text(_JOB)
    settings = read_settings(environment, folder)
    upgrade_database(settings.database_url)
    store = open_store(settings)
    store.apply(read_job(folder / "job.yaml", folder), system_clock().now())
    ports = build_ports(settings, store)
    outages = Outages(system_clock(), print, print)
    rng, samples, before = np.random.default_rng(0), [], None
    for number in range(windows + 1):
        pq.write_table(make_rows(rng), folder / "incoming" / f"{number:05}.parquet")
        started, cpu = time.perf_counter(), time.process_time()
        run_stream(NAME, ports, lambda _: None)
        deliver_stream(settings, store, NAME, lambda _: None, outages)  # as a worker does
        if number == 1:  # so too
            exempt_imports()
        sample = Sample(time.perf_counter() - started, time.process_time() - cpu, resident_mb())
        if number:
            samples.append(sample)
        if number % 25 == 0:
            print(number, sample, flush=True)
        if trace and number == windows // 2:
            tracemalloc.start(12)
            before = tracemalloc.take_snapshot()
    check(store, windows)
    if before is not None:
        print_growth(before)
    return samples


def make_rows(rng: np.random.Generator) -> pa.Table:
    """Two classes that a line separates, always the same."""
    x = rng.normal(0, 1, (ROWS, 4))
    labels = (x[:, 0] + x[:, 1] + rng.normal(0, 0.5, ROWS) > 0).astype(np.int64)
    return pa.table({name: x[:, place] for place, name in enumerate("abcd")} | {"label": labels})


def check(store: Store, windows: int) -> None:
    """Nothing was lost, and all was delivered."""
    assert len(store.windows(NAME)) == windows + 1
    assert not store.outbox.pending(NAME)


def resident_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def print_growth(before: tracemalloc.Snapshot) -> None:
    """Where Python objects that are alive now, and were not half the windows ago, were made."""
    gc.collect()
    for statistic in tracemalloc.take_snapshot().compare_to(before, "traceback")[:8]:
        print(statistic)
        print("\n".join(statistic.traceback.format()[-8:]))


def make_table(samples: Sequence[Sample]) -> list[str]:
    """Medians early and late, and slopes over the second half."""
    half = samples[len(samples) // 2 :]
    memory = np.polyfit(range(len(half)), [sample.resident_mb for sample in half], 1)[0]
    lines = ["| windows | seconds | CPU seconds | resident MB |", "| --- | --- | --- | --- |"]
    for start in (0, 10, len(samples) // 2, len(samples) - 20):
        part = samples[start : start + 20]
        medians = [
            statistics.median(getattr(sample, name) for sample in part)
            for name in ("wall_s", "cpu_s", "resident_mb")
        ]
        figures = f"{medians[0]:.2f} | {medians[1]:.2f} | {medians[2]:.0f}"
        lines.append(f"| {start + 2} to {start + 1 + len(part)} | {figures} |")
    cpu = np.polyfit(range(len(half)), [sample.cpu_s for sample in half], 1)[0]
    lines.append(
        f"| a thousand more, by the slope of the second half | | {1000 * cpu:+.2f} | {1000 * memory:+.0f} |"
    )
    return lines


if __name__ == "__main__":
    main()
