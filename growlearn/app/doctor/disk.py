"""Checks the folders of home, database, artifacts and MLflow's store: writable, and free space."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from growlearn.app.doctor.context import CheckContext
from growlearn.app.doctor.finding import Finding, error_finding, ok_finding, warning_finding
from growlearn.domain.errors import GrowLearnError
from growlearn.settings import Settings

_WARN_FREE_BYTES = 2**30
_MIN_FREE_BYTES = 100 * 2**20  # a branch with its checkpoint takes some MB


@dataclass(frozen=True, kw_only=True)
class StorageLocation:
    """A folder that growlearn writes to, the file in it, if any, and the setting that names it."""

    name: str
    folder: Path
    file: Path | None
    setting: str


def disk(context: CheckContext) -> Iterator[Finding]:
    """Each folder that is not writable, and the free space of each disk."""
    disks: dict[int, list[StorageLocation]] = {}
    for location in _storage_locations(context.settings):
        problem = _write_problem(location)
        if problem is None:
            disks.setdefault(_nearest_existing(location.folder).stat().st_dev, []).append(location)
        else:
            hint = (
                f"let the user that runs growlearn write there, or name another place with {location.setting}"
            )
            yield error_finding("disk", f"{location.name}: {problem}", hint)
    for locations in disks.values():
        names = ", ".join(location.name for location in locations)
        yield check_free_space(
            f"{names} in {locations[0].folder}",
            shutil.disk_usage(_nearest_existing(locations[0].folder)).free,
        )


def check_free_space(location: str, free_bytes: int) -> Finding:
    """Whether the free space is enough.

    >>> check_free_space("home in /srv", 5 * 10**9).message
    'home in /srv: writable, 5.0 GB free'
    """
    message = f"{location}: writable, {free_bytes / 1e9:.1f} GB free"
    if free_bytes >= _WARN_FREE_BYTES:
        return ok_finding("disk", message)
    if free_bytes >= _MIN_FREE_BYTES:
        return warning_finding("disk", message, "free space there soon")
    return error_finding(
        "disk", message, "free space there; until then nothing can be ingested, grown or recorded"
    )


def _storage_locations(settings: Settings) -> Iterator[StorageLocation]:
    """Locations on this computer; an invalid setting is reported by the check that uses it."""
    yield StorageLocation(name="home", folder=settings.home, file=None, setting="GROWLEARN_HOME")
    other_locations: tuple[tuple[str, Callable[[Settings], tuple[Path, Path | None] | None], str], ...] = (
        ("database", _locate_database, "GROWLEARN_DATABASE_URL"),
        ("artifacts", _locate_artifacts, "GROWLEARN_ARTIFACTS_URL"),
        ("MLflow store", _locate_mlflow, "GROWLEARN_MLFLOW_TRACKING_URI"),
    )
    for name, locate, setting in other_locations:
        try:
            paths = locate(settings)
        except GrowLearnError:
            continue
        if paths is not None:
            yield StorageLocation(name=name, folder=paths[0], file=paths[1], setting=setting)


def _locate_database(settings: Settings) -> tuple[Path, Path | None] | None:
    from growlearn.adapters.db.engine import get_sqlite_path, parse_database_url

    file = get_sqlite_path(parse_database_url(settings.database_url))
    return None if file is None else (file.absolute().parent, file)


def _locate_artifacts(settings: Settings) -> tuple[Path, Path | None] | None:
    from growlearn.adapters.files.artifacts import FileArtifacts

    folder = FileArtifacts(settings.artifacts_url).folder
    return None if folder is None else (folder, None)


def _locate_mlflow(settings: Settings) -> tuple[Path, Path | None] | None:
    from growlearn.adapters.mlflow.client import get_tracking_sqlite_path

    file = get_tracking_sqlite_path(settings.mlflow_tracking_uri)
    return None if file is None else (file.parent, file)


def _write_problem(location: StorageLocation) -> str | None:
    existing = _nearest_existing(location.folder)
    if not existing.is_dir():
        return f"{location.folder} cannot be created: {existing} is not a folder"
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"this user may not write to {existing}"
    if location.file is not None and location.file.exists() and not os.access(location.file, os.W_OK):
        return f"this user may not write to {location.file}"
    return None


def _nearest_existing(folder: Path) -> Path:
    """The folder itself, or its nearest existing parent: folders are created at first use."""
    return next(path for path in (folder, *folder.parents) if path.exists())
