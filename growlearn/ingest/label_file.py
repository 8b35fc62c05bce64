"""A file of labels for rows that came before: the key and the label column, and no input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from growlearn.domain.errors import UnreadableFile
from growlearn.domain.schema import Label, Schema
from growlearn.ingest.flaws import Flaw, Flaws, flag
from growlearn.ingest.formats import Loaded
from growlearn.ingest.keys import decode_keys
from growlearn.ingest.labels import decode_labels
from growlearn.ingest.rows import Column


@dataclass(frozen=True)
class Told:
    """One label, and the place in its file of the row that tells it."""

    label: Label
    place: int


def is_label_file(names: Sequence[str], schema: Schema) -> bool:
    """Whether columns of these names tell labels alone.

    >>> from growlearn.domain.schema import Input, InputType
    >>> schema = Schema(inputs={"x": Input(type=InputType.NUMBER)}, label="y", key="id")
    >>> is_label_file(["id", "y", "note"], schema), is_label_file(["id", "x", "y"], schema)
    (True, False)
    """
    named = {schema.key, schema.label} <= {*names}
    return schema.key is not None and named and not any(name in names for name in schema.inputs)


def read_labels(loaded: Loaded, schema: Schema, kind: type | None) -> tuple[dict[str, Told], Flaws]:
    """Labels by key, in the order of the file, and what is wrong with other rows.

    `kind` is int or str where the stream's labels are of one kind already. A key that stands twice counts
    once. Raises UnreadableFile where nothing of the file can be used.
    """
    assert schema.key is not None
    table: Any = loaded.table
    if table.num_rows == 0:
        raise UnreadableFile("the file has no rows")
    flaws: Flaws = {}
    keys = decode_keys(table.column(schema.key), schema.key, flaws)
    labels = decode_labels(table.column(schema.label), schema.label, flaws, loaded.is_text, kind)
    unknown = np.array([label is None for label in labels], dtype=bool)
    flag(flaws, unknown, Flaw(f"{schema.label} is missing"))
    return _by_key(keys, labels, schema.key, flaws), flaws


def _by_key(keys: Column, labels: Column, name: str, flaws: Flaws) -> dict[str, Told]:
    told: dict[str, Told] = {}
    for place in [place for place in range(len(keys)) if place not in flaws]:
        first = told.setdefault(keys[place], Told(labels[place], place))
        if first.place != place:
            more = "" if first.label == labels[place] else f" with another label, {labels[place]!r}"
            flaws[place] = Flaw(f"duplicate {name}", f" of row {first.place}{more}")
    return told
