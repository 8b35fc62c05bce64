"""The settings of this process: its environment and its working folder."""

from __future__ import annotations

import os
from pathlib import Path

from growlearn.settings import Settings, read_settings


def load_settings() -> Settings:
    """Read anew at each call, so that a test may change folder and environment."""
    return read_settings(os.environ, Path.cwd())
