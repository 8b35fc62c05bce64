"""The training process: `python -m growlearn.app.training_process` and its arguments.

They are SCRATCH THREADS DEVICE. It reads two lines from stdin: the addresses of the artifacts, then the
plans. What the first address lacks is read from the second, where there is one, which is never written to.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from growlearn.adapters.engines.scratch import ScratchUser
from growlearn.adapters.engines.subprocess_engine import run_child
from growlearn.app.file_modes import PRIVATE_UMASK
from growlearn.app.garbage import collect_rarely
from growlearn.app.log_lines import LOG_FORMAT_VARIABLE, write_json_lines, writes_json
from growlearn.ports import Engine


def build_training_command(scratch: Path, threads: int, device: str) -> list[str]:
    """The command that starts this process."""
    return [sys.executable, "-m", "growlearn.app.training_process", str(scratch), str(threads), device]


def build_training_environment(threads: int) -> dict[str, str]:
    """Its environment variables, which libraries read when they are loaded.

    Threads that spin while they wait starve others on shared cores. What Apple's GPU cannot do, the CPU does.
    """
    log_format = {LOG_FORMAT_VARIABLE: "json"} if writes_json() else {}
    return {
        **log_format,
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTORCH_ENABLE_MPS_FALLBACK": "1",
    }


def build_training_engine(
    addresses: Sequence[str], scratch: Path, threads: int, device: str, user: ScratchUser
) -> Engine:
    """The engine of a process that trains alone, with the artifacts at these addresses."""
    import torch

    from growlearn.adapters.engines.local import LocalEngine
    from growlearn.adapters.files.artifacts import FileArtifacts
    from growlearn.adapters.memory.overlay import OverlayArtifacts
    from growlearn.app.composition import ENCODED_FOLDER
    from growlearn.network.encoders.cache import keep_features_in

    torch.set_num_threads(threads)
    keep_features_in(scratch / ENCODED_FOLDER)
    artifacts, *fallback = map(FileArtifacts, addresses)
    stores = OverlayArtifacts(artifacts, fallback[0]) if fallback else artifacts
    return LocalEngine(stores, scratch, device, user)


def run_training_process(arguments: list[str]) -> int:
    """Train one plan; returns the exit status."""
    scratch, threads, device = arguments
    started_s = time.time()
    output, addresses = open_child()
    return run_child(
        lambda claim: build_training_engine(
            addresses, Path(scratch), int(threads), device, ScratchUser(claim, started_s)
        ),
        sys.stdin.buffer,
        output,
    )


def open_child() -> tuple[IO[bytes], list[str]]:
    """Where this process, a child of a worker, writes messages, and the addresses of the artifacts.

    Its umask and its signals are set.
    """
    collect_rarely()
    os.umask(PRIVATE_UMASK)
    if os.environ.get(LOG_FORMAT_VARIABLE) == "json":
        write_json_lines()
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # keeps a library's prints out of the lines that the parent reads
    # Ctrl-C reaches every process of a terminal, and a service manager's SIGTERM every process of a service.
    # The parent decides when this process ends; it also ends by itself when the parent has exited.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    addresses: list[str] = json.loads(sys.stdin.buffer.readline())
    return output, addresses


if __name__ == "__main__":
    sys.exit(run_training_process(sys.argv[1:]))
