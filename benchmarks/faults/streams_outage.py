"""Many streams whose MLflow server is away from their first to their last window, and is started then.

Real processes: `growlearn scheduler` and `growlearn worker`, several of each, on PostgreSQL. Windows are
ingested, trained on, judged and promoted, and workers are killed (SIGKILL) and started again. Once
all windows have ended the server starts. In the end it must hold one run for each window, in order, and
each version once, with the record's aliases.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

import pyarrow as pa
import pyarrow.parquet as pq
from mlflow import MlflowClient
from results import publish
from servers import find_free_port, mlflow_server, postgres
from story import make_clouds

from growlearn.adapters.db.migrate import upgrade_database
from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.memory.clock import SystemClock
from growlearn.app.jobfile import read_job
from growlearn.domain.window import PENDING
from growlearn.ports import Store

_JOB = """\
name: {name}
source: {{type: folder, url: {folder}, min_file_age_s: 0}}
schema: {{inputs: {{x: {{type: number}}, y: {{type: number}}}}}}
schedule: {{every: 5s}}
growth: {{epochs: 1}}
refine: {{when: never}}
baseline_comparison: {{baselines: [no_change]}}
"""
_ROWS = 200


@dataclass
class Service:
    """The processes of an installation, and how often one was killed."""

    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    kills: int = 0

    def start(self, name: str) -> None:
        """Start a process by its name, such as worker-2."""
        command = [str(Path(sys.executable).with_name("growlearn")), name.partition("-")[0]]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)

    def restart(self, name: str) -> None:
        """Kill a process, which tells nobody, and start it again."""
        self.processes[name].kill()
        self.processes[name].wait()
        self.start(name)
        self.kills += 1

    def stop(self) -> None:
        """End every process."""
        for process in self.processes.values():
            process.kill()
            process.wait()


def main() -> None:
    """Run without the server, start it, check what it holds, and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--windows", type=int, default=50, help="of each stream")
    parser.add_argument("--schedulers", type=int, default=3)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kill-s", type=float, default=20.0, help="from one kill of a worker to the next")
    parser.add_argument("--limit-s", type=float, default=3000.0, help="of each part")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="outage-") as scratch, postgres("growlearn", "mlflow") as urls:
        folder, port = Path(scratch), find_free_port()
        (folder / "server").mkdir()
        os.environ |= {
            "GROWLEARN_HOME": str(folder / "home"),
            "GROWLEARN_DATABASE_URL": urls["growlearn"],
            "GROWLEARN_MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}",
            "GROWLEARN_THREADS": "1",
            "GROWLEARN_LEASE_S": "10",
        }
        upgrade_database(urls["growlearn"])
        with open_db_store(urls["growlearn"]) as store:
            names = add_streams(store, folder, options.streams, options.windows)
            lines, kills, violations = live(store, names, folder, urls["mlflow"], port, options)
    publish(
        "streams_outage",
        "Many streams beside an MLflow server that is started after their last window",
        [
            "| the server | seconds | windows | messages that wait | runs | versions | violations |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *lines,
        ],
        f"{options.streams} streams of {options.windows} windows of {_ROWS} rows; the first and a turned "
        f"one are trained on; {options.schedulers} schedulers and {options.workers} workers; {kills} "
        "times a worker was killed while the server was away and while it was told",
        f"faults/streams_outage.py {' '.join(sys.argv[1:])}".strip(),
    )
    for violation in violations:
        print(violation)
    sys.exit(bool(violations))


def live(
    store: Store, names: list[str], folder: Path, backend: str, port: int, options: argparse.Namespace
) -> tuple[list[str], int, list[str]]:
    """Rows of the table, the number of kills, and all that is not as it must be."""
    service, random_ = Service(folder), random.Random(options.seed)  # noqa: S311 - no secret
    for kind, count in (("scheduler", options.schedulers), ("worker", options.workers)):
        for number in range(count):
            service.start(f"{kind}-{number}")

    def wait(is_done: Callable[[], bool]) -> float:
        """Seconds until then, while a worker is killed now and again."""
        started_s = time.monotonic()
        next_kill_s = started_s + options.kill_s
        while not is_done() and time.monotonic() - started_s < options.limit_s:
            if options.kill_s and time.monotonic() > next_kill_s:
                service.restart(f"worker-{random_.randrange(options.workers)}")
                next_kill_s = time.monotonic() + options.kill_s
            time.sleep(1.0)
        return time.monotonic() - started_s

    try:
        away_s = wait(lambda: all(has_ended(store, name, options.windows) for name in names))
        num_windows = sum(len(store.windows(name)) for name in names)
        waiting = len(store.outbox.pending(limit=10**6))
        with mlflow_server(backend.replace("+psycopg", ""), folder / "server", port) as uri:
            told_s = wait(lambda: not store.outbox.pending(limit=1))
            client = MlflowClient(uri)
            runs, num_versions = find_runs(client), len(client.search_model_versions())
            violations = [
                text for name in names for text in check(store, client, runs, name, options.windows)
            ]
    finally:
        service.stop()
    held = f"{len(runs):,} | {num_versions} | {len(violations)}"
    lines = [
        f"| is away | {away_s:.0f} | {num_windows:,} | {waiting:,} | 0 | 0 | |",
        f"| is told | {told_s:.0f} | {num_windows:,} | 0 | {held} |",
    ]
    return lines, service.kills, violations


def add_streams(store: Store, folder: Path, num_streams: int, num_windows: int) -> list[str]:
    """Streams with a file for each window, of two clouds of points, which are turned in the middle one."""
    names = [f"stream-{number:02}" for number in range(num_streams)]
    for place, name in enumerate(names):
        data = folder / "data" / name
        data.mkdir(parents=True)
        for number in range(num_windows):
            file = data / f"{number:03}.parquet"
            columns = make_clouds(1000 * place + number, _ROWS, turned=number == num_windows // 2)
            pq.write_table(pa.table(columns), file)
            os.utime(file, (1_700_000_000 + number, 1_700_000_000 + number))  # files come in this order
        job = folder / f"{name}.yaml"
        job.write_text(_JOB.format(name=name, folder=data))
        store.apply(read_job(job, folder), SystemClock().now())
    return names


def has_ended(store: Store, name: str, num_windows: int) -> bool:
    """Whether all windows of a stream are there and none is left to be handled."""
    windows = store.windows(name)
    return len(windows) == num_windows and not any(window.state in PENDING for window in windows)


def check(store: Store, client: MlflowClient, runs: list[Any], name: str, num_windows: int) -> Iterator[str]:
    """A sentence for everything of a stream that the server does not hold as the record has it."""
    expected = [f"w{number}" for number in range(1, num_windows + 1)]
    windows = store.windows(name)
    if [window.id for window in windows] != expected:
        yield f"{name}: windows are {[window.id for window in windows]}"
    if pending := [window.id for window in windows if window.state in PENDING]:
        yield f"{name}: not ended: {pending}"
    runs = [run for run in runs if run.data.tags.get("growlearn.stream") == name]
    told = [run.data.tags.get("growlearn.window") for run in runs]
    if told != expected:
        yield f"{name}: runs are {told}"
    if states := Counter(run.info.status for run in runs) - Counter({"FINISHED": num_windows}):
        yield f"{name}: runs are {states}"
    versions = sorted(client.search_model_versions(f"name = '{name}'"), key=lambda each: int(each.version))
    numbers = [int(each.tags["growlearn.version"]) for each in versions]
    if numbers != [version.number for version in store.versions(name)]:
        yield f"{name}: versions are {numbers}, of the record {len(store.versions(name))}"
    champion = client.get_model_version_by_alias(name, "champion").tags["growlearn.version"]
    if champion != str(store.stream(name).champion):
        yield f"{name}: the champion is {champion}, of the record {store.stream(name).champion}"


def find_runs(client: MlflowClient) -> list[Any]:
    """All runs of all streams, by their start."""
    experiments = [each.experiment_id for each in client.search_experiments()]
    runs = client.search_runs(experiments, max_results=50_000)
    return sorted(runs, key=lambda run: run.info.start_time)


if __name__ == "__main__":
    main()
