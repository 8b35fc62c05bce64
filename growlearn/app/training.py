"""The training process: `python -m growlearn.app.training ARTIFACTS SCRATCH THREADS`, plan on stdin."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from growlearn.adapters.engines.child import serve_parent
from growlearn.ports import Engine


def command(artifacts_url: str, scratch: Path, threads: int) -> list[str]:
    """What starts this process."""
    return [sys.executable, "-m", "growlearn.app.training", artifacts_url, str(scratch), str(threads)]


def _engine(artifacts_url: str, scratch: Path, threads: int) -> Engine:
    import torch

    from growlearn.adapters.engines.local import LocalEngine
    from growlearn.adapters.files.artifacts import FileArtifacts

    torch.set_num_threads(threads)
    return LocalEngine(FileArtifacts(artifacts_url), scratch)


def main(arguments: list[str]) -> int:
    """Train one plan; returns the exit status."""
    artifacts_url, scratch, threads = arguments
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between the lines the parent reads
    # Ctrl-C reaches every process of a terminal, and a service manager's SIGTERM every one of a service;
    # the parent decides what becomes of this one, which ends by itself when the parent is gone.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    return serve_parent(
        lambda: _engine(artifacts_url, Path(scratch), int(threads)), sys.stdin.buffer, answers
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
