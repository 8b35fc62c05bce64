"""Python's garbage collector in a process that imports a million objects, and may run for months."""

from __future__ import annotations

import gc

_USUAL_THRESHOLDS = gc.get_threshold()
_YOUNG_OBJECTS = 10_000  # that start a collection; 700 unless told


def collect_rarely() -> None:
    """Collect after 10,000 new objects, and all after a million; call it before the large imports.

    Nearly all that torch, MLflow and Avalanche make while they are imported stays: nine collections of all
    objects took a tenth of a command's CPU time.
    """
    gc.set_threshold(_YOUNG_OBJECTS)


def exempt_imports() -> None:
    """Take all objects that exist now out of the collector's sight; call it once everything is imported.

    A full collection waits until objects grow by a quarter, and those of torch, MLflow and matplotlib are
    nearly a million: cycles of some hundred windows, 0.4 MB each, lay in memory until then. Without them, the
    few that a window makes are collected soon, and cheaply, as often as Python does unless told. The last
    collection makes the collector count anew.
    """
    gc.set_threshold(*_USUAL_THRESHOLDS)
    gc.collect()
    gc.freeze()
    gc.collect()
