"""GrowLearn keeps a deployed classifier up to date by growing it, one frozen branch at a time."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from growlearn.app.library.growing_model import GrowingModel
    from growlearn.app.library.stream import Stream

__all__ = ["GrowingModel", "Stream"]
__version__ = "0.1.0"

_MODULES = {"GrowingModel": "growlearn.app.library.growing_model", "Stream": "growlearn.app.library.stream"}


def __getattr__(name: str) -> Any:
    """Import what a script asks for: both take torch along, which the command line does without."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
