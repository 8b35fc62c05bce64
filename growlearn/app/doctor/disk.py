"""Where home, database, artifacts and MLflow's store lie: whether it may be written, and the room there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from growlearn.app.doctor.finding import Finding, ok, warning, wrong
from growlearn.app.doctor.premises import Premises
from growlearn.domain.errors import GrowLearnError
from growlearn.settings import Settings

_LITTLE_BYTES = 2**30
_TOO_LITTLE_BYTES = 100 * 2**20  # a branch with its checkpoint takes some MB


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder that growlearn writes to, the file in it where it is one, and the setting that names it."""

    what: str
    folder: Path
    file: Path | None
    setting: str


def disk(premises: Premises) -> Iterator[Finding]:
    """Each place that may not be written, and the room on each disk."""
    disks: dict[int, list[Place]] = {}
    for place in _places(premises.settings):
        trouble = _unwritable(place)
        if trouble is None:
            disks.setdefault(_nearest(place.folder).stat().st_dev, []).append(place)
        else:
            cure = f"let the user that runs growlearn write there, or name another place with {place.setting}"
            yield wrong("disk", f"{place.what}: {trouble}", cure)
    for places in disks.values():
        what = ", ".join(place.what for place in places)
        yield room(f"{what} in {places[0].folder}", shutil.disk_usage(_nearest(places[0].folder)).free)


def room(where: str, free_bytes: int) -> Finding:
    """Whether so much room is enough.

    >>> room("home in /srv", 5 * 10**9).found
    'home in /srv: may be written, 5.0 GB free'
    """
    found = f"{where}: may be written, {free_bytes / 1e9:.1f} GB free"
    if free_bytes >= _LITTLE_BYTES:
        return ok("disk", found)
    if free_bytes >= _TOO_LITTLE_BYTES:
        return warning("disk", found, "free space there soon")
    return wrong("disk", found, "free space there; until then nothing can be taken in, grown or recorded")


def _places(settings: Settings) -> Iterator[Place]:
    """Those on this computer; one whose setting cannot be used is told of by the check that is about it."""
    yield Place(what="home", folder=settings.home, file=None, setting="GROWLEARN_HOME")
    others: tuple[tuple[str, Callable[[Settings], tuple[Path, Path | None] | None], str], ...] = (
        ("database", _database, "GROWLEARN_DATABASE_URL"),
        ("artifacts", _artifacts, "GROWLEARN_ARTIFACTS_URL"),
        ("MLflow store", _mlflow, "GROWLEARN_MLFLOW_TRACKING_URI"),
    )
    for what, locate, setting in others:
        try:
            found = locate(settings)
        except GrowLearnError:
            continue
        if found is not None:
            yield Place(what=what, folder=found[0], file=found[1], setting=setting)


def _database(settings: Settings) -> tuple[Path, Path | None] | None:
    from growlearn.adapters.db.engine import read_url, sqlite_file

    file = sqlite_file(read_url(settings.database_url))
    return None if file is None else (file.absolute().parent, file)


def _artifacts(settings: Settings) -> tuple[Path, Path | None] | None:
    from growlearn.adapters.files.artifacts import FileArtifacts

    folder = FileArtifacts(settings.artifacts_url).folder
    return None if folder is None else (folder, None)


def _mlflow(settings: Settings) -> tuple[Path, Path | None] | None:
    from growlearn.adapters.mlflow.client import sqlite_file

    file = sqlite_file(settings.mlflow_tracking_uri)
    return None if file is None else (file.parent, file)


def _unwritable(place: Place) -> str | None:
    there = _nearest(place.folder)
    if not there.is_dir():
        return f"{place.folder} cannot be, for {there} is no folder"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"this user may not write to {there}"
    if place.file is not None and place.file.exists() and not os.access(place.file, os.W_OK):
        return f"this user may not write to {place.file}"
    return None


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest thing above it that is there: folders are made at first use."""
    return next(path for path in (folder, *folder.parents) if path.exists())
