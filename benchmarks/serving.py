"""Predictions over HTTP: `growlearn api` beside `mlflow models serve` of the same model, same rows, one run.

A stream of handwritten digits is grown twice in a folder of its own. Closed-loop clients ask for one row each
on kept connections, both servers in turn, each figure the median of three rounds. Then 10,000 requests go on
while the champion is swapped three times, and at last the version before it answers along as its shadow.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import io
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from results import publish
from sklearn.datasets import load_digits

from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.serving.json_rows import parse_json_rows
from growlearn.serving.predictor import Predictor

JOB = """\
name: digits
source: {type: folder, url: incoming, min_file_age_s: 0}
schema:
  inputs:
    image: {type: image, shape: [1, 8, 8]}
  task: regime
model: {embed_dim: 32, num_heads: 4, patch_size: 2}
growth: {epochs: 8}
baseline_comparison: {baselines: [no_change]}
refine: {when: never}
"""
START_S = 120


@dataclass(frozen=True)
class Load:
    """What one way answered: requests a second, and their times in ms."""

    per_s: float
    median_ms: float
    p99_ms: float
    failed: int


def main() -> None:
    """Measure both and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, nargs="*", default=(1, 8, 32))
    parser.add_argument("--swap-requests", type=int, default=10_000)
    parser.add_argument("--keep", type=Path, help="folder that keeps the grown stream")
    parser.add_argument("--no-publish", action="store_true")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        grow(folder)
        forward_ms = measure_forward_ms(folder)
        ours, theirs = (stack.enter_context(serve(folder)) for serve in (serve_growlearn, serve_mlflow))
        table = ["| way | clients | requests a second | median ms | p99 ms | failed |"]
        table.append("| --- | --- | --- | --- | --- | --- |")
        table.append(
            f"| one row in this process, no HTTP | | {1e3 / forward_ms:.0f} | {forward_ms:.2f} | | |"
        )
        notes = compare(ours, theirs, options, table)
        swapped = swap(ours, options.swap_requests)
        with shadowed(ours):
            table.append(
                format_row(
                    "growlearn api, a shadow answers along",
                    8,
                    asyncio.run(drive(ours, 8, seconds=options.seconds)),
                )
            )
    text = (
        "One row of 8x8 pixels as PNG a request, one thread an answer, closed loop, medians of "
        f"{options.rounds} rounds of {options.seconds:g} s; requests a second "
        f"against MLflow's: {', '.join(notes)} clients; {swapped}"
    )
    if options.no_publish:
        print("\n".join([*table, text]))
    else:
        publish("serving", "Predictions over HTTP", table, text)


def compare(ours: Endpoint, theirs: Endpoint, options: argparse.Namespace, table: list[str]) -> list[str]:
    """Measure both in turn and add their lines to the table; how many times as many requests, in words."""
    notes = []
    for clients in options.clients:
        rounds = [
            [asyncio.run(drive(side, clients, seconds=options.seconds)) for side in (ours, theirs)]
            for _ in range(options.rounds)
        ]
        loads = [median_load(side) for side in zip(*rounds, strict=True)]
        for name, load in zip(("growlearn api", "mlflow models serve"), loads, strict=True):
            table.append(format_row(name, clients, load))
            print(table[-1], flush=True)
        notes.append(f"{loads[0].per_s / loads[1].per_s:.1f} times with {clients}")
    return notes


def median_load(loads: Sequence[Load]) -> Load:
    """The median of each figure, and the sum of those failed."""
    per_s, median_ms, p99_ms = (
        statistics.median(figures)
        for figures in zip(*((load.per_s, load.median_ms, load.p99_ms) for load in loads), strict=True)
    )
    return Load(per_s, median_ms, p99_ms, sum(load.failed for load in loads))


def format_row(name: str, clients: int, load: Load) -> str:
    """A line of the table."""
    cells = (name, clients, f"{load.per_s:.0f}", f"{load.median_ms:.2f}", f"{load.p99_ms:.2f}", load.failed)
    return f"| {' | '.join(map(str, cells))} |"


# The stream -------------------------------------------------------------------------------------------


def grow(folder: Path) -> None:
    """Two versions from two files, unless they are there."""
    if (folder / ".growlearn").exists():
        return
    (folder / "job.yaml").write_text(JOB)
    (folder / "incoming").mkdir(exist_ok=True)
    bunch = load_digits()
    for regime, labels in (("low", range(5)), ("high", range(5, 10))):
        rows = np.flatnonzero(np.isin(bunch.target, list(labels)))
        table = pa.table(
            {
                "image": pa.array([make_png(bunch.images[row]) for row in rows], pa.binary()),
                "label": bunch.target[rows],
                "regime": [regime] * len(rows),
            }
        )
        pq.write_table(table, folder / "incoming" / f"{regime}.parquet")
        call(folder, "run", "job.yaml")


def make_png(image: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> bytes:
    """Pixels of 0 to 16 as a PNG."""
    sink = io.BytesIO()
    Image.fromarray((image * 15.9375).astype(np.uint8)).save(sink, "PNG")
    return sink.getvalue()


def sample_image() -> str:
    """A digit in base64."""
    return base64.b64encode(make_png(load_digits().images[3])).decode()


def environment(folder: Path) -> dict[str, str]:
    """One thread, and no limit on the rate of requests."""
    return os.environ | {
        "GROWLEARN_API_REQUESTS_PER_S": "0",
        "GROWLEARN_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # mlflow calls uvicorn
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / '.growlearn' / 'mlflow.db'}",
    }


def call(folder: Path, *arguments: str) -> str:
    """Output of a growlearn command."""
    command = [str(Path(sys.executable).with_name("growlearn")), *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def measure_forward_ms(folder: Path) -> float:
    """Median time of one answer in this process, from validated rows on."""
    torch.set_num_threads(1)
    with open_db_store(f"sqlite:///{folder / '.growlearn' / 'growlearn.db'}") as store:
        manifest = store.versions("digits")[-1].manifest
    predictor = Predictor(manifest, FileArtifacts(folder / ".growlearn" / "artifacts").get)
    rows = parse_json_rows([{"image": sample_image()}], manifest).rows
    assert rows is not None
    times = []
    for _ in range(300):
        started = time.perf_counter()
        predictor.answer(rows)
        times.append(time.perf_counter() - started)
    return statistics.median(times[50:]) * 1e3


# The servers ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Endpoint:
    """Where a server answers, what it is asked, and its process."""

    port: int
    path: str
    body: bytes
    headers: dict[str, str]
    process: subprocess.Popen[bytes]

    def request(self) -> bytes:
        """The bytes of one request."""
        lines = [f"POST {self.path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
        lines += [f"Content-Length: {len(self.body)}", *(f"{k}: {v}" for k, v in self.headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


@contextlib.contextmanager
def serve_growlearn(folder: Path) -> Iterator[Endpoint]:
    """`growlearn api`."""
    key = call(folder, "keys", "create", "benchmark", "--role", "operator").splitlines()[-1]
    body = json.dumps({"rows": [{"image": sample_image()}]}).encode()
    command = [str(Path(sys.executable).with_name("growlearn")), "api", "--port", "8398"]
    headers = {"Authorization": f"Bearer {key}"}
    with started(folder, command) as process:
        yield wait(Endpoint(8398, "/api/v1/streams/digits/predict", body, headers, process))


@contextlib.contextmanager
def serve_mlflow(folder: Path) -> Iterator[Endpoint]:
    """`mlflow models serve`."""
    body = json.dumps({"dataframe_split": {"columns": ["image"], "data": [[sample_image()]]}}).encode()
    command = [str(Path(sys.executable).with_name("mlflow")), "models", "serve"]
    command += ["--model-uri", "models:/digits@champion", "--port", "8397", "--env-manager", "local"]
    with started(folder, command) as process:
        yield wait(Endpoint(8397, "/invocations", body, {}, process))


@contextlib.contextmanager
def started(folder: Path, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a session of its own, ended with all of its processes."""
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(folder), stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def wait(endpoint: Endpoint) -> Endpoint:
    """The same once it has answered."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            call_api(endpoint, endpoint.path, endpoint.body)
            return endpoint
        except OSError:
            assert time.monotonic() < deadline, f"nothing answers on port {endpoint.port}"
            time.sleep(0.5)


def call_api(endpoint: Endpoint, path: str, body: bytes | None, method: str = "POST") -> bytes:
    """The answer to one request; raises OSError where it is no success."""
    headers = {"Content-Type": "application/json", **endpoint.headers}
    request = urllib.request.Request(f"http://127.0.0.1:{endpoint.port}{path}", body, headers, method=method)
    with urllib.request.urlopen(request, timeout=START_S) as response:  # noqa: S310 - http alone
        content: bytes = response.read()
    return content


# The clients ------------------------------------------------------------------------------------------


async def drive(
    endpoint: Endpoint, clients: int, *, seconds: float = float("inf"), requests: float = float("inf")
) -> Load:
    """So many clients at once, each asking again as soon as it is answered."""
    times: list[float] = []
    failed, left, request = 0, requests, endpoint.request()
    begun = time.perf_counter()

    async def ask() -> None:
        nonlocal failed, left
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
        while left > 0 and time.perf_counter() - begun < seconds:
            left -= 1
            sent = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
            await reader.readexactly(int(length))
            times.append(time.perf_counter() - sent)
            failed += not head.startswith(b"HTTP/1.1 200")
        writer.close()

    await asyncio.gather(*(ask() for _ in range(clients)))
    elapsed = time.perf_counter() - begun
    milliseconds = np.array(times) * 1e3
    return Load(
        len(times) / elapsed, float(np.median(milliseconds)), float(np.quantile(milliseconds, 0.99)), failed
    )


@contextlib.contextmanager
def shadowed(endpoint: Endpoint) -> Iterator[None]:
    """Version 1 answers every request too, in the background."""
    path = "/api/v1/streams/digits/canary"
    call_api(endpoint, path, b'{"version": 1, "share_percent": 0}')
    yield
    call_api(endpoint, path, None, "DELETE")


def swap(endpoint: Endpoint, requests: int) -> str:
    """What came of requests that went on across three swaps of the champion, in words."""
    moves: tuple[tuple[str, Callable[[], bytes]], ...] = tuple(
        (name, partial(call_api, endpoint, f"/api/v1/streams/digits/{name}", body))
        for name, body in (("rollback", b"{}"), ("promote", b'{"version": 2}'), ("rollback", b"{}"))
    )
    memory = [read_memory_mb(endpoint.process.pid)]

    async def run() -> Load:
        load = asyncio.create_task(drive(endpoint, 8, requests=requests))
        for _, move in moves:
            await asyncio.sleep(1.0)
            await asyncio.to_thread(move)
        return await load

    load = asyncio.run(run())
    call_api(endpoint, "/api/v1/streams/digits/promote", b'{"version": 2}')
    memory.append(read_memory_mb(endpoint.process.pid))
    return (
        f"{requests} requests of 8 clients across three swaps of the champion: {load.failed} failed, p99 "
        f"{load.p99_ms:.1f} ms, memory of the process {memory[0]:.0f} MB before and {memory[1]:.0f} MB after"
    )


def read_memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
