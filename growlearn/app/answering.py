"""A file of rows, answered by a version of a stream."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from growlearn.domain.errors import GrowLearnError, UnreadableFile
from growlearn.domain.execution import Execution
from growlearn.domain.lineage import Version
from growlearn.domain.window import BadRow
from growlearn.ingest.flaws import bad_rows
from growlearn.ingest.formats import load_whole
from growlearn.ingest.images import IMAGE_SUFFIXES
from growlearn.ingest.rows import object_column
from growlearn.ingest.table_rows import parse
from growlearn.ports import Artifacts, Store
from growlearn.registry.ancestry import find
from growlearn.serving.predictor import Predictor, unanswerable

ADDED = ("prediction", "probability", "task")


@dataclass(frozen=True, eq=False)
class Answers:
    """The file's own table with the added columns, null in rows that could not be answered."""

    table: Any  # pyarrow.Table
    version: int
    unanswered: tuple[BadRow, ...]


def answer_file(
    store: Store,
    artifacts: Artifacts,
    stream: str,
    version: int | None,
    file: Path,
    min_probability: float = 0.0,
    execution: Execution = Execution.LOOP,
) -> Answers:
    """Answer every row of a Parquet, CSV or Arrow file, or every image below a folder.

    A version answers, the champion by default; predictions less probable than asked for are left open.
    Raises GrowLearnError where the stream has no such version or the file cannot be used.
    """
    model = _version(store, stream, version)
    contents = _contents(file)
    try:
        parsed = parse(contents, model.manifest.schema, for_prediction=True)
        names = pa.table({"file": sorted(contents)})
        table = names if file.is_dir() else load_whole(file.name, contents[file.name])
    except UnreadableFile as error:
        raise GrowLearnError(f"{file}: {error.what}", cure=error.cure) from error
    unknown = unanswerable(parsed.rows, model.manifest)
    known = np.setdiff1d(np.arange(len(parsed.rows)), list(unknown))
    bad = [*bad_rows(parsed.flaws), *(BadRow(row=int(parsed.places[i]), reason=unknown[i]) for i in unknown)]
    bad.sort(key=lambda row: row.row)
    if len(known) == 0:
        raise GrowLearnError(f"{file}: no row can be answered; the first: {bad[0].reason}")
    predictor = Predictor(model.manifest, artifacts.get, execution)
    answers = predictor.answer(parsed.rows.take(known), min_probability)
    # Columns of the file that are called as the added ones give way to them.
    table = table.select([i for i, name in enumerate(table.column_names) if name not in ADDED])
    for name, values in zip(ADDED, answers, strict=True):
        column = object_column([None] * table.num_rows)
        column[parsed.places[known]] = values
        table = table.append_column(name, pa.array(column))
    return Answers(table, model.number, tuple(bad))


def _version(store: Store, stream_name: str, version: int | None) -> Version:
    stream = store.stream(stream_name)
    number = stream.champion if version is None else version
    if number is None:
        raise GrowLearnError(
            f"stream {stream_name!r} has no champion yet",
            cure=f"name a version with --version; see: growlearn versions {stream_name}",
        )
    return find(store.versions(stream_name), number)


def _contents(path: Path) -> dict[str, bytes]:
    """A file under its name, or the images below a folder by their place in it."""
    try:
        if not path.is_dir():
            return {path.name: path.read_bytes()}
        images = sorted(
            each for each in path.rglob("*") if each.suffix.lower() in IMAGE_SUFFIXES and each.is_file()
        )
        found = {f"./{_printable(each.relative_to(path))}": each.read_bytes() for each in images}
    except OSError as error:
        raise GrowLearnError(f"cannot read {path}: {error.strerror}", cure="check the path") from error
    if not found:
        raise GrowLearnError(f"{path} holds no image", cure=f"images end in {', '.join(IMAGE_SUFFIXES)}")
    return found


def _printable(name: Path) -> str:
    """The name as text that can be written anywhere; in hex the bytes that are no UTF-8."""
    return os.fsencode(name).decode(errors="backslashreplace")


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
