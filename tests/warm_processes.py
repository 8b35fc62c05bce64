"""Processes of growlearn that start with their imports done: forked from one that has done nothing else.

A process pays 4 to 12 s of CPU time for torch, MLflow and Avalanche, more than most of its work here. Linux
alone has what this needs; elsewhere, and where `TESTS_COLD` is set, processes start as usual, and where it is
"training" those do that train: they are children of who started them then.

The server is `python -P tests/warm_processes.py SOCKET PID`; whoever wants the first process starts it, and
it ends with the process PID, which runs the tests. A request is a line of JSON with the three standard
streams beside it; the answers are a line with the number of the child, and one with its status.
`python tests/warm_processes.py growlearn ARGUMENTS` is the command as a shell calls it.
"""

from __future__ import annotations

import array
import atexit
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from io import TextIOWrapper
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

TRAINING = "growlearn.app.training_process"
GROWLEARN = "growlearn"
_FOLDER_VARIABLE = "TESTS_WARM_PROCESSES"
_COLD_VARIABLE = "TESTS_COLD"
_START_S = 300.0
_EMPTY_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c6360000000020001"
    "48afa4710000000049454e44ae426082"
)

Request = dict[str, Any]


def prepare_folder() -> None:
    """Where the processes that run the tests, and all that they start, find their one server."""
    if _FOLDER_VARIABLE not in os.environ and hasattr(os, "pidfd_open"):
        folder = Path(tempfile.mkdtemp(prefix="warm-"))  # a short path: it holds a socket
        os.environ[_FOLDER_VARIABLE] = f"{folder}:{os.getpid()}"
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        program = folder / "bin" / GROWLEARN
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -P "{__file__}" {GROWLEARN} "$@"\n')
        program.chmod(0o755)


def make_path(environment: Mapping[str, str], *folders: Path) -> str:
    """The `PATH` of a shell, whose `growlearn` is forked too, with these folders and this Python's own."""
    folders = (Path(sys.executable).parent, *folders)
    if _FOLDER_VARIABLE in environment:
        folders = (Path(environment[_FOLDER_VARIABLE].rpartition(":")[0], "bin"), *folders)
    return os.pathsep.join([*map(str, folders), environment.get("PATH", "")])


def train_warm() -> None:
    """Trainings that this process starts from now on are forked."""
    from growlearn.adapters.engines import subprocess_engine  # noqa: PLC0415 - the server sets the path first

    def start(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        is_training = list(command[1:3]) == ["-m", TRAINING]
        return start_process(command[2:], **options) if is_training else subprocess.Popen(command, **options)

    vars(subprocess_engine)["subprocess"] = SimpleNamespace(Popen=start, PIPE=subprocess.PIPE)


def import_torchvision_once() -> None:
    """`growlearn doctor` tries the import in a new process, which takes seconds: tests share one a path."""
    from growlearn.app.doctor import torchvision  # noqa: PLC0415 - as above

    def run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        folder = os.environ.get(_FOLDER_VARIABLE, "").rpartition(":")[0]
        key = sha256(repr([command, os.environ.get("PYTHONPATH")]).encode()).hexdigest()
        kept = Path(folder, f"torchvision-{key}.json")
        if not folder or not kept.exists():
            done = subprocess.run(command, **options)  # noqa: PLW1510 - the options say it
            if not folder:
                return done
            part = kept.with_suffix(f".{os.getpid()}")
            part.write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
            part.replace(kept)
        return subprocess.CompletedProcess(command, *json.loads(kept.read_text()))

    vars(torchvision)["subprocess"] = SimpleNamespace(run=run)


def draw_nothing() -> None:
    """MLflow gets an empty picture for each plot, which takes 0.1 s of CPU time.

    The tests of the plots take them from their own modules, and draw them.
    """
    from growlearn.adapters.mlflow import evaluation, files  # noqa: PLC0415 - the server sets the path first

    for module in (evaluation, files):
        for name in list(vars(module)):
            if name.startswith("plot_"):
                vars(module)[name] = lambda *_: _EMPTY_PNG


def start_process(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """`growlearn`, the training process or a script, and its arguments; the options are those of `Popen`."""
    environment = options.get("env") or os.environ
    cold = environment.get(_COLD_VARIABLE)
    is_cold = command[0] == TRAINING if cold == "training" else cold is not None
    if _FOLDER_VARIABLE in environment and not is_cold:
        return _WarmProcess(command, **options)
    if command[0] == GROWLEARN:
        program = [str(Path(sys.executable).with_name(GROWLEARN))]
    else:
        program = [sys.executable, *(["-m"] if command[0] == TRAINING else []), command[0]]
    return subprocess.Popen([*program, *command[1:]], **options)


class _WarmProcess(subprocess.Popen[Any]):
    """A process whose parent is the server, which tells how it ended."""

    _connection: socket.socket

    def _execute_child(self, command: Sequence[str], *options: Any) -> None:
        _, _, _, _, folder, environment, _, _, _, stdin, _, _, stdout, _, stderr, *rest = options
        environment = dict(os.environ if environment is None else environment)
        request = {
            "command": list(command),
            "folder": str(folder or Path.cwd()),
            "environment": environment,
            "new_session": rest[5],
        }
        streams = [own if number == -1 else number for own, number in enumerate((stdin, stdout, stderr))]
        try:
            self._connection = _connect(environment[_FOLDER_VARIABLE])
            socket.send_fds(self._connection, [json.dumps(request).encode() + b"\n"], streams)
            self.pid = _read_number(self._connection)
            self._child_created = True
        finally:
            self._close_pipe_fds(*options[9:15])  # type: ignore[attr-defined]

    def _try_wait(self, flags: int) -> tuple[int, int]:
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            if not selector.select(0 if flags & os.WNOHANG else None):
                return 0, 0
        status = _read_number(self._connection)
        self._connection.close()
        return self.pid, status

    def _internal_poll(self, **_: Any) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode


def _read_number(connection: socket.socket) -> int:
    answer = b""
    while not answer.endswith(b"\n"):
        part = connection.recv(1)
        if not part:
            raise RuntimeError("the server of warm processes has ended; see its log")
        answer += part
    return int(answer)


def _connect(place: str) -> socket.socket:
    """A connection to the server, which is started where it does not run."""
    folder, _, owner = place.rpartition(":")
    path = f"{folder}/socket"
    with open(f"{folder}/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            _start_server(folder, path, owner)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return connection


def _start_server(folder: str, path: str, owner: str) -> None:
    with open(f"{folder}/log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-P", __file__, path, owner],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            cwd=folder,
            start_new_session=True,
        )
    until = time.monotonic() + _START_S
    while not os.path.exists(path):
        if server.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"no server of warm processes: {Path(folder, 'log').read_text()}")
        time.sleep(0.05)
    server.returncode = 0  # it outlives whoever started it


class _Server:
    """Forks at each request, and tells who asked how the child has ended."""

    def __init__(self, path: str, owner: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{path}.new")
        self._listener.listen(64)
        self._children: dict[int, tuple[int, socket.socket]] = {}
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(os.pidfd_open(owner), selectors.EVENT_READ)
        os.rename(f"{path}.new", path)

    def serve(self) -> tuple[Request, list[int]]:
        """Serve for ever; returns in the children alone, with what each has to be."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    connection, _ = self._listener.accept()
                    request, streams = _receive(connection)
                    if self._fork(connection, streams) == 0:
                        return json.loads(request), streams
                elif key.fd in self._children:
                    self._report(key.fd)
                else:
                    os._exit(0)

    def _fork(self, connection: socket.socket, streams: list[int]) -> int:
        pid = os.fork()
        if pid == 0:  # nobody's connection may stay open in a child
            self._selector.close()
            self._listener.close()
            connection.close()
            for handle, (_, other) in self._children.items():
                os.close(handle)
                other.close()
            return pid
        for stream in streams:
            os.close(stream)
        handle = os.pidfd_open(pid)
        self._children[handle] = pid, connection
        self._selector.register(handle, selectors.EVENT_READ)
        _tell(connection, pid)
        return pid

    def _report(self, handle: int) -> None:
        pid, connection = self._children.pop(handle)
        self._selector.unregister(handle)
        os.close(handle)
        _tell(connection, os.waitpid(pid, 0)[1])
        connection.close()


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    content, streams = b"", array.array("i")
    while not content.endswith(b"\n"):
        part, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(3 * streams.itemsize))
        content += part
        for _, _, numbers in ancillary:
            streams.frombytes(numbers)
    return content, list(streams)


def _tell(connection: socket.socket, number: int) -> None:
    with suppress(OSError):  # who asked may have gone
        connection.sendall(b"%d\n" % number)


def _become(request: Request, streams: Sequence[int]) -> int:
    """Be the requested process; returns its exit status."""
    if request["new_session"]:
        os.setsid()
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    flushes = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin, sys.stdout, sys.stderr = _open(0, "r"), _open(1, "w", flushes), _open(2, "w", True)
    name, *arguments = request["command"]
    sys.argv = [name, *arguments]
    train_warm()
    import_torchvision_once()
    draw_nothing()
    if name == TRAINING:
        from growlearn.app.training_process import run_training_process  # noqa: PLC0415 - imported by then

        return run_training_process(arguments)
    if name != GROWLEARN:
        sys.path.insert(0, str(Path(name).parent))  # as Python does
        runpy.run_path(name, run_name="__main__")
        return 0
    from growlearn.app.main import main  # noqa: PLC0415 - as above

    main()
    return 0


def _end_as(work: Callable[..., int], *arguments: Any) -> None:
    """End as Python does after such work, but leave all modules where they are: to clear them takes 3 s."""
    try:
        code = work(*arguments)
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        code = end.code or 0
    threading._shutdown()  # type: ignore[attr-defined]  # waits for the threads
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _open(number: int, mode: str, flushes: bool = False) -> TextIO:
    errors = "backslashreplace" if number == 2 else "strict"
    encoding = os.environ.get("PYTHONIOENCODING") or "utf-8"
    stream = open(number, mode, encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115 - it stays
    assert isinstance(stream, TextIOWrapper)
    stream.reconfigure(write_through=flushes)
    return stream


def _import_everything() -> None:
    """All modules that a process may want later, but for Ray's."""
    import growlearn  # noqa: PLC0415 - tests import this file without it
    from growlearn.app.composition import _import_evaluation_and_delivery  # noqa: PLC0415 - as above

    for module in pkgutil.walk_packages(growlearn.__path__, "growlearn."):
        if "ray" not in module.name and "_bundled" not in module.name:
            importlib.import_module(module.name)
    _import_evaluation_and_delivery()


if __name__ == "__main__":
    if sys.argv[1] == GROWLEARN:
        sys.exit(start_process(sys.argv[1:]).wait())
    _import_everything()
    gc.freeze()  # children leave it as it is, and share its pages
    _end_as(_become, *_Server(sys.argv[1], int(sys.argv[2])).serve())
