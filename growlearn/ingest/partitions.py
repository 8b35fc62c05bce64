"""Columns that a writer put into the names of folders (`site=3/part-0.parquet`): refused, not lost."""

from __future__ import annotations

from collections.abc import Collection

from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import Schema
from growlearn.ingest.label_file import is_label_file


def find_partitions(location: str) -> dict[str, str]:
    """The folders of a path or URL that are named COLUMN=VALUE, by column.

    >>> find_partitions("/data/year=2013/site=3/part-0.parquet")
    {'year': 'year=2013', 'site': 'site=3'}
    """
    folders = [folder for folder in location.split("/")[:-1] if folder.find("=") > 0]
    return {folder.partition("=")[0]: folder for folder in folders}


def check_partitions(
    location: str, names: Collection[str], schema: Schema, *, for_prediction: bool = False
) -> None:
    """Raise InvalidFile where a column of the schema is not among a file's, but in its folders' names.

    Without it a label or, in prediction, a task would seem to be unknown.
    """
    if is_label_file(list(names), schema):
        return
    special_columns = (schema.task,) if for_prediction else (schema.label, schema.task, schema.id_column)
    for name, folder in find_partitions(location).items():
        if name in (*schema.inputs, *special_columns) and name not in names:
            raise InvalidFile(
                f"column {name!r} is not in the file but in the name of its folder, {folder!r}",
                hint=f"write {name} into the files too: columns are read from files alone",
            )
