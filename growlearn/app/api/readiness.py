"""Whether this process can do its work: the database is there with its tables, and files can be written."""

from __future__ import annotations

import os

from growlearn.adapters.db.revision import require_head_revision
from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.domain.errors import GrowLearnError
from growlearn.settings import Settings


def check_readiness(settings: Settings) -> dict[str, str]:
    """Each check by name: ok, or what is wrong in words that name no address."""
    return {"database": _check_database(settings), "files": _check_files(settings)}


def _check_database(settings: Settings) -> str:
    try:
        require_head_revision(settings.database_url)
    except GrowLearnError as error:
        return error.hint or "cannot be read"
    except Exception:  # a driver's own error; the log of the next request has it
        return "cannot be read"
    return "ok"


def _check_files(settings: Settings) -> str:
    try:
        store = FileArtifacts(settings.artifacts_url)
        folder = store.folder
        if folder is None:  # an object store: writing a probe at each look would cost
            return "ok"
        while not folder.exists():
            folder = folder.parent
        return "ok" if os.access(folder, os.W_OK | os.X_OK) else "cannot be written"
    except (GrowLearnError, OSError):
        return "cannot be reached"
