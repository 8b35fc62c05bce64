"""Python's garbage collector in a process that runs for months."""

from __future__ import annotations

import gc


def exempt_imports() -> None:
    """Take all objects that exist now out of the collector's sight; call it once everything is imported.

    A full collection waits until objects grow by a quarter, and those of torch, MLflow and matplotlib are
    nearly a million: cycles of some hundred windows, 0.4 MB each, lay in memory until then. Without them, the
    few that a window makes are collected soon, and cheaply. The last collection makes the collector count
    anew.
    """
    gc.collect()
    gc.freeze()
    gc.collect()
