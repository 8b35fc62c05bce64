"""Requests that Schemathesis generates from the API's own document, to every route with each role's key.

No answer may be a server error, or have a status, a content type, headers or a body that the document does
not tell. Left out are the deletion of keys, which would take this benchmark's own, and the events of windows
in progress, an answer without an end. Schemathesis is called as a program and may live in an environment of
its own.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from results import publish
from serving import Endpoint, call, call_api, grow, serve_growlearn

ROLES = ("admin", "operator", "viewer", "none")
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method"
)
LEFT_OUT = ("revoke_key", "stream_progress")
CONFIGURATION = '[parameters]\n"path.stream" = "digits"\n'


@dataclass(frozen=True)
class Outcome:
    """What came of the requests with one role's key."""

    role: str
    operations: int
    requests: int
    failures: int


def main() -> None:
    """Send the requests of every role and phase, and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schemathesis", default="schemathesis", help="its program")
    parser.add_argument("--examples", type=int, default=100, help="of each operation in the phase fuzzing")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        grow(folder)
        (folder / "schemathesis.toml").write_text(CONFIGURATION)
        keys = {role: create_key(folder, role) for role in ROLES}
        with serve_growlearn(folder) as endpoint:
            (folder / "openapi.json").write_bytes(fetch_document(endpoint))
            command = [
                options.schemathesis, "run", "openapi.json", "--url", f"http://127.0.0.1:{endpoint.port}",
                "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--continue-on-failure",
                "--max-examples", str(options.examples), "--seed", str(options.seed),
                "--suppress-health-check", "all", "--no-color",
                *(argument for name in LEFT_OUT for argument in ("--exclude-operation-id", name)),
            ]  # fmt: skip
            outcomes = [send(command, folder, role, key) for role, key in keys.items()]
    publish(
        "api_requests",
        "Generated requests to the API with every role",
        [
            "| key of | operations | requests | failed a check |",
            "| --- | --- | --- | --- |",
            *(
                f"| {each.role} | {each.operations} | {each.requests} | {each.failures} |"
                for each in outcomes
            ),
            f"| all | | {sum(each.requests for each in outcomes)} "
            f"| {sum(each.failures for each in outcomes)} |",
        ],
        f"checks: {CHECKS.replace(',', ', ')}; left out: {', '.join(LEFT_OUT)}; none: a key that is not "
        f"stored; {options.examples} generated examples of each operation besides the edges of its schema",
        command="faults/api_requests.py",
    )
    if any(each.failures for each in outcomes):
        sys.exit(1)


def create_key(folder: Path, role: str) -> str:
    """A key of a role, or one that is not stored."""
    if role == "none":
        return "glk_none"
    return call(folder, "keys", "create", f"requests-{role}", "--role", role).splitlines()[-1]


def fetch_document(endpoint: Endpoint) -> bytes:
    """The API's OpenAPI document; raises SystemExit where it lacks an operation that is to be left out."""
    document = call_api(endpoint, "/api/v1/openapi.json", None, "GET")
    operations = {
        each["operationId"] for path in json.loads(document)["paths"].values() for each in path.values()
    }
    if missing := set(LEFT_OUT) - operations:
        raise SystemExit(f"the API has no operation {', '.join(missing)}")
    return document


def send(command: Sequence[str], folder: Path, role: str, key: str) -> Outcome:
    """All requests with one key; raises SystemExit where Schemathesis tells no count."""
    done = subprocess.run(
        [*command, "-H", f"Authorization: Bearer {key}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    tested = re.search(r"Tested: (\d+)", done.stdout)
    counts = re.search(r"(\d+) generated(?:, (\d+) found (\d+) unique failures?)?", done.stdout)
    if tested is None or counts is None:
        raise SystemExit(done.stdout + done.stderr)
    failures = int(counts[2] or 0)
    if done.returncode or failures:
        print(done.stdout)
    return Outcome(role, int(tested[1]), int(counts[1]), max(failures, int(done.returncode != 0)))


if __name__ == "__main__":
    main()
