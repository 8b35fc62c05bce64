"""Rows whose task a model knows."""

from __future__ import annotations

import numpy as np

from growlearn.domain.lineage import Manifest
from growlearn.domain.printable import list_names, quote_name
from growlearn.ingest.rows import Rows


def find_unknown_task_rows(rows: Rows, manifest: Manifest) -> dict[int, str]:
    """Rows that name a task unknown to the model, by index, with the reason."""
    if rows.tasks is None:
        return {}
    known = list_names(head.name for head in manifest.tasks)
    unknown = {name for name in rows.tasks if name is not None and not manifest.task_versions(name)}
    return {
        int(index): f"task {quote_name(rows.tasks[index])} is not known (known tasks: {known})"
        for index in np.flatnonzero([name in unknown for name in rows.tasks])
    }
