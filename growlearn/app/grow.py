"""The training process: reads one plan from standard input and grows it."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> int:
    """Grow the plan on standard input; results go to standard output, one JSON document a line."""
    # Libraries may print; standard output is for the parent alone.
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from growlearn.adapters.engines.child import serve_parent  # noqa: PLC0415 - after the redirection
    from growlearn.app.composition import training_engine  # noqa: PLC0415
    from growlearn.settings import read_settings  # noqa: PLC0415

    settings = read_settings(os.environ, Path.cwd())
    return serve_parent(lambda: training_engine(settings), sys.stdin.buffer, stdout)


if __name__ == "__main__":
    raise SystemExit(main())
