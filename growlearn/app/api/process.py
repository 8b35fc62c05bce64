"""The API as a child of `growlearn up`: `python -m growlearn.app.api.process`.

It ends when its stdin does: its parent is gone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from growlearn.app.cli.output import FAILED, echo_error
from growlearn.domain.errors import GrowLearnError

_STOP_S = 30


@contextmanager
def run_api_process() -> Iterator[None]:
    """Run the API beside this process; where it cannot start, it says so and this process goes on."""
    command = [sys.executable, "-m", "growlearn.app.api.process"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 - fixed arguments
    stopping = threading.Event()
    threading.Thread(target=_report_end, args=(child, stopping), daemon=True).start()
    try:
        yield
    finally:
        stopping.set()
        child.terminate()
        try:
            child.communicate(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()


def _report_end(child: subprocess.Popen[bytes], stopping: threading.Event) -> None:
    """Say that the API has ended where nobody asked for it: the rest goes on without it."""
    status = child.wait()
    if not stopping.is_set():
        echo_error(
            f"error: the HTTP API has ended with status {status}; restart growlearn up to have it back"
        )


def _stop_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):  # not sys.stdin.read(), whose lock others would wait for
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    """Serve until SIGTERM, SIGINT or the end of stdin; returns the exit code."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    from growlearn.app.api.server import serve
    from growlearn.app.current_settings import load_settings

    settings = load_settings()
    try:
        serve(settings, settings.api_host, settings.api_port, with_link=True)
    except GrowLearnError as error:
        echo_error(f"error: {error}")
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
