"""Avalanche imported without harm: torchvision's cure first, and a warning that concerns nobody here."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from growlearn.adapters.avalanche.torchvision_operators import declare_missing


@contextmanager
def avalanche_importable() -> Iterator[None]:
    """Import Avalanche inside this block; the first time takes seconds."""
    declare_missing()
    with warnings.catch_warnings():
        # qpsolvers serves Avalanche's GEM strategy, which is not used here, and misses a solver.
        warnings.filterwarnings("ignore", "no QP solver found", UserWarning)
        yield
