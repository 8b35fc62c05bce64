"""How a model that answers runs its branches."""

from __future__ import annotations

from enum import StrEnum


class Execution(StrEnum):
    """What may be asked for where a model answers; everything that is measured or gated uses the loop."""

    LOOP = "loop"  # one branch after the other
    STACKED = "stacked"  # all branches of a lineage in one product
    MEASURED = "measured"  # whichever was fastest when the model was loaded, for one row and for many
