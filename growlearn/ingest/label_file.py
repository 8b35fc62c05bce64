"""A label file for rows of other files: the id column and the label column, and no input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import Label, Schema
from growlearn.ingest.columns import decode_texts
from growlearn.ingest.formats import RawTable
from growlearn.ingest.labels import decode_labels
from growlearn.ingest.row_errors import RowError, RowErrors, mark_rows
from growlearn.ingest.rows import Column


@dataclass(frozen=True)
class LabelRow:
    """One label, and the index of its row in the file."""

    label: Label
    source_row: int


def is_label_file(names: Sequence[str], schema: Schema) -> bool:
    """Whether columns of these names make a label file.

    >>> from growlearn.domain.schema import InputColumn, InputType
    >>> schema = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, label="y", id_column="id")
    >>> is_label_file(["id", "y", "note"], schema), is_label_file(["id", "x", "y"], schema)
    (True, False)
    """
    has_id_and_label = {schema.id_column, schema.label} <= {*names}
    return (
        schema.id_column is not None and has_id_and_label and not any(name in names for name in schema.inputs)
    )


def read_labels(
    raw_table: RawTable, schema: Schema, label_kind: type | None
) -> tuple[dict[str, LabelRow], RowErrors, str | None]:
    """Labels by row id, in the order of the file, the errors of other rows, and a note on merged labels.

    `label_kind` is int or str where the stream's labels already have one kind. A repeated row id counts once.
    Raises InvalidFile where no row of the file is usable.
    """
    assert schema.id_column is not None
    table: Any = raw_table.table
    if table.num_rows == 0:
        raise InvalidFile("the file has no rows")
    row_errors: RowErrors = {}
    row_ids = decode_texts(table.column(schema.id_column), schema.id_column, row_errors)
    decoded = decode_labels(table.column(schema.label), schema.label, row_errors, label_kind)
    is_missing = np.array([label is None for label in decoded.labels], dtype=bool)
    mark_rows(row_errors, is_missing, RowError(f"{schema.label} is missing"))
    label_rows = _index_by_row_id(row_ids, decoded.labels, schema.id_column, row_errors)
    return label_rows, row_errors, decoded.note


def _index_by_row_id(
    row_ids: Column, labels: Column, name: str, row_errors: RowErrors
) -> dict[str, LabelRow]:
    label_rows: dict[str, LabelRow] = {}
    for source_row in [source_row for source_row in range(len(row_ids)) if source_row not in row_errors]:
        first = label_rows.setdefault(row_ids[source_row], LabelRow(labels[source_row], source_row))
        if first.source_row != source_row:
            difference = (
                "" if first.label == labels[source_row] else f" with another label, {labels[source_row]!r}"
            )
            row_errors[source_row] = RowError(f"duplicate {name}", f" of row {first.source_row}{difference}")
    return label_rows
