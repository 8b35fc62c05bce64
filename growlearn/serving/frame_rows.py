"""The rows of a pandas data frame, checked like a source file's."""

from __future__ import annotations

from datetime import date
from numbers import Number

import numpy as np
import pandas as pd
import pyarrow as pa

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import InputType, Schema
from growlearn.ingest.formats import RawTable
from growlearn.ingest.row_errors import to_bad_rows
from growlearn.ingest.rows import Rows
from growlearn.ingest.table_rows import parse_for_prediction
from growlearn.serving.known_tasks import find_unknown_task_rows

_SPELLED_TYPES = (InputType.CATEGORY, InputType.BOOLEAN, InputType.TEXT)


def read_frame_rows(frame: pd.DataFrame, manifest: Manifest) -> Rows:
    """The rows of a frame, checked like a source file's; raises GrowLearnError at the first bad one."""
    return read_known_rows(to_arrow_table(frame, manifest.schema), manifest)


def to_arrow_table(frame: pd.DataFrame, schema: Schema | None) -> pa.Table:
    """A frame as a file would hold it; columns that the schema reads as text become text.

    Raises GrowLearnError where there is no row, or a column has values of several types.
    """
    if frame.empty:
        raise GrowLearnError("there are no rows", hint="give at least one")
    try:
        frame = _arrays_to_lists(_convert_to_utc(frame))
        if schema is not None:
            frame = _spell_mixed_columns(frame, schema)
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, ValueError) as error:  # Arrow errors have two arguments
        raise GrowLearnError(
            f"the rows cannot be read: {'; '.join(map(str, error.args))}",
            hint="give every column values of one type and a unique name",
        ) from error


def read_known_rows(table: pa.Table, manifest: Manifest) -> Rows:
    """The rows of a table, which name no unknown task; raises GrowLearnError at the first bad one."""
    parsed = parse_for_prediction(RawTable(table), manifest.schema)
    reasons = {bad.row: bad.reason for bad in to_bad_rows(parsed.row_errors)}
    reasons = reasons or find_unknown_task_rows(parsed.rows, manifest)
    if reasons:
        first_row = min(reasons)
        more = f" (and {len(reasons) - 1} more rows)" if len(reasons) > 1 else ""
        raise GrowLearnError(
            f"row {first_row} cannot be predicted: {reasons[first_row]}{more}",
            hint="fix or remove these rows",
        )
    return parsed.rows


def _convert_to_utc(frame: pd.DataFrame) -> pd.DataFrame:
    """Times with a zone as Arrow's own type, in UTC; pandas warns where Arrow converts its type."""
    converted = frame.copy(deep=False)
    for index, kind in enumerate(frame.dtypes):
        if isinstance(kind, pd.DatetimeTZDtype):
            arrow_type = pd.ArrowDtype(pa.timestamp(kind.unit, "UTC"))
            converted.isetitem(index, frame.iloc[:, index].astype(arrow_type).array)
    return converted


def _spell_mixed_columns(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Text in columns read as text whose values have several types: Arrow has no type for them."""
    names = [name for name, spec in schema.inputs.items() if spec.type in _SPELLED_TYPES]
    names += [] if schema.task is None else [schema.task]
    columns = {name: frame[name] for name in names if list(frame.columns).count(name) == 1}
    for name, column in columns.items():
        cells = column.astype(object) if isinstance(column.dtype, pd.CategoricalDtype) else column
        if pd.api.types.infer_dtype(cells, skipna=True).startswith("mixed"):
            columns[name] = cells.map(_scalar_to_text, na_action="ignore")
    return frame.assign(**columns)


def _scalar_to_text(cell: object) -> object:
    return str(cell) if isinstance(cell, bool | np.bool_ | Number | date) else cell


def _arrays_to_lists(frame: pd.DataFrame) -> pd.DataFrame:
    """Convert multidimensional array cells to nested lists, which Arrow reads."""
    objects = frame.loc[:, [dtype == np.dtype(object) for dtype in frame.dtypes]]
    if not any(_is_multidimensional(cell) for cell in objects.to_numpy().flat):
        return frame
    return frame.map(lambda cell: cell.tolist() if _is_multidimensional(cell) else cell)


def _is_multidimensional(cell: object) -> bool:
    return isinstance(cell, np.ndarray) and cell.ndim > 1
