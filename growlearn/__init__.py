"""GrowLearn keeps a deployed classifier up to date by growing it, one frozen branch at a time."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_MODULES = {"GrowingModel": "growing_model", "Stream": "stream"}  # typed in __init__.pyi


def __getattr__(name: str) -> Any:
    """Import what a script asks for: both take torch along, which the command line does without."""
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.app.library.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
