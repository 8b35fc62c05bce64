"""A table as a file of every format that GrowLearn reads, written by Arrow and by pandas."""

from __future__ import annotations

import io
from collections.abc import Callable

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from pyarrow import feather


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def dictionary_parquet(table: pa.Table) -> bytes:
    columns = [
        column.dictionary_encode() if pa.types.is_string(column.type) else column for column in table.columns
    ]
    return parquet(pa.table(dict(zip(table.column_names, columns, strict=True))))


def pandas_parquet(table: pa.Table) -> bytes:
    """Whole numbers with a gap become floats, booleans with a gap objects, repeated text categories."""
    frame = table.to_pandas()
    text = [name for name in frame if pd.api.types.is_string_dtype(frame[name])]
    sink = io.BytesIO()
    frame.astype(dict.fromkeys(text, "category")).to_parquet(sink)
    return sink.getvalue()


def arrow_csv(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pacsv.write_csv(table, sink)
    return sink.getvalue()


def pandas_csv(table: pa.Table) -> bytes:
    content: str = table.to_pandas().to_csv(index=False)
    return content.encode()


def arrow_file(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def large_stream(table: pa.Table) -> bytes:
    large = {"string": pa.large_string(), "binary": pa.large_binary()}
    fields = [field.with_type(large.get(str(field.type), field.type)) for field in table.schema]
    table, sink = table.cast(pa.schema(fields)), io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def view_feather(table: pa.Table) -> bytes:
    views = [f.with_type(pa.string_view()) if pa.types.is_string(f.type) else f for f in table.schema]
    sink = io.BytesIO()
    feather.write_feather(table.cast(pa.schema(views)), sink)
    return sink.getvalue()


FILES: dict[str, tuple[str, Callable[[pa.Table], bytes]]] = {
    "Parquet": ("a.parquet", parquet),
    "Parquet with dictionaries": ("a.parquet", dictionary_parquet),
    "Parquet of pandas": ("a.parquet", pandas_parquet),
    "CSV of Arrow": ("a.csv", arrow_csv),
    "CSV of pandas": ("a.csv", pandas_csv),
    "Arrow file": ("a.arrow", arrow_file),
    "Arrow stream of large types": ("a.arrow", large_stream),
    "Feather of views": ("a.feather", view_feather),
}
