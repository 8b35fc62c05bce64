"""Hold-out rows that come in files of their own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from growlearn.domain.errors import NotGrowable, UnreadableFile
from growlearn.domain.schema import Schema
from growlearn.ingest.rows import Rows, concat
from growlearn.ingest.table_rows import parse


def load_holdout(files: Mapping[str, Mapping[str, bytes]], schema: Schema, task: str) -> Rows:
    """The labelled rows of one task out of all hold-out files (content by relative path, by url).

    Bad rows are left out. Raises NotGrowable where a file cannot be read or no such row is left.
    """
    parts: list[Rows] = []
    tasks: dict[str, None] = {}
    for url, blobs in files.items():
        rows = _rows(url, blobs, schema).labelled()
        tasks.update(dict.fromkeys(rows.tasks if rows.tasks is not None else ()))
        if rows.tasks is not None:
            parts.append(rows.take(np.asarray(rows.tasks == task, dtype=bool)))
    if not sum(map(len, parts)):
        told = ", ".join(map(repr, tasks)) or "none"
        raise NotGrowable(
            f"no labelled hold-out row of task {task!r} in {len(files)} hold-out files (tasks there: {told})",
            cure="add labelled rows of it to the folder that holdout.url names, then send the window again",
        )
    return concat(parts)


def _rows(url: str, blobs: Mapping[str, bytes], schema: Schema) -> Rows:
    try:
        return parse(blobs, schema).rows
    except UnreadableFile as error:
        raise NotGrowable(
            f"hold-out file {url} cannot be used: {error}",
            cure="mend the file or take it away, then send the window again",
        ) from error
