"""The demo's own folder: made anew, and never made of somebody's work."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import growlearn
from growlearn.domain.errors import GrowLearnError
from growlearn.settings import Settings, read_settings

_MARK = ".growlearn-demo"
_KEPT = ("GROWLEARN_THREADS",)


def make_home(home: Path, *, fresh: bool) -> Path:
    """An empty demo folder; an earlier one is removed where `fresh` asks for it.

    Raises GrowLearnError where the folder holds anything else.
    """
    if home.exists() and any(home.iterdir()):
        if not (home / _MARK).exists():
            raise GrowLearnError(f"{home} holds files that are not a demo's", cure="choose another --home")
        if not fresh:
            raise GrowLearnError(f"{home} holds an earlier demo", cure="add --fresh to begin again")
        shutil.rmtree(home)
    try:
        home.mkdir(parents=True, exist_ok=True)
        (home / _MARK).touch()
    except OSError as error:
        raise GrowLearnError(f"cannot make {home}: {error.strerror}", cure="choose another --home") from error
    return home.resolve()


def demo_settings(home: Path, environ: Mapping[str, str]) -> Settings:
    """Everything inside the demo's folder, whatever this machine's other settings are."""
    kept = {key: environ[key] for key in _KEPT if key in environ}
    return read_settings({**kept, "GROWLEARN_HOME": str(home)}, home)


def bundled_job() -> Path:
    """jobs/digits.yaml: inside an installed growlearn, or at the top of a checkout."""
    package = Path(growlearn.__file__).parent
    for path in (package / "_bundled" / "jobs" / "digits.yaml", package.parent / "jobs" / "digits.yaml"):
        if path.is_file():
            return path
    raise GrowLearnError("jobs/digits.yaml is missing from this installation", cure="install growlearn again")
