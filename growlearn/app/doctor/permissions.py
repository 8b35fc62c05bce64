"""Checks that other users of this machine cannot read the home, or a settings file with credentials."""

from __future__ import annotations

import re
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from growlearn.app.doctor.context import CheckContext
from growlearn.app.doctor.finding import Finding, ok_finding, warning_finding
from growlearn.domain.redaction import redact
from growlearn.settings import SETTINGS_FILE

_WEBHOOK_KEY = re.compile(r"^\s*webhook_(url|secret)\s*=", re.MULTILINE)


def permissions(context: CheckContext) -> Iterator[Finding]:
    """A home that others may enter, and a `growlearn.toml` with a password that others may read."""
    home, settings_file = context.settings.home, Path(SETTINGS_FILE).absolute()
    if not home.exists():
        yield ok_finding("permissions", f"{home} will be made for this user alone")
        return
    is_open = _get_mode_of_others(home) != 0
    if is_open:
        yield _make_warning(f"other users may read {home}, with rows, weights and database", home, "700")
    if _holds_credentials(settings_file) and _get_mode_of_others(settings_file):
        is_open = True
        yield _make_warning(f"other users may read the credentials in {settings_file}", settings_file, "600")
    if not is_open:
        yield ok_finding("permissions", f"{home} is for this user alone")


def _get_mode_of_others(path: Path) -> int:
    return path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _holds_credentials(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):  # the check of the settings reports it
        return False
    return redact(text) != text or _WEBHOOK_KEY.search(text) is not None


def _make_warning(message: str, path: Path, mode: str) -> Finding:
    hint = f"unless they are meant to, run: chmod {mode} {shlex.quote(str(path))}"
    return warning_finding("permissions", message, hint)
