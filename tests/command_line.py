"""The growlearn command in a folder: as a process of its own, or called in this process.

A process pays seconds for its imports, so a test starts one only where the process is its subject.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import warnings
from collections.abc import Mapping
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Engine, create_engine

from growlearn.adapters.db import engine as db_engine
from growlearn.app.main import app
from tests import warm_processes


@dataclass(frozen=True)
class Finished:
    """A command's exit code and output."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def start_process(
    folder: Path, environment: Mapping[str, str], arguments: tuple[str, ...]
) -> subprocess.Popen[str]:
    """The command as a process of its own, in a session of its own."""
    return warm_processes.start_process(
        ["growlearn", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def call(
    folder: Path, environment: Mapping[str, str], arguments: tuple[str, ...], encoding: str = "utf-8"
) -> Finished:
    """The command called in this process; what it would leave to the end of its process is closed here."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding, write_through=True) for _ in range(2))
    with (
        ExitStack() as engines,
        pytest.MonkeyPatch.context() as monkeypatch,
        patch.dict(os.environ, environment, clear=True),
        warnings.catch_warnings(action="default"),  # a process has the default filters too
        redirect_stdout(out),
        redirect_stderr(err),
    ):

        def create(*arguments: Any, **options: Any) -> Engine:
            engine = create_engine(*arguments, **options)
            engines.callback(engine.dispose)
            return engine

        monkeypatch.setattr(db_engine, "create_engine", create)
        monkeypatch.chdir(folder)
        try:
            app(list(arguments), prog_name="growlearn")
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return Finished(code, _text(out), _text(err))


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()
