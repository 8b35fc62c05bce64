"""What a process writes in either format; in a process of its own, because it changes that process."""

from __future__ import annotations

import json
import subprocess
import sys
from contextvars import Context
from typing import Any

import pytest

from growlearn.app.log_lines import format_json_line, format_line, log_fields, set_log_fields

SCRIPT = """
import logging, threading, warnings
from growlearn.app.cli.output import echo, echo_error
from growlearn.app.log_lines import log_fields, set_log_fields, write_json_lines

write_json_lines()
echo("no fields")
with log_fields(stream="digits"):
    set_log_fields(window="w3", claim=2)
    echo("done\\n\\x1b[2J of postgresql://ann:hunter2Zq@db")
    set_log_fields(window=None, claim=None)
    echo_error("lost")
    try:
        raise ValueError("https://host/?token=hunter2Zq")
    except ValueError:
        logging.getLogger("library").exception("it broke")
warnings.warn("deprecated")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise RuntimeError("the end")
"""


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "hunter2Zq" not in done.stdout + done.stderr
    return [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]


def find(lines: list[dict[str, Any]], words: str) -> dict[str, Any]:
    (line,) = (line for line in lines if words in line["event"])
    return {key: value for key, value in line.items() if key != "at"}


def test_every_line_is_one_object_with_what_it_is_about(lines: list[dict[str, Any]]) -> None:
    assert len(lines) == 7
    assert all(line["at"].endswith("Z") for line in lines)
    assert find(lines, "no fields") == {"level": "info", "event": "no fields"}
    assert find(lines, "done") == {
        "level": "info",
        "event": "done\n\x1b[2J of postgresql://ann:***@db",
        "stream": "digits",
        "window": "w3",
        "claim": 2,
    }
    assert find(lines, "lost") == {"level": "error", "event": "lost", "stream": "digits"}


def test_a_traceback_is_part_of_its_line_whoever_ends(lines: list[dict[str, Any]]) -> None:
    broke = find(lines, "it broke")
    assert (broke["level"], broke["logger"], broke["stream"]) == ("error", "library", "digits")
    assert broke["traceback"].endswith("ValueError: https://host/?token=***")
    assert find(lines, "ZeroDivisionError")["traceback"].startswith("Traceback")
    assert find(lines, "RuntimeError: the end")["level"] == "error"
    assert find(lines, "deprecated")["logger"] == "py.warnings"


def test_fields_end_with_their_block() -> None:
    def keys() -> set[str]:
        return set(json.loads(format_json_line("x", "info"))) - {"at", "level", "event"}

    def check() -> None:
        with log_fields(stream="a"):
            with log_fields(window="w1"):
                set_log_fields(claim=1)
                assert keys() == {"stream", "window", "claim"}
            assert keys() == {"stream"}
        assert keys() == set()

    Context().run(check)  # whatever other tests have left in theirs


def test_text_stays_text_until_it_is_asked_for() -> None:
    with log_fields(stream="a"):
        assert format_line("a\nb ann:pw@host", "info") == "a\\nb ann:***@host"
