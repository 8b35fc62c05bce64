"""A file of rows, answered by a version of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from pyarrow import feather

from growlearn.domain.errors import GrowLearnError, UnreadableFile
from growlearn.domain.lineage import Version
from growlearn.domain.window import BadRow
from growlearn.ingest.rows import object_column
from growlearn.ingest.table_rows import read_table_rows
from growlearn.ports import Artifacts, Store
from growlearn.registry.ancestry import find
from growlearn.serving.predictor import Predictor

ADDED = ("prediction", "probability", "task")


@dataclass(frozen=True, eq=False)
class Answers:
    """The file's own table with the added columns, null in rows that could not be answered."""

    table: Any  # pyarrow.Table
    version: int
    unanswered: tuple[BadRow, ...]


def answer_file(store: Store, artifacts: Artifacts, stream: str, version: int | None, file: Path) -> Answers:
    """Answer every row of a Parquet, CSV or Arrow file with a version, the champion by default.

    Raises GrowLearnError where the stream has no such version or the file cannot be used.
    """
    model = _version(store, stream, version)
    content = _content(file)
    try:
        rows, bad = read_table_rows({file.name: content}, model.manifest.schema, for_prediction=True)
    except UnreadableFile as error:
        raise GrowLearnError(f"{file}: {error.what}", cure=error.cure) from error
    table = _table(file.suffix.lower(), content)
    if len(rows) == 0:
        reason = bad[0].reason if bad else "it has none"
        raise GrowLearnError(f"{file}: no row can be answered; the first: {reason}")
    answered = np.setdiff1d(np.arange(table.num_rows), [row.row for row in bad])
    prediction, probability, task = Predictor(model.manifest, artifacts.get).answer(rows)
    for name, values in zip(ADDED, (prediction, probability, task), strict=True):
        column = object_column([None] * table.num_rows)
        column[answered] = values
        if name in table.column_names:
            table = table.drop_columns([name])
        table = table.append_column(name, pa.array(column))
    return Answers(table, model.number, bad)


def _version(store: Store, stream_name: str, version: int | None) -> Version:
    stream = store.stream(stream_name)
    number = stream.champion if version is None else version
    if number is None:
        raise GrowLearnError(
            f"stream {stream_name!r} has no champion yet",
            cure=f"name a version with --version; see: growlearn versions {stream_name}",
        )
    return find(store.versions(stream_name), number)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise GrowLearnError(f"cannot read {file}: {error.strerror}", cure="check the path") from error


def _table(suffix: str, content: bytes) -> Any:
    if suffix == ".csv":
        return pacsv.read_csv(pa.BufferReader(content))
    if suffix in (".arrow", ".feather", ".ipc"):
        return feather.read_table(pa.BufferReader(content))
    return pq.read_table(pa.BufferReader(content))


def write_answers(answers: Answers, out: Path) -> tuple[str, ...]:
    """Write .parquet or .csv; returns the columns a CSV cannot hold, such as images, which are left out."""
    suffix = out.suffix.lower()
    if suffix not in (".parquet", ".pq", ".csv"):
        raise GrowLearnError(f"cannot write {out}", cure="end the name in .parquet or .csv")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if suffix != ".csv":
            pq.write_table(answers.table, out)
            return ()
        unfit = tuple(field.name for field in answers.table.schema if not _fits_csv(field.type))
        pacsv.write_csv(answers.table.drop_columns(list(unfit)), out)
        return unfit
    except OSError as error:
        raise GrowLearnError(f"cannot write {out}: {error.strerror}", cure="check the folder") from error


def _fits_csv(kind: Any) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
