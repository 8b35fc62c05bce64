"""One table in every format that GrowLearn reads: the same rows, hashes, ids and labels.

Files are written by Arrow and by pandas, the two writers that disagree most; rows to predict are files, data
frames, frames as MLflow passes them on, and JSON over HTTP.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from mlflow.models.utils import _enforce_schema

from growlearn.adapters.mlflow.example import make_signature
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Label, Schema
from growlearn.ingest.rows import Rows
from growlearn.ingest.table_rows import read_table_rows
from growlearn.serving.frame_rows import read_frame_rows
from tests.table_formats import FILES, pandas_csv, parquet

with warnings.catch_warnings():  # importing it warns of type hints in MLflow itself
    warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType")
    from mlflow.pyfunc.scoring_server import _parse_json_data

SCHEMA = Schema(
    inputs={"x": InputColumn(type=InputType.NUMBER), "c": InputColumn(type=InputType.CATEGORY)},
    label="y",
    task="t",
    id_column="id",
)


def model_of(*tasks: str) -> Manifest:
    """A model that knows these tasks; rows are read for it, not predicted."""
    heads = tuple(TaskHead(name=name, classes=(0, 1), lineage=(), sha256="") for name in tasks)
    return Manifest(stream="s", schema=SCHEMA, model=ModelConfig(), branches=(), tasks=heads)


def served_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame as `pyfunc.predict` passes it to the model."""
    served: pd.DataFrame = _enforce_schema(frame, make_signature(model_of("t")).inputs)
    return served


def to_json(cell: Any) -> Any:
    return float(cell) if isinstance(cell, Decimal) else str(cell)


def http_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame that MLflow's server makes of a request."""
    split = frame.to_dict(orient="split", index=False)
    cells = [[None if pd.isna(cell) else cell for cell in row] for row in split["data"]]
    inputs = make_signature(model_of("t")).inputs
    request = json.dumps({"dataframe_split": {"columns": split["columns"], "data": cells}}, default=to_json)
    return served_frame(_parse_json_data(request, None, inputs).data)  # type: ignore[no-untyped-call]


FRAMES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "data frame": lambda frame: frame,
    "data frame of Arrow types": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "data frame of categories": lambda frame: frame.astype({"c": "category", "t": "category"}),
    "data frame through MLflow": served_frame,
    "JSON over HTTP": http_frame,
}

DAY, HOUR = datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 1, 1, 5, 30, tzinfo=UTC)
VALUES: dict[str, tuple[pa.Array, list[str]]] = {
    "booleans": (pa.array([True, False, True]), ["true", "false", "true"]),
    "booleans with a gap": (pa.array([True, None, False]), ["true", "false"]),
    "whole numbers": (pa.array([7, -12, 0], pa.int16()), ["7", "-12", "0"]),
    "whole numbers with a gap": (pa.array([7, None, 12]), ["7", "12"]),
    "whole numbers as floats": (pa.array([7.0, -0.0, 123456789.0]), ["7", "0", "123456789"]),
    "numbers beyond 2^53": (
        pa.array([2**53 + 1, 2**53, 2**64 - 1], pa.uint64()),
        ["9007199254740993", "9007199254740992", "18446744073709551615"],
    ),
    "fractions": (pa.array([1.6, 2.0, 0.1]), ["1.6", "2", "0.1"]),
    "fractions in float32": (pa.array([1.6, 2.0, 0.1], pa.float32()), ["1.6", "2", "0.1"]),
    "whole decimals": (pa.array([Decimal(7), None, Decimal(12)], pa.decimal128(10, 0)), ["7", "12"]),
    "dates": (pa.array([date(2013, 1, 1), None, date(2013, 2, 1)]), ["2013-01-01", "2013-02-01"]),
    "midnights": (pa.array([DAY, DAY, None], pa.timestamp("ns")), ["2013-01-01"] * 2),
    "times": (pa.array([DAY, HOUR, None], pa.timestamp("us")), ["2013-01-01", "2013-01-01 05:30:00"]),
    "zoned times": (
        pa.array([DAY, HOUR], pa.timestamp("us", "Asia/Tokyo")),
        ["2013-01-01", "2013-01-01 05:30:00"],
    ),
    "text": (pa.array(["007", "1e3", "0x1F", "1.10"]), ["007", "1e3", "0x1F", "1.10"]),
    "text with spaces": (pa.array([" red", "red ", "  ", ""]), ["red", "red"]),
    "text in two Unicode forms": (pa.array(["cafe\u0301", "caf\u00e9"]), ["caf\u00e9"] * 2),
    "text of other values": (pa.array(["True", "7.0", "1e+05"]), ["true", "7", "100000"]),
}


def table_of(values: pa.Array, column: str) -> pa.Table:
    """A table whose column has these values, and other columns that are the same in every format."""
    row = range(len(values))
    columns = {
        "x": [i + 0.5 for i in row],
        "c": ["c"] * len(row),
        "t": ["t"] * len(row),
        "id": [f"r{i}" for i in row],
        "y": [i % 2 for i in row],
    }
    return pa.table({**columns, column: values})


def contents(rows: Rows) -> dict[str, Any]:
    """Everything a model, a split or a join reads of the rows, comparable with ==."""
    columns = {name: column.tolist() for name, column in rows.inputs.items()}
    other = (rows.labels, rows.row_hashes, *(c for c in (rows.tasks, rows.row_ids) if c is not None))
    return {**columns, "other": [column.tolist() for column in other]}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("column", ["c", "t", "id"])
@pytest.mark.parametrize("values", VALUES)
def test_a_file_gives_the_same_rows_in_every_format(values: str, column: str, file: str) -> None:
    cells, spelled = VALUES[values]
    table, (name, write) = table_of(cells, column), FILES[file]
    rows, bad = read_table_rows({name: write(table)}, SCHEMA)
    expected, expected_bad = read_table_rows({"a.parquet": parquet(table)}, SCHEMA)
    assert (contents(rows), bad) == (contents(expected), expected_bad)
    read = {"c": rows.inputs["c"], "t": rows.tasks, "id": rows.row_ids}[column]
    assert read is not None
    assert [text for text in read if text is not None] == spelled


# pyarrow asks pandas for values without their time zone, which it knows
@pytest.mark.filterwarnings("ignore:.*values returning an ndarray that drops timezone")
@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("column", ["c", "t"])
@pytest.mark.parametrize("values", VALUES)
def test_rows_to_predict_are_the_rows_of_a_file(values: str, column: str, frame: str) -> None:
    cells, spelled = VALUES[values]
    table = table_of(cells, column)
    table = table.filter(
        pa.array([bool(str(cell).strip()) and cell is not None for cell in cells.to_pylist()])
    )
    expected, _ = read_table_rows({"a.csv": pandas_csv(table)}, SCHEMA, for_prediction=True)
    rows = read_frame_rows(FRAMES[frame](table.to_pandas()), model_of("t", *spelled))
    assert contents(rows) == contents(expected)


NUMBERS: dict[str, tuple[pa.Array, list[float]]] = {
    "decimals": (pa.array([Decimal("1.20"), Decimal("-0.07")]), [1.2, -0.07]),
    "long decimals": (pa.array([Decimal("1.2"), Decimal("2.675")], pa.decimal128(38, 20)), [1.2, 2.675]),
    "float32": (pa.array([0.1, 2.675, 16777217.0, -0.0], pa.float32()), [0.1, 2.675, 16777216.0, 0.0]),
    "doubles": (pa.array([0.1, 1e-300, 1e22, 1 / 3]), [0.1, 1e-300, 1e22, 1 / 3]),
    "integers beyond 2^53": (pa.array([2**53 + 1, 7], pa.uint64()), [2.0**53, 7.0]),
    "booleans": (pa.array([True, False]), [1.0, 0.0]),
}


@pytest.mark.parametrize("numbers", NUMBERS)
def test_a_number_is_the_double_nearest_to_what_is_written(numbers: str) -> None:
    cells, doubles = NUMBERS[numbers]
    table = table_of(cells, "x")
    read = [read_table_rows({name: write(table)}, SCHEMA)[0] for name, write in FILES.values()]
    asked = [read_frame_rows(to_frame(table.to_pandas()), model_of("t")) for to_frame in FRAMES.values()]
    for rows in (*read, *asked):
        assert rows.inputs["x"].tolist() == doubles
        assert rows.row_hashes.tolist() == read[0].row_hashes.tolist()


LABELS: dict[str, tuple[pa.Array, list[Label | None]]] = {
    "booleans": (pa.array([True, False]), [1, 0]),
    "booleans with a gap": (pa.array([True, None, False]), [1, None, 0]),
    "whole numbers": (pa.array([7, -1], pa.int8()), [7, -1]),
    "whole numbers with a gap": (pa.array([7, None, 12]), [7, None, 12]),
    "decimals with a gap": (pa.array([Decimal("7.00"), None]), [7, None]),
    "neighbours beyond 2^53": (pa.array([2**53 + 1, 2**53]), [2**53 + 1, 2**53]),
    "numbers beyond 64 bits": (pa.array([2**64 - 1, 1], pa.uint64()), ["18446744073709551615", "1"]),
    "text": (pa.array(["red", "blue ", "", None]), ["red", "blue", None, None]),
    "text of numbers": (pa.array(["7", "12", "-1"]), [7, 12, -1]),
    "text of booleans": (pa.array(["True", "False"]), [1, 0]),
    "padded numbers": (pa.array(["007", "7", "31"]), ["007", "7", "31"]),
    "exponents": (pa.array(["1e3", "1000"]), ["1e3", "1000"]),
    "hexadecimals": (pa.array(["0x1F", "31"]), ["0x1F", "31"]),
    "versions": (pa.array(["1.0", "1", "1.0-beta"]), ["1.0", "1", "1.0-beta"]),
    "dates": (pa.array([date(2013, 1, 1), None]), ["2013-01-01", None]),
}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("labels", LABELS)
def test_a_label_is_the_same_in_every_format(labels: str, file: str) -> None:
    cells, expected = LABELS[labels]
    name, write = FILES[file]
    rows, bad = read_table_rows({name: write(table_of(cells, "y"))}, SCHEMA)
    assert bad == ()
    assert rows.labels.tolist() == expected
    assert [type(label) for label in rows.labels] == [type(label) for label in expected]


@pytest.mark.parametrize("frame", FRAMES)
def test_cells_of_several_types_in_one_column_are_spelled_like_text(frame: str) -> None:
    cells: list[Any] = [True, 7, 7.0, 1.6, "red", np.bool_(False)]
    rows = read_frame_rows(FRAMES[frame](pd.DataFrame({"x": 1.0, "c": cells, "t": "t"})), model_of("t"))
    assert rows.inputs["c"].tolist() == ["true", "7", "7", "1.6", "red", "false"]
