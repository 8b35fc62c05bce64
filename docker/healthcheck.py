#!/opt/growlearn/bin/python -I
"""Whether a service on this machine answers: exit code 0 where GET of the URL gives status 200, else 1.

Usage: growlearn-healthcheck [URL]; by default the API's http://127.0.0.1:8080/healthz. Standard library
only, so a check costs milliseconds.
"""

from __future__ import annotations

import sys
import urllib.request

API = "http://127.0.0.1:8080/healthz"
TIMEOUT_S = 5.0


def check(url: str) -> str | None:
    """None where the URL answers with 200, else why not."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy
    try:
        with opener.open(url, timeout=TIMEOUT_S) as response:
            return None if response.status == 200 else f"status {response.status}"
    except (OSError, ValueError) as error:  # HTTPError and URLError are OSError
        return str(error)


def main(arguments: list[str]) -> int:
    """Check the URL given, say why it is unhealthy, and return the exit code."""
    url = arguments[0] if arguments else API
    reason = check(url)
    if reason is not None:
        sys.stderr.write(f"{url}: {reason}\n")
    return 0 if reason is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
