"""Imports what a delivery to MLflow needs, before it is needed."""

from __future__ import annotations

import importlib
import sys

from growlearn.adapters.mlflow.silence import silence_warnings

_LOCAL_STORE = "mlflow.store.tracking.sqlalchemy_store"  # it warns of its own use of SQLAlchemy


def preload_delivery() -> None:
    """Import MLflow, its local store and what draws plots: seconds, which a thread can spend waiting."""
    for module in ("versions", "evaluation"):
        importlib.import_module(f"growlearn.adapters.mlflow.{module}")
    if _LOCAL_STORE not in sys.modules:
        with silence_warnings():
            importlib.import_module(_LOCAL_STORE)
