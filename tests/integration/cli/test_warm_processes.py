"""A process that is forked from a warm one is to who starts, stops and reads it what one that starts is."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.warm_processes import start_process

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Place

SCRIPT = """\
import os, sys, time
print(os.getcwd(), os.environ["WORD"], sys.argv[1:], sys.stdin.readline(), os.getsid(0) == os.getpid())
print("trouble", file=sys.stderr, flush=True)
time.sleep(600) if sys.argv[1] == "wait" else sys.exit(7)
"""


def start(folder: Path, argument: str, **environment: str) -> subprocess.Popen[str]:
    script = folder / "script.py"
    script.write_text(SCRIPT)
    pipe = subprocess.PIPE
    return start_process(
        [str(script), argument], cwd=folder, env={**os.environ, "WORD": "given", **environment},
        stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True,
    )  # fmt: skip


@pytest.mark.parametrize("cold", [{}, {"TESTS_COLD": "1"}])
def test_it_has_its_place_its_streams_and_its_status(tmp_path: Path, cold: dict[str, str]) -> None:
    with start(tmp_path, "end", **cold) as process:
        out, err = process.communicate("said\n")
    assert (process.returncode, err) == (7, "trouble\n")
    assert out == f"{tmp_path} given ['end'] said\n True\n"


@pytest.mark.parametrize("cold", [{}, {"TESTS_COLD": "1"}])
def test_it_can_be_killed_and_waited_for(tmp_path: Path, cold: dict[str, str]) -> None:
    with start(tmp_path, "wait", **cold) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write("said\n")
        process.stdin.flush()
        assert process.stderr.readline() == "trouble\n"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.01)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait(timeout=60) == -signal.SIGKILL


def test_a_command_says_what_it_says_otherwise(empty_place: Place) -> None:
    ends = []
    for variables in ({}, {"TESTS_COLD": "1"}):
        place = replace(empty_place, environment=empty_place.environment | variables)
        process = place.start("windows", "nothing")
        ends.append((*process.communicate(timeout=120), process.returncode))
    assert ends[0] == ends[1]
    assert ends[0][2] == 1
