"""`mlflow server ...` in one process, forked from a warm one: its one worker is this process itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import mlflow.server
import uvicorn.main
from mlflow.cli import cli


def _run_here(command: Sequence[str], *, extra_env: Mapping[str, str], **_: Any) -> None:
    os.environ.update(extra_env)
    uvicorn.main.main(list(command[command.index("uvicorn") + 1 :]))


if __name__ == "__main__":
    vars(mlflow.server)["_exec_cmd"] = _run_here
    cli(sys.argv[1:])
