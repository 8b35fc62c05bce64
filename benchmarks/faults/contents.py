"""All that an installation holds: its record, its files, and what MLflow has of it.

Left out is what two undisturbed runs differ in too: times (a fingerprint is one), durations, random ids, and
who held which lease, and how far its work had come.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from growlearn.adapters.db.engine import connect
from growlearn.adapters.db.tables import Base
from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.settings import Settings

Contents = dict[str, Any]

_PASSING_TABLES = ("growlearn_processes", "growlearn_ticks")
_PASSING_COLUMNS = (
    "fingerprint",
    "claim",
    "lease_owner",
    "lease_until",
    "progress",
    "outbox_owner",
    "outbox_until",
    "attempts",
    "mlflow_run",
)
_COUNTED_UP = ("serial", "id", "decision", "file")  # numbers that a transaction rolled back uses up
_DURATIONS = re.compile(r"seconds|peak_memory|_at$|^at$")
_CUT_OFF = ".tmp"
_PROCESS_ID = re.compile(r"-\d+$")
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT[0-9:.+Z]+")
_TIME_TEXT = re.compile(_TIME.pattern.decode())
_RANDOM_ID = re.compile(r"[0-9a-f]{32}")
_MLFLOW_QUERIES = {
    "runs": "SELECT name, status, lifecycle_stage FROM runs",
    "tags": "SELECT name, key, value FROM tags JOIN runs USING (run_uuid) WHERE key LIKE 'growlearn.%'",
    "params": "SELECT name, key, value FROM params JOIN runs USING (run_uuid)",
    "metrics": "SELECT name, key, step, value FROM metrics JOIN runs USING (run_uuid)",
    "datasets": "SELECT name, digest FROM datasets",
    "models": "SELECT name, status, lifecycle_stage FROM logged_models",
    "versions": "SELECT name, version, current_stage, description FROM model_versions",
    "version tags": "SELECT name, version, key, value FROM model_version_tags",
    "aliases": "SELECT name, alias, version FROM registered_model_aliases",
}


def read_contents(settings: Settings) -> Contents:
    """What must be the same after any fault."""
    artifacts = FileArtifacts(settings.artifacts_url).list_files()
    return {
        **dict(_read_record(settings.database_url)),
        "files": [
            f"{file.sha256} {file.size_bytes}"
            for file in artifacts
            if not file.path.endswith(_CUT_OFF)  # who is killed leaves what nothing refers to
        ],
        **read_mlflow(settings.home),
    }


def find_difference(expected: Contents, found: Contents) -> str | None:
    """The first thing that is not as expected; None where there is none."""
    for name in sorted(expected.keys() | found.keys()):
        one, other = expected.get(name, []), found.get(name, [])
        missing, more = [row for row in one if row not in other], [row for row in other if row not in one]
        if missing or more or len(one) != len(other):
            counts = f"{name}: {len(one)} expected, {len(other)} found"
            return f"{counts}; missing {missing[:2]}; more {more[:2]}"
    return None


def _read_record(url: str) -> Iterator[tuple[str, list[str]]]:
    engine = connect(url)
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name in _PASSING_TABLES:
                continue
            rows = connection.execute(select(table).order_by(*table.primary_key)).mappings()
            yield table.name, [_describe_row(dict(row)) for row in rows]
    engine.dispose()


def _describe_row(row: dict[str, Any]) -> str:
    if row.get("actor"):
        row["actor"] = _PROCESS_ID.sub("", row["actor"])
    kept = {
        name: value
        for name, value in row.items()
        if name not in _PASSING_COLUMNS
        and not isinstance(value, datetime)
        and not (name in _COUNTED_UP and isinstance(value, int))
    }
    return json.dumps(_without_durations(kept), default=_to_plain, sort_keys=True)


def _to_plain(value: object) -> object:
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is None:
        return str(value)
    return _without_durations({name: getattr(value, name) for name in fields})


def _without_durations(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not _DURATIONS.search(name)}


def read_mlflow(folder: Path) -> Contents:
    """What a SQLite store of MLflow in a folder holds; nothing where there is none."""
    return dict(_read_mlflow(folder)) if (folder / "mlflow.db").exists() else {}


def _read_mlflow(folder: Path) -> Iterator[tuple[str, list[str]]]:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        for name, query in _MLFLOW_QUERIES.items():
            rows = sorted(_TIME_TEXT.sub("TIME", str(row)) for row in database.execute(query))
            yield f"MLflow {name}", [row for row in rows if not re.search(r"seconds|memory", row)]
        in_order = database.execute("SELECT name FROM runs ORDER BY rowid")
        yield (
            "MLflow runs in order of creation",
            [f"{number} {name}" for number, (name,) in enumerate(in_order)],
        )
    artifacts = folder / "mlartifacts"
    files = sorted(path for path in artifacts.rglob("*") if path.is_file())
    yield "MLflow files", sorted(_describe_file(path, artifacts) for path in files)


def _describe_file(path: Path, folder: Path) -> str:
    """Its name without random ids; of weights, code, matrix and lineage also what it holds."""
    name = _RANDOM_ID.sub("ID", str(path.relative_to(folder)))
    if path.suffix not in (".safetensors", ".py") and path.name not in ("matrix.csv", "lineage.json"):
        return name
    content = _TIME.sub(b"TIME", path.read_bytes())
    return f"{name} {hashlib.sha256(content).hexdigest()}"
