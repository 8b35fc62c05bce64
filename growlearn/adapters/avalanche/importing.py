"""Importing Avalanche: torchvision's missing operators are declared first, one warning is ignored."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from growlearn.adapters.torchvision_operators import declare_missing_operators


@contextmanager
def patch_avalanche_import() -> Iterator[None]:
    """Import Avalanche inside this block; the first time takes seconds."""
    declare_missing_operators()
    with warnings.catch_warnings():
        # Avalanche's GEM strategy, not used here, imports qpsolvers, which warns of a missing solver.
        warnings.filterwarnings("ignore", "no QP solver found", UserWarning)
        yield
