"""The command by which a container asks its own service whether it is well."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docker" / "healthcheck.py"


class Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def check(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(SCRIPT), url]
    unreachable = {"http_proxy": "http://127.0.0.1:1"}  # a container's proxy is for what lies outside it
    return subprocess.run(command, env=unreachable, capture_output=True, text=True, check=False, timeout=30)


def test_a_service_that_answers_is_well(url: str) -> None:
    done = check(f"{url}/healthz")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_one_that_says_it_is_not_well_is_not(url: str) -> None:
    done = check(f"{url}/other")
    assert done.returncode == 1
    assert "503" in done.stderr


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/healthz", "nonsense"])
def test_one_that_does_not_answer_is_not_well(address: str) -> None:
    done = check(address)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{address}: ")
    assert done.stderr.count("\n") == 1
