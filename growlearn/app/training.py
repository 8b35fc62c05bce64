"""The training process: `python -m growlearn.app.training ARTIFACTS SCRATCH THREADS [BELOW]`, plan on stdin.

What is not in ARTIFACTS is read from BELOW, where that is given, which is never written to.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from growlearn.adapters.engines.child import serve_parent
from growlearn.ports import Engine


def command(artifacts_url: str, scratch: Path, threads: int, below_url: str | None = None) -> list[str]:
    """What starts this process."""
    below = [] if below_url is None else [below_url]
    return [sys.executable, "-m", "growlearn.app.training", artifacts_url, str(scratch), str(threads), *below]


def environment(threads: int) -> dict[str, str]:
    """What is set for it; threads that spin while they wait starve each other where the cores are shared."""
    return {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}


def _engine(artifacts_url: str, scratch: Path, threads: int, below_url: str | None) -> Engine:
    import torch

    from growlearn.adapters.engines.local import LocalEngine
    from growlearn.adapters.files.artifacts import FileArtifacts
    from growlearn.adapters.memory.overlay import Overlay

    torch.set_num_threads(threads)
    artifacts = FileArtifacts(artifacts_url)
    return LocalEngine(
        artifacts if below_url is None else Overlay(artifacts, FileArtifacts(below_url)), scratch
    )


def main(arguments: list[str]) -> int:
    """Train one plan; returns the exit status."""
    artifacts_url, scratch, threads, *below = arguments
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between the lines the parent reads
    # Ctrl-C reaches every process of a terminal, and a service manager's SIGTERM every one of a service;
    # the parent decides what becomes of this one, which ends by itself when the parent is gone.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    return serve_parent(
        lambda: _engine(artifacts_url, Path(scratch), int(threads), next(iter(below), None)),
        sys.stdin.buffer,
        answers,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
