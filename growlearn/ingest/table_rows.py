"""One file -> validated rows, and the rows kept out with a reason each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from growlearn.domain.errors import UnreadableFile
from growlearn.domain.schema import Schema
from growlearn.domain.window import BadRow
from growlearn.ingest.columns import decode_texts
from growlearn.ingest.duplicates import duplicates
from growlearn.ingest.flaws import Flaw, Flaws, bad_rows, flag
from growlearn.ingest.formats import Loaded, load
from growlearn.ingest.inputs import DECODERS
from growlearn.ingest.keys import decode_keys
from growlearn.ingest.label_file import is_label_file
from growlearn.ingest.labels import decode_labels
from growlearn.ingest.rows import Column, Rows, object_column, row_keys


@dataclass(frozen=True, eq=False)
class Parsed:
    """One file's good rows, where they stood in it, and what is wrong with the others.

    places: int64 [N], the place of each good row in the file. tasks: object [rows of the file], the
    task of every row, bad ones too; None where the schema names no task column or the file lacks it.
    note: what a person should know of the file, though it is no fault.
    """

    rows: Rows
    places: Column
    tasks: Column | None
    flaws: Flaws
    note: str | None = None


def read_table_rows(
    blobs: Mapping[str, bytes], schema: Schema, *, for_prediction: bool = False
) -> tuple[Rows, tuple[BadRow, ...]]:
    """The good rows of one file, in its order, and the bad ones by their place in it.

    For prediction the label is not looked at, the task column may be absent, and a row may stand
    twice. Raises UnreadableFile where nothing of the file can be used.
    """
    parsed = parse(blobs, schema, for_prediction=for_prediction)
    return parsed.rows, bad_rows(parsed.flaws)


def parse(
    blobs: Mapping[str, bytes],
    schema: Schema,
    *,
    for_prediction: bool = False,
    label_kind: type | None = None,
) -> Parsed:
    """Decode and check one file; raises UnreadableFile where nothing of it can be used.

    `label_kind` is int or str where the stream's labels are of one kind already.
    """
    loaded = load_chosen(blobs, schema, for_prediction)
    return parse_loaded(loaded, schema, for_prediction=for_prediction, label_kind=label_kind)


def load_chosen(blobs: Mapping[str, bytes], schema: Schema, for_prediction: bool = False) -> Loaded:
    """The columns of one file that the schema names, not yet looked at; those of a label file too.

    Raises UnreadableFile where one is missing or nothing of the file can be read.
    """
    return load(blobs, schema, lambda names: choose_columns(names, schema, for_prediction))


def parse_loaded(
    loaded: Loaded, schema: Schema, *, for_prediction: bool = False, label_kind: type | None = None
) -> Parsed:
    """The same of a table whose columns were chosen already."""
    table = loaded.table
    if table.num_rows == 0:
        raise UnreadableFile("the file has no rows")
    flaws: Flaws = {}
    rows = _decode(loaded, schema, flaws, for_prediction, label_kind)
    places = _unflawed(flaws, table.num_rows)
    good = rows.take(places)
    good = replace(good, keys=row_keys(good.inputs, schema))
    if not for_prediction:
        twice = "duplicate" if schema.key is None else f"duplicate {schema.key}"
        for row, earlier in duplicates(good):
            flaws[int(places[row])] = Flaw(twice, f" of row {places[earlier]}")
        fresh = np.array([place not in flaws for place in places.tolist()], dtype=bool)
        good, places = good.take(fresh), places[fresh]
    unlabelled = not for_prediction and schema.label not in table.column_names
    return Parsed(
        good,
        places,
        rows.tasks,
        _named(flaws, loaded.row_names),
        f"no column {schema.label!r}: the rows have no labels yet" if unlabelled else None,
    )


def choose_columns(names: Sequence[str], schema: Schema, for_prediction: bool) -> list[str]:
    """The columns to read of those a file has; raises UnreadableFile naming each that is missing.

    A label column may be absent, for labels may come later, unless another name looks like it.
    """
    special = [] if for_prediction else [name for name in (schema.task, schema.key) if name]
    needed = [*schema.inputs, *special]
    missing = [name for name in needed if name not in names]
    optional = {schema.task} if for_prediction else {schema.label}
    if not for_prediction and is_label_file(names, schema):
        needed, missing = [str(schema.key)], []
    if not for_prediction and schema.label not in names and _nearest(schema.label, names, schema):
        missing.append(schema.label)
    if missing:
        told = "; ".join(_missing(name, names, schema) for name in missing)
        raise UnreadableFile(f"{told}; the file has {', '.join(map(repr, names)) or 'no columns'}")
    wanted = [name for name in dict.fromkeys(names) if name in needed or name in optional]
    twice = [name for name in wanted if list(names).count(name) > 1]
    if twice:
        raise UnreadableFile(f"column {twice[0]!r} stands more than once in the file")
    return wanted


def _missing(name: str, names: Sequence[str], schema: Schema) -> str:
    nearest = _nearest(name, names, schema)
    return f"column {name!r} is missing" + (f" (did you mean {nearest!r}?)" if nearest else "")


def _nearest(name: str, names: Sequence[str], schema: Schema) -> str | None:
    """The most similar of a file's columns that the schema does not name itself."""
    known = {*schema.inputs, schema.label, schema.task, schema.key}
    others = {other.strip().lower(): other for other in names if other not in known}
    matches = get_close_matches(name.lower(), others, 1, 0.7)
    return others[matches[0]] if matches else None


def _decode(
    loaded: Loaded, schema: Schema, flaws: Flaws, for_prediction: bool, label_kind: type | None
) -> Rows:
    """Every row, flawed ones with whatever could be read; keys are left for later."""
    table = loaded.table
    inputs = {name: _decode_input(loaded, name, schema, flaws) for name in schema.inputs}
    if not for_prediction and schema.label in table.column_names:
        column = table.column(schema.label)
        labels = decode_labels(column, schema.label, flaws, loaded.is_text, label_kind)
    else:
        labels = object_column([None] * table.num_rows)
    tasks = None
    if schema.task is not None and schema.task in table.column_names:
        # A row to be answered may leave its task open: it is routed.
        unnamed: Flaws = {} if for_prediction else flaws
        tasks = decode_texts(table.column(schema.task), schema.task, unnamed)
        flag(unnamed, np.asarray(tasks == "", dtype=bool), Flaw(f"{schema.task} is an empty string"))
        tasks[tasks == ""] = None
    ids = None
    if schema.key is not None and not for_prediction:
        ids = decode_keys(table.column(schema.key), schema.key, flaws)
    return Rows(inputs, labels, tasks, np.zeros(table.num_rows, np.uint64), ids)


def _decode_input(loaded: Loaded, name: str, schema: Schema, flaws: Flaws) -> Column:
    spec = schema.inputs[name]
    return DECODERS[spec.type](loaded.table.column(name), name, spec, flaws, loaded.is_text)


def _unflawed(flaws: Flaws, n: int) -> Column:
    mask = np.ones(n, dtype=bool)
    mask[list(flaws)] = False
    return np.flatnonzero(mask)


def _named(flaws: Flaws, names: Sequence[str] | None) -> Flaws:
    """Rows that have a name of their own, as image files do, are called by it."""
    if names is None:
        return flaws
    return {row: Flaw(flaw.kind, f"{flaw.detail} in {names[row]}") for row, flaw in flaws.items()}
