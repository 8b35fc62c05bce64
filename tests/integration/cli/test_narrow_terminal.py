"""The listings on a real terminal of 40 columns."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def run_on_terminal(folder: Path, environment: dict[str, str], columns: int, *arguments: str) -> str:
    """What a terminal of that width shows, without its control sequences."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [str(Path(sys.executable).with_name("growlearn")), *arguments]
    environment = {key: value for key, value in environment.items() if key != "COLUMNS"} | {"TERM": "xterm"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=terminal, stdout=terminal, stderr=terminal
    ) as process:
        os.close(terminal)
        chunks = []
        while True:
            try:
                chunk = os.read(controller, 65536)
            except OSError:  # the process has closed its end
                break
            if not chunk:
                break
            chunks.append(chunk)
    os.close(controller)
    assert process.returncode == 0
    return _STYLE.sub("", b"".join(chunks).decode()).replace("\r\n", "\n")


@pytest.mark.parametrize("command", ["status", "windows blobs", "versions blobs", "matrix blobs"])
def test_no_word_is_torn_and_no_line_is_too_long(grown: Any, command: str) -> None:
    arguments = command.split()
    narrow = run_on_terminal(grown.place.folder, grown.place.environment, 40, *arguments)
    wide = run_on_terminal(grown.place.folder, grown.place.environment, 250, *arguments)
    assert max(map(len, narrow.splitlines())) <= 40
    shown = set(narrow.replace(":", " ").split())
    words = {word for word in wide.replace(":", " ").split() if word.isalnum()}
    assert words - shown <= {"after", "growing"}
