"""Creates the demo's own folder; never deletes other files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import growlearn
from growlearn.domain.errors import GrowLearnError
from growlearn.settings import Settings, read_settings

_MARKER_FILE = ".growlearn-demo"
_INHERITED_VARIABLES = ("GROWLEARN_THREADS",)


def make_demo_home(home: Path, *, overwrite: bool) -> Path:
    """Create an empty demo folder; with `overwrite`, an earlier demo is removed.

    Raises GrowLearnError where the folder holds other files.
    """
    if home.exists() and any(home.iterdir()):
        if not (home / _MARKER_FILE).exists():
            raise GrowLearnError(f"{home} holds other files than a demo's", hint="choose another --home")
        if not overwrite:
            raise GrowLearnError(f"{home} holds an earlier demo", hint="add --overwrite to start again")
        shutil.rmtree(home)
    try:
        home.mkdir(parents=True, exist_ok=True)
        (home / _MARKER_FILE).touch()
    except OSError as error:
        raise GrowLearnError(f"cannot make {home}: {error.strerror}", hint="choose another --home") from error
    return home.resolve()


def load_demo_settings(home: Path, environ: Mapping[str, str]) -> Settings:
    """Settings that keep everything inside the demo's folder, whatever this machine's settings are."""
    inherited = {key: environ[key] for key in _INHERITED_VARIABLES if key in environ}
    return read_settings({**inherited, "GROWLEARN_HOME": str(home)}, home)


def find_bundled_job() -> Path:
    """The path of jobs/digits.yaml: in an installed growlearn, or at the top of a checkout."""
    package = Path(growlearn.__file__).parent
    for path in (package / "_bundled" / "jobs" / "digits.yaml", package.parent / "jobs" / "digits.yaml"):
        if path.is_file():
            return path
    raise GrowLearnError("jobs/digits.yaml is missing from this installation", hint="install growlearn again")
