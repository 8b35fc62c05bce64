"""Evidently's data drift: of each output its default score, the Wasserstein distance in standard deviations.

Its report calls the data drifted where half the columns are. Streams call the very function of its report,
for a report takes a second.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests.wasserstein_distance_norm import _wasserstein_distance_norm
from evidently.legacy.core import ColumnType
from evidently.presets import DataDriftPreset
from peers.streams import Array, Method, Rows, Update


def frame(rows: Array) -> pd.DataFrame:
    """Columns c0, c1, ..."""
    return pd.DataFrame(rows, columns=[f"c{at}" for at in range(rows.shape[1])])


def scores(known: pd.DataFrame, seen: pd.DataFrame) -> list[float]:
    """Of each column, the highest first."""
    found = [
        _wasserstein_distance_norm(known[name], seen[name], ColumnType.Numerical, 0.1)[0]
        for name in known.columns
    ]
    return sorted((float(score) for score in found), reverse=True)


def drifted(share: float) -> Callable[[Rows], Update]:
    """The threshold at which so many of the columns count as drifted; 0 for any."""

    def start(reference: Rows) -> Update:
        known = frame(reference.outputs)
        needed = max(1, int(np.ceil(share * known.shape[1])))
        return lambda rows: scores(known, frame(rows.outputs))[needed - 1]

    return start


METHODS = {
    "Evidently, half of the outputs": Method(drifted(0.5)),
    "Evidently, any output": Method(drifted(0.0)),
}


def timings(x: Array, y: Array, moved: Array):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Its report, with KS and as shipped."""
    known, seen = frame(x), frame(y)
    definition = DataDefinition(numerical_columns=list(known.columns))
    reference, current = (Dataset.from_pandas(side, data_definition=definition) for side in (known, seen))

    def report(preset: DataDriftPreset) -> None:
        Report([preset]).run(current, reference)

    return {
        "KS: Evidently DataDriftPreset, KS": partial(report, DataDriftPreset(num_method="ks")),
        "other: Evidently DataDriftPreset, as shipped (Wasserstein)": partial(report, DataDriftPreset()),
    }
