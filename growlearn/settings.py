"""Environment and `growlearn.toml` -> one frozen Settings."""

from __future__ import annotations

import difflib
import os
import socket
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.execution import Execution

FILE = "growlearn.toml"
PREFIX = "GROWLEARN_"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where this installation keeps things and how hard it works.

    Every field is a key of growlearn.toml and, upper-cased after GROWLEARN_, a variable.
    """

    home: Path  # database, files, MLflow store and scratch, where nothing else is named
    database_url: str  # sqlite:///PATH or postgresql://...
    artifacts_url: str  # a folder or any fsspec url
    mlflow_tracking_uri: str
    threads: int  # of one training process
    parallel_streams: int  # streams one worker handles at once
    lease_s: float  # how long a worker that has died keeps its window from others
    poll_s: float  # how often workers and schedulers look at the record
    execution: Execution  # how `predict` runs a model's branches
    worker: str  # name in leases; must differ between workers

    @property
    def scratch(self) -> Path:
        """Folder for checkpoints and other files that may be lost."""
        return self.home / "scratch"


def read_settings(environ: Mapping[str, str], cwd: Path) -> Settings:
    """GROWLEARN_* variables over `growlearn.toml` in `cwd` over defaults.

    A variable that is set but empty counts as not set; relative folders are taken from `cwd`. Raises
    GrowLearnError for a key that does not exist, a variable that all but names a setting (others may
    belong to someone else), or a value that cannot be.
    """
    given = _from_file(cwd / FILE)
    for key in _keys():
        if environ.get(PREFIX + key.upper()):
            given[key] = (environ[PREFIX + key.upper()], PREFIX + key.upper())
    _refuse_misspelt(environ)
    home = (cwd / Path(_text(given, "home", ".growlearn")).expanduser()).resolve()
    return Settings(
        home=home,
        database_url=_text(given, "database_url", f"sqlite:///{home / 'growlearn.db'}"),
        artifacts_url=_text(given, "artifacts_url", str(home / "artifacts")),
        mlflow_tracking_uri=_text(given, "mlflow_tracking_uri", f"sqlite:///{home / 'mlflow.db'}"),
        threads=int(_number(given, "threads", os.cpu_count() or 1, least=1)),
        parallel_streams=int(_number(given, "parallel_streams", 1, least=1)),
        lease_s=_number(given, "lease_s", 20.0, least=1),
        poll_s=_number(given, "poll_s", 2.0, least=0.05),
        execution=_execution(given),
        worker=_text(given, "worker", f"{socket.gethostname()}-{os.getpid()}"),
    )


_Given = dict[str, tuple[object, str]]  # value and the place it came from


def _keys() -> list[str]:
    return [field.name for field in fields(Settings)]


def _from_file(path: Path) -> _Given:
    try:
        loaded = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GrowLearnError(f"{path} is not TOML: {error}", cure="mend or remove the file") from error
    for key in loaded:
        if key not in _keys():
            raise _unknown(key, str(path), _keys())
    return {key: (value, f"{key} in {path}") for key, value in loaded.items()}


def _refuse_misspelt(environ: Mapping[str, str]) -> None:
    known = [PREFIX + key.upper() for key in _keys()]
    for name in environ:
        if (
            name.startswith(PREFIX)
            and name not in known
            and difflib.get_close_matches(name, known, cutoff=0.8)
        ):
            raise _unknown(name, "the environment", known)


def _unknown(key: str, where: str, known: list[str]) -> GrowLearnError:
    near = difflib.get_close_matches(key, known, n=1)
    cure = f"did you mean {near[0]!r}?" if near else f"settings are: {', '.join(known)}"
    return GrowLearnError(f"unknown setting {key!r} in {where}", cure=cure)


def _text(given: _Given, key: str, default: str) -> str:
    value, where = given.get(key, (default, ""))
    if not isinstance(value, str):
        raise GrowLearnError(f"{where} must be text, not {value!r}", cure="put it in quotes")
    return value


def _execution(given: _Given) -> Execution:
    value = _text(given, "execution", Execution.LOOP)
    if value not in list(Execution):
        where = given["execution"][1]
        raise GrowLearnError(f"{where} is {value!r}", cure=f"give one of {', '.join(Execution)}")
    return Execution(value)


def _number(given: _Given, key: str, default: float, *, least: float) -> float:
    value, where = given.get(key, (default, ""))
    whole = isinstance(default, int)
    try:
        number = float(str(value))
    except ValueError:
        number = float("nan")
    if not least <= number < float("inf") or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        raise GrowLearnError(f"{where} is {value!r}", cure=f"give {kind} of {least:g} or more")
    return number
