"""Hold-out rows that come in files of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from growlearn.domain.errors import NotGrowable, UnreadableFile
from growlearn.domain.schema import Schema
from growlearn.ingest.rows import Column, Rows, concat
from growlearn.ingest.table_rows import parse


@dataclass(frozen=True, eq=False)
class Holdout:
    """One task's hold-out rows, and the keys, uint64 [N], of every hold-out row of any task.

    No row of any of these keys may be trained or chosen on: a row of one task's hold-out may turn up
    in another task's window.
    """

    rows: Rows
    keys: Column


def load_holdout(
    files: Mapping[str, Mapping[str, bytes]], schema: Schema, task: str, label_kind: type | None = None
) -> Holdout:
    """The labelled rows of one task out of all hold-out files (content by relative path, by url).

    Bad rows are left out; `label_kind` is int or str, the kind of the labels they are to be compared
    with. Raises NotGrowable where a file cannot be read or no such row is left.
    """
    parts = [_rows(url, blobs, schema, label_kind) for url, blobs in files.items()]
    rows = concat(parts) if parts else None
    tasks = () if rows is None or rows.tasks is None else tuple(dict.fromkeys(rows.tasks))
    if rows is None or task not in tasks:
        told = ", ".join(map(repr, tasks)) or "none"
        raise NotGrowable(
            f"no labelled hold-out row of task {task!r} in {len(files)} hold-out files (tasks there: {told})",
            cure="add labelled rows of it to the folder that holdout.url names, then send the window again",
        )
    return Holdout(rows.take(np.asarray(rows.tasks == task, dtype=bool)), rows.keys)


def _rows(url: str, blobs: Mapping[str, bytes], schema: Schema, label_kind: type | None) -> Rows:
    try:
        nameless = replace(schema, key=None)  # nothing is joined to hold-out rows
        return parse(blobs, nameless, label_kind=label_kind).rows.labelled()
    except UnreadableFile as error:
        raise NotGrowable(
            f"hold-out file {url} cannot be used: {error}",
            cure="mend the file or take it away, then send the window again",
        ) from error
