"""`mlflow server ...` in one process, forked from a warm one: its one worker is this process itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any


def main() -> None:
    """Run the command; MLflow is imported here alone, since importing its server warns."""
    import mlflow.server  # noqa: PLC0415
    from mlflow.cli import cli  # noqa: PLC0415

    vars(mlflow.server)["_exec_cmd"] = _run_here
    cli(sys.argv[1:])


def _run_here(command: Sequence[str], *, extra_env: Mapping[str, str], **_: Any) -> None:
    import uvicorn.main  # noqa: PLC0415 - as above

    os.environ.update(extra_env)
    uvicorn.main.main(list(command[command.index("uvicorn") + 1 :]))


if __name__ == "__main__":
    main()
