"""The rows of one file, split by task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from growlearn.domain.errors import InvalidFile
from growlearn.domain.printable import list_names
from growlearn.ingest.row_errors import RowErrors
from growlearn.ingest.rows import Column, Rows
from growlearn.ingest.table_rows import ParsedFile

_MAX_TASKS = 1_000


@dataclass(frozen=True, eq=False)
class TaskRows:
    """Valid rows of one task with their indices in the file, and the errors of its other rows."""

    task: str | None
    rows: Rows
    source_rows: Column
    row_errors: RowErrors


def split_by_task(parsed: ParsedFile) -> tuple[TaskRows, ...]:
    """One entry a task in order of first appearance; bad rows without a task count in the first."""
    if parsed.tasks is None:
        return (TaskRows(None, parsed.rows, parsed.source_rows, parsed.row_errors),)
    names: list[str | None] = list(dict.fromkeys(task for task in parsed.tasks if task)) or [None]
    if len(names) > _MAX_TASKS:
        raise InvalidFile(
            f"the task column names {len(names):,} tasks, such as {list_names(names[:3])}; at most"
            f" {_MAX_TASKS:,} are read of one file",
            hint="is it really the task? schema.task names the column",
        )
    valid_rows: dict[str | None, list[int]] = {name: [] for name in names}
    for index, source_row in enumerate(parsed.source_rows):
        valid_rows[parsed.tasks[source_row]].append(index)
    row_errors: dict[str | None, RowErrors] = {name: {} for name in names}
    for source_row, row_error in sorted(parsed.row_errors.items()):
        row_errors.get(parsed.tasks[source_row], row_errors[names[0]])[source_row] = row_error
    return tuple(
        TaskRows(name, parsed.rows.take(indices), parsed.source_rows[indices], row_errors[name])
        for name in names
        for indices in [np.array(valid_rows[name], dtype=np.int64)]
    )
