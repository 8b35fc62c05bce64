"""Environment and `growlearn.toml` -> one frozen Settings."""

from __future__ import annotations

import difflib
import json
import os
import socket
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

from growlearn.domain.alert import AlertKind
from growlearn.domain.device import AUTO, is_device_name
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.execution import Execution
from growlearn.domain.file_limits import FileLimits
from growlearn.domain.locations import DEFAULT_PROTOCOLS, find_refused_protocol
from growlearn.domain.printable import quote_name
from growlearn.domain.redaction import HIDDEN
from growlearn.domain.sql_source import is_connection_name

SETTINGS_FILE = "growlearn.toml"
ENV_PREFIX = "GROWLEARN_"
LOG_FORMATS = ("text", "json")
WEBHOOK_FORMATS = ("json", "slack")
ENGINES = ("local", "ray")
_MAX_NUMBER = 1e18
_DAY_S = 86_400


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where this installation stores its data, and how much it runs in parallel.

    Every field is a key of growlearn.toml and, upper-cased after GROWLEARN_, a variable.
    """

    home: Path  # database, files, MLflow store and scratch, where nothing else is named
    database_url: str  # sqlite:///PATH or postgresql://...
    artifacts_url: str  # a folder or any fsspec url
    connections: Mapping[str, str] = field(repr=False)  # databases that jobs read from, by name
    mlflow_tracking_uri: str
    threads: int  # of one training process
    parallel_streams: int  # streams one worker handles at once
    max_concurrent_windows: int  # of all workers together; 0: no limit
    lease_s: float  # how long a worker that died blocks its window for others
    poll_s: float  # how often workers and schedulers poll the database
    execution: Execution  # how `predict` runs a model's branches
    device: str  # that this process trains, evaluates and answers on
    engine: str  # where training runs: local, or ray
    ray_address: str  # of the cluster; auto: the one that this machine is a node of
    ray_gpus: float  # that one training reserves on its node; of CPUs it reserves `threads`
    ray_memory_bytes: int  # that it reserves; 0: none
    worker: str  # name in leases; must differ between workers
    protocols: tuple[
        str, ...
    ]  # of file systems that jobs and artifacts_url may name, besides this computer's
    max_file_rows: int  # the next four: what one file may hold once it is decoded
    max_file_bytes: int
    max_file_memory_bytes: int
    max_row_bytes: int
    api_host: str  # address that the HTTP API listens on
    api_port: int
    api_threads: int  # of one answer of the HTTP API
    api_max_body_mb: float  # largest body of a request
    api_max_rows: int  # most rows of a request in JSON
    api_max_models: int  # open at once in an API process
    api_requests_per_s: float  # of one key; 0: no limit
    log_format: str  # of long-running processes: text or json
    webhook_url: str = field(repr=False)  # that alerts are posted to; its path may be a secret; empty: none
    webhook_secret: str = field(repr=False)  # that they are signed with; empty: not signed
    webhook_format: str  # json or slack
    webhook_events: tuple[str, ...]  # kinds of alert that are sent

    @property
    def file_limits(self) -> FileLimits:
        """What one file may hold once it is decoded."""
        return FileLimits(
            max_rows=self.max_file_rows,
            max_bytes=self.max_file_bytes,
            max_memory_bytes=self.max_file_memory_bytes,
            max_row_bytes=self.max_row_bytes,
        )

    @property
    def scratch(self) -> Path:
        """Folder for checkpoints and other files that may be deleted."""
        return self.home / "scratch"


def read_settings(environ: Mapping[str, str], cwd: Path) -> Settings:
    """GROWLEARN_* variables over `growlearn.toml` in `cwd` over defaults.

    An empty variable counts as not set; relative folders are resolved against `cwd`. Raises GrowLearnError
    for an unknown key, a variable that looks like a misspelt setting (others may belong to another
    program), or an invalid value.
    """
    raw_values = _collect_raw_values(environ, cwd)
    home = (cwd / Path(_get_text(raw_values, "home", ".growlearn")).expanduser()).resolve()
    protocols = _get_names(raw_values, "protocols", DEFAULT_PROTOCOLS, '["s3", "sftp"]')
    limits = FileLimits()
    return Settings(
        home=home,
        database_url=_get_text(raw_values, "database_url", f"sqlite:///{home / 'growlearn.db'}"),
        artifacts_url=_get_artifacts_url(raw_values, str(home / "artifacts"), protocols),
        connections=_get_connections(raw_values),
        mlflow_tracking_uri=_get_text(raw_values, "mlflow_tracking_uri", f"sqlite:///{home / 'mlflow.db'}"),
        threads=int(_get_number(raw_values, "threads", os.cpu_count() or 1, minimum=1)),
        parallel_streams=int(_get_number(raw_values, "parallel_streams", 1, minimum=1)),
        max_concurrent_windows=int(_get_number(raw_values, "max_concurrent_windows", 0, minimum=0)),
        lease_s=_get_number(raw_values, "lease_s", 20.0, minimum=1, maximum=_DAY_S),
        poll_s=_get_number(raw_values, "poll_s", 2.0, minimum=0.05, maximum=_DAY_S),
        execution=Execution(_get_choice(raw_values, "execution", list(Execution))),
        device=_get_device(raw_values),
        engine=_get_choice(raw_values, "engine", ENGINES),
        ray_address=_get_text(raw_values, "ray_address", AUTO),
        ray_gpus=_get_number(raw_values, "ray_gpus", 0.0, minimum=0),
        ray_memory_bytes=int(_get_number(raw_values, "ray_memory_bytes", 0, minimum=0)),
        worker=_get_text(raw_values, "worker", f"{socket.gethostname()}-{os.getpid()}"),
        protocols=protocols,
        max_file_rows=_get_count(raw_values, "max_file_rows", limits.max_rows),
        max_file_bytes=_get_count(raw_values, "max_file_bytes", limits.max_bytes),
        max_file_memory_bytes=_get_count(raw_values, "max_file_memory_bytes", limits.max_memory_bytes),
        max_row_bytes=_get_count(raw_values, "max_row_bytes", limits.max_row_bytes),
        api_host=_get_text(raw_values, "api_host", "127.0.0.1"),
        api_port=int(_get_number(raw_values, "api_port", 8321, minimum=0, maximum=65_535)),
        api_threads=int(_get_number(raw_values, "api_threads", 1, minimum=1)),
        api_max_body_mb=_get_number(raw_values, "api_max_body_mb", 64.0, minimum=0.001),
        api_max_rows=int(_get_number(raw_values, "api_max_rows", 10_000, minimum=1)),
        api_max_models=int(_get_number(raw_values, "api_max_models", 64, minimum=1)),
        api_requests_per_s=_get_number(raw_values, "api_requests_per_s", 2000.0, minimum=0),
        log_format=_get_choice(raw_values, "log_format", LOG_FORMATS),
        webhook_url=_get_webhook_url(raw_values),
        webhook_secret=_get_text(raw_values, "webhook_secret", "", is_secret=True),
        webhook_format=_get_choice(raw_values, "webhook_format", WEBHOOK_FORMATS),
        webhook_events=_get_webhook_events(raw_values),
    )


_RawValues = dict[str, tuple[object, str]]  # value and where it was set


def _setting_names() -> list[str]:
    return [field.name for field in fields(Settings)]


def _collect_raw_values(environ: Mapping[str, str], cwd: Path) -> _RawValues:
    """What is set in either place; the environment wins."""
    raw_values = _read_toml(cwd / SETTINGS_FILE)
    for key in _setting_names():
        if environ.get(ENV_PREFIX + key.upper()):
            raw_values[key] = (environ[ENV_PREFIX + key.upper()], ENV_PREFIX + key.upper())
    _reject_misspelt_variables(environ)
    return raw_values


def _read_toml(path: Path) -> _RawValues:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:  # ValueError: also for a number of too many digits
        raise GrowLearnError(f"{path} is not TOML: {error}", hint="fix or remove the file") from error
    except OSError as error:
        hint = "let this user read it, or remove it"
        raise GrowLearnError(f"cannot read {path}: {error.strerror}", hint=hint) from error
    for key in values:
        if key not in _setting_names():
            raise _unknown_setting_error(key, str(path), _setting_names())
    given = {key: value for key, value in values.items() if value != ""}  # empty: as an empty variable
    return {key: (value, f"{key} in {path}") for key, value in given.items()}


def _reject_misspelt_variables(environ: Mapping[str, str]) -> None:
    known = [ENV_PREFIX + key.upper() for key in _setting_names()]
    for name in environ:
        if (
            name.startswith(ENV_PREFIX)
            and name not in known
            and difflib.get_close_matches(name, known, cutoff=0.8)
        ):
            raise _unknown_setting_error(name, "the environment", known)


def _unknown_setting_error(key: str, where: str, known: list[str]) -> GrowLearnError:
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"settings are: {', '.join(known)}"
    return GrowLearnError(f"unknown setting {key!r} in {where}", hint=hint)


def _get_text(raw_values: _RawValues, key: str, default: str, *, is_secret: bool = False) -> str:
    value, where = raw_values.get(key, (default, ""))
    if not isinstance(value, str):
        shown = HIDDEN if is_secret else repr(value)
        raise GrowLearnError(f"{where} must be text, not {shown}", hint="put it in quotes")
    return value


def _get_names(raw_values: _RawValues, key: str, default: Sequence[str], example: str) -> tuple[str, ...]:
    """A list in growlearn.toml, or names with commas between them."""
    value, where = raw_values.get(key, (list(default), ""))
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise GrowLearnError(f"{where} is {value!r}", hint=f"give a list such as {example}")
    return tuple(name.strip().lower() for name in names if name.strip())


def _get_webhook_url(raw_values: _RawValues) -> str:
    url = _get_text(raw_values, "webhook_url", "", is_secret=True)
    if url and not _is_plain_web_address(url):
        where = raw_values["webhook_url"][1]
        raise GrowLearnError(
            f"{where} is no web address", hint="write https://HOST/PATH, without user and password"
        )
    return url


def _is_plain_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and parts.hostname is not None
            and parts.username is None
            and parts.port != 0
            and url.isascii()
            and url.isprintable()
            and " " not in url
        )
    except ValueError:  # brackets that are not closed, a port that is none
        return False


def _get_webhook_events(raw_values: _RawValues) -> tuple[str, ...]:
    names = _get_names(raw_values, "webhook_events", list(AlertKind), '["drift", "failure"]')
    unknown = [name for name in names if name not in list(AlertKind)]
    if unknown:
        where = raw_values["webhook_events"][1]
        raise GrowLearnError(f"{where} names {unknown[0]!r}", hint=f"alerts are: {', '.join(AlertKind)}")
    return names


def _get_choice(raw_values: _RawValues, key: str, choices: Sequence[str]) -> str:
    """One of a few words, the first by default."""
    value = _get_text(raw_values, key, choices[0])
    if value not in choices:
        raise GrowLearnError(f"{raw_values[key][1]} is {value!r}", hint=f"give one of {', '.join(choices)}")
    return value


def _get_artifacts_url(raw_values: _RawValues, default: str, protocols: tuple[str, ...]) -> str:
    url = _get_text(raw_values, "artifacts_url", default)
    refused = find_refused_protocol(url, protocols)
    if refused is not None:
        where = raw_values["artifacts_url"][1]
        raise GrowLearnError(
            f"{where}: protocol {refused} is not allowed here", hint="add it to the setting protocols"
        )
    return url


def _get_connections(raw_values: _RawValues) -> Mapping[str, str]:
    """A table in growlearn.toml, or JSON; an error tells no address."""
    value, where = raw_values.get("connections", ({}, ""))
    try:
        urls = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        urls = None
    if not isinstance(urls, dict) or not all(isinstance(url, str) for url in urls.values()):
        raise GrowLearnError(
            f"{where} must give the URL of each database by a name",
            hint='in growlearn.toml connections = {warehouse = "postgresql://..."}, in the environment JSON',
        )
    for name in urls:
        if not is_connection_name(name):
            raise GrowLearnError(
                f"{where} has the name {quote_name(name)}",
                hint="use lower-case letters, digits, '_' and '-', at most 63 of them",
            )
    return urls


def _get_count(raw_values: _RawValues, key: str, default: int) -> int:
    return int(_get_number(raw_values, key, default, minimum=1))


def _get_device(raw_values: _RawValues) -> str:
    value = _get_text(raw_values, "device", AUTO)
    if not is_device_name(value):
        where = raw_values["device"][1]
        raise GrowLearnError(f"{where} is {value!r}", hint="give one of auto, cpu, cuda, cuda:N, mps")
    return value


def _get_number(
    raw_values: _RawValues, key: str, default: float, *, minimum: float, maximum: float = _MAX_NUMBER
) -> float:
    value, where = raw_values.get(key, (default, ""))
    whole = isinstance(default, int)
    try:
        number = float(str(value))
    except ValueError:
        number = float("nan")
    if not minimum <= number <= maximum or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        most = f"{minimum:g} or more" if maximum == _MAX_NUMBER else f"{minimum:g} to {maximum:g}"
        raise GrowLearnError(f"{where} is {value!r}", hint=f"give {kind} of {most}")
    return number
