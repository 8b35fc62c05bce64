"""How a model runs its branches at inference."""

from __future__ import annotations

from enum import StrEnum


class Execution(StrEnum):
    """The choices at inference; everything that is measured or gated uses the loop."""

    LOOP = "loop"  # one branch after the other
    STACKED = "stacked"  # all branches of a lineage in one batched product
    WORKERS = "workers"  # a thread a branch and chunk of rows
    AUTO = "auto"  # the fastest when the model was loaded, for one row and for many
