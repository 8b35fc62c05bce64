"""The rows of one file, told apart by task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from growlearn.ingest.flaws import Flaws
from growlearn.ingest.rows import Column, Rows
from growlearn.ingest.table_rows import Parsed


@dataclass(frozen=True, eq=False)
class Batch:
    """Good rows of one task with their places in the file, and what kept its other rows out."""

    task: str | None
    rows: Rows
    places: Column
    flaws: Flaws


def batches(parsed: Parsed) -> tuple[Batch, ...]:
    """One batch a task in order of first appearance; bad rows without a task count in the first."""
    if parsed.tasks is None:
        return (Batch(None, parsed.rows, parsed.places, parsed.flaws),)
    names: list[str | None] = list(dict.fromkeys(task for task in parsed.tasks if task)) or [None]
    good: dict[str | None, list[int]] = {name: [] for name in names}
    for index, place in enumerate(parsed.places):
        good[parsed.tasks[place]].append(index)
    flaws: dict[str | None, Flaws] = {name: {} for name in names}
    for place, flaw in sorted(parsed.flaws.items()):
        flaws.get(parsed.tasks[place], flaws[names[0]])[place] = flaw
    return tuple(
        Batch(name, parsed.rows.take(which), parsed.places[which], flaws[name])
        for name in names
        for which in [np.array(good[name], dtype=np.int64)]
    )
