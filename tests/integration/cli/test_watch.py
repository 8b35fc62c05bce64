"""status --watch on a real terminal, completion in a shell, and a terminal that wants no colours."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from tests.integration.cli.conftest import Place

GROWLEARN = Path(sys.executable).with_name("growlearn")


def watch(place: Place, stop_at: str, **variables: str) -> bytes:
    """What a terminal shows of `status --watch` until it shows this and gets Ctrl-C."""
    controller, terminal = pty.openpty()
    environment = {**place.environment, "TERM": "xterm-256color", **variables}
    environment = {key: value for key, value in environment.items() if value}
    shown = b""
    # Tests that run in the background ignore SIGINT, and the process would too; a handler is not handed on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [GROWLEARN, "status", "--watch"],
        cwd=place.folder, env=environment, stdin=terminal, stdout=terminal, stderr=terminal,
    ) as process:  # fmt: skip
        os.close(terminal)
        deadline = time.monotonic() + 60
        while stop_at.encode() not in shown:
            assert time.monotonic() < deadline, shown
            if select.select([controller], [], [], 1)[0]:
                shown += os.read(controller, 65536)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    os.close(controller)
    return shown


def test_a_terminal_shows_the_table_until_ctrl_c_with_colours_if_they_are_wanted(empty_place: Place) -> None:
    empty_place.growlearn("apply", "blobs.yaml")
    assert b"\x1b[1m" in watch(empty_place, "blobs", NO_COLOR="")  # the head of the table is bold
    plain = watch(empty_place, "blobs", NO_COLOR="1")
    assert not any(f"\x1b[{code}m".encode() in plain for code in range(30, 50))


def test_a_watch_is_no_json(empty_place: Place) -> None:
    done = empty_place.growlearn("status", "--watch", "--json")
    assert (done.code, "--watch and --json exclude each other" in done.err.replace("\n", " ")) == (2, True)


def complete(place: Place, *words: str) -> list[str]:
    variables = {
        "_GROWLEARN_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["growlearn", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = replace(place, environment=place.environment | variables).growlearn()
    assert done.err == ""
    return done.out.split()


def test_a_shell_completes_commands_and_the_names_of_streams(empty_place: Place) -> None:
    assert complete(empty_place, "windows", "bl") == []
    assert not (empty_place.folder / ".growlearn").exists()  # a key pressed makes no home
    empty_place.growlearn("apply", "blobs.yaml")
    assert complete(empty_place, "stat") == ["status"]
    assert complete(empty_place, "windows", "bl") == ["blobs"]
    assert complete(empty_place, "windows", "x") == []
