"""Hold-out rows from separate files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from growlearn.domain.errors import CannotGrow, InvalidFile
from growlearn.domain.file_limits import DEFAULT_LIMITS, FileLimits
from growlearn.domain.printable import list_names
from growlearn.domain.schema import Schema
from growlearn.ingest.duplicates import Duplicates, reject_repeats
from growlearn.ingest.rows import Column, Rows, concat_rows
from growlearn.ingest.spool import Content
from growlearn.ingest.table_rows import parse_file


@dataclass(frozen=True, eq=False)
class Holdout:
    """One task's hold-out rows, and the row hashes, uint64 [N], of every hold-out row of any task.

    No row with any of these hashes may be used for training or validation: a hold-out row of one task may
    appear in another task's window.
    """

    rows: Rows
    row_hashes: Column


def load_holdout(
    files: Mapping[str, Mapping[str, Content]],
    schema: Schema,
    task: str,
    label_kind: type | None = None,
    duplicates: Duplicates = "keep",
    limits: FileLimits = DEFAULT_LIMITS,
) -> Holdout:
    """The labelled rows of one task out of all hold-out files (content by relative path, by url).

    Bad rows are left out, and copies of a row of the same file where `duplicates` are dropped. `label_kind`
    is int or str, the kind of the labels they are compared with. Raises CannotGrow where a file cannot be
    read or no such row is left.
    """
    parts = [
        _read_holdout_file(url, blobs, schema, label_kind, duplicates, limits) for url, blobs in files.items()
    ]
    rows = concat_rows(parts) if parts else None
    tasks = () if rows is None or rows.tasks is None else tuple(dict.fromkeys(rows.tasks))
    if rows is None or task not in tasks:
        task_names = list_names(tasks) or "none"
        raise CannotGrow(
            f"no labelled hold-out row of task {task!r} in {len(files)} hold-out files"
            f" (tasks there: {task_names})",
            hint="add labelled rows of it to the folder that holdout.url names, then send the window again",
        )
    return Holdout(rows.take(np.asarray(rows.tasks == task, dtype=bool)), rows.row_hashes)


def _read_holdout_file(
    url: str,
    blobs: Mapping[str, Content],
    schema: Schema,
    label_kind: type | None,
    duplicates: Duplicates,
    limits: FileLimits,
) -> Rows:
    try:
        schema_without_id = replace(schema, id_column=None)  # nothing is joined to hold-out rows
        parsed = parse_file(blobs, schema_without_id, label_kind=label_kind, location=url, limits=limits)
        return reject_repeats(parsed, schema_without_id, duplicates).rows.select_labelled()
    except InvalidFile as error:
        raise CannotGrow(
            f"hold-out file {url} cannot be used: {error}",
            hint="fix or remove the file, then send the window again",
        ) from error
