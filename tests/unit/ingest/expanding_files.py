"""Small files that claim, share or compress much more than they hold, and what is said of each."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from growlearn.domain.schema import InputColumn, InputType, Schema

WORD = "w" * 1_000_000
ROWS = 2**20

NUMBER = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
NAMED = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, task="task", id_column="id")
CATEGORY = Schema(inputs={"x": InputColumn(type=InputType.CATEGORY)})
TEXT = Schema(inputs={"x": InputColumn(type=InputType.TEXT)})
IMAGE = Schema(inputs={"x": InputColumn(type=InputType.IMAGE, shape=(3, 8, 8))})
TOKENS = Schema(inputs={"x": InputColumn(type=InputType.TOKENS, vocabulary=10, length=100_000)})
SERIES = Schema(inputs={"x": InputColumn(type=InputType.SERIES, shape=(4, 1))})
LARGE_IMAGES = Schema(inputs={"x": InputColumn(type=InputType.IMAGE, shape=(3, 20_000, 20_000))})


def stream(*batches: Any, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression, allow_64bit=True)
    with pa.ipc.new_stream(sink, batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


def arrow_file(*batches: Any, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression, allow_64bit=True)
    with pa.ipc.new_file(sink, batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


def batch(rows: int | None = None, **columns: Any) -> Any:
    arrays = {
        name: cells if isinstance(cells, pa.Array) else pa.array(cells) for name, cells in columns.items()
    }
    if rows is not None and "label" not in arrays:
        arrays["label"] = nulls(rows)
    return pa.RecordBatch.from_arrays(list(arrays.values()), list(arrays))


def parquet(table: Any, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def constant_parquet(rows: int, parts: int, **options: Any) -> bytes:
    """Zeros, so many in each row group; written once, the group of zeros compresses to almost nothing."""
    table = pa.table({"x": np.zeros(rows // parts), "label": pa.nulls(rows // parts, pa.int64())})
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, table.schema, **options) as writer:
        for _ in range(parts):
            writer.write_table(table)
    return sink.getvalue()


def dictionary(value: Any, rows: int = ROWS) -> Any:
    indices = pa.array(np.zeros(rows, np.int32))
    return pa.DictionaryArray.from_arrays(
        indices, value if isinstance(value, pa.Array) else pa.array([value])
    )


def views(kind: Any, word: bytes, rows: int = ROWS) -> Any:
    """A view array of which every cell is the same long value."""
    view = np.frombuffer(np.int32(len(word)).tobytes() + word[:4] + np.zeros(2, np.int32).tobytes(), np.uint8)
    buffers = [None, pa.py_buffer(np.tile(view, rows)), pa.py_buffer(word)]
    return pa.Array.from_buffers(kind, rows, buffers)


def growing_views(rows: int = ROWS) -> Any:
    """A view array of which each cell is another part of one long value."""
    fields = np.zeros((rows, 4), np.int32)
    fields[:, 0] = 900_000 + np.arange(rows) % 100_000
    fields[:, 1] = np.frombuffer(b"wwww", np.int32)[0]
    return pa.Array.from_buffers(
        pa.string_view(), rows, [None, pa.py_buffer(fields), pa.py_buffer(WORD.encode())]
    )


def nulls(rows: int) -> Any:
    """Nulls without any byte for them; pa.nulls would allocate a bit each."""
    return pa.Array.from_buffers(pa.null(), rows, [None])


def empty_lists(rows: int) -> Any:
    kind, no_values = pa.list_(pa.float64(), 0), pa.array([], pa.float64())
    return pa.Array.from_buffers(kind, rows, [None], children=[no_values])


def runs(value: Any, rows: int) -> Any:
    return pa.RunEndEncodedArray.from_arrays(pa.array([rows], pa.int64()), pa.array([value]))


def png(side: int) -> bytes:
    sink = io.BytesIO()
    Image.new("1", (side, side)).save(sink, "PNG")
    return sink.getvalue()


def good_file(schema: Schema) -> bytes:
    """Two rows that the schema reads."""
    cells: Mapping[InputType, Any] = {
        InputType.NUMBER: [0.5, 1.5],
        InputType.CATEGORY: ["a", "b"],
        InputType.TEXT: ["a", "b"],
        InputType.IMAGE: [png(8), png(8)],
        InputType.TOKENS: [[1], [2, 3]],
        InputType.SERIES: [[0.0] * 4, [1.0] * 4],
    }
    columns = {"x": cells[schema.inputs["x"].type], "label": [0, 1], "task": ["t", "t"], "id": [1, 2]}
    return parquet(pa.table(columns))


def prefixed_parquet() -> bytes:
    """Texts of 1 MB that differ in their last digits, each stored as what differs."""
    texts = [WORD + f"{i:06}" for i in range(100)]
    table = pa.table({"x": texts, "label": pa.nulls(100, pa.int64())})
    encodings = {"x": "DELTA_BYTE_ARRAY"}
    return parquet(table, use_dictionary=False, column_encoding=encodings, write_statistics=False)


NAMED_LIMIT = "once it is decoded; at most 16.0 GiB are read of one file"
EXPANDING: Mapping[str, tuple[Schema, str, Callable[[], bytes], str]] = {
    "2^40 null rows in 336 bytes": (
        NUMBER,
        "a.arrow",
        lambda: stream(batch(x=nulls(2**40), label=nulls(2**40))),
        "1,099,511,627,776 rows; at most 10,000,000 are read",
    ),
    "2^40 null rows in an Arrow file": (
        NUMBER,
        "a.feather",
        lambda: arrow_file(batch(x=nulls(2**40), label=nulls(2**40))),
        "1,099,511,627,776 rows",
    ),
    "many batches of null rows": (
        NUMBER,
        "a.arrow",
        lambda: stream(*[batch(x=nulls(2**20), label=nulls(2**20))] * 100),
        "rows; at most 10,000,000 are read",
    ),
    "null rows for images": (
        IMAGE,
        "a.arrow",
        lambda: stream(batch(x=nulls(9_000_000), label=nulls(9_000_000))),
        "in all 9,000,000 x is missing",
    ),
    "a dictionary label of 1 MB": (
        NUMBER,
        "a.arrow",
        lambda: stream(batch(x=np.zeros(ROWS), label=dictionary(WORD))),
        NAMED_LIMIT,
    ),
    "a dictionary label of 1 MB, in fewer rows": (
        NUMBER,
        "a.arrow",
        lambda: stream(batch(x=np.zeros(15_000), label=dictionary(WORD, 15_000))),
        "in all 15,000 label is too long",
    ),
    "a dictionary label of 1 MB in Parquet": (
        NUMBER,
        "a.parquet",
        lambda: parquet(pa.table({"x": np.zeros(ROWS), "label": dictionary(WORD)})),
        NAMED_LIMIT,
    ),
    "a dictionary task of 1 MB": (
        NAMED,
        "a.arrow",
        lambda: stream(
            batch(15_000, x=np.zeros(15_000), task=dictionary(WORD, 15_000), id=np.arange(15_000))
        ),
        "in all 15,000 task is too long",
    ),
    "a dictionary id of 1 MB": (
        NAMED,
        "a.arrow",
        lambda: stream(
            batch(15_000, x=np.zeros(15_000), task=dictionary("a", 15_000), id=dictionary(WORD, 15_000))
        ),
        "in all 15,000 id is too long",
    ),
    "a dictionary category of 1 MB": (
        CATEGORY,
        "a.arrow",
        lambda: stream(batch(ROWS, x=dictionary(WORD))),
        NAMED_LIMIT,
    ),
    "a dictionary text of 1 MB": (
        TEXT,
        "a.arrow",
        lambda: stream(batch(4_000, x=dictionary(WORD, 4_000))),
        "column 'x' would take 3.7 GiB of memory; at most 1.0 GiB",
    ),
    "a dictionary image of 1 MB": (
        IMAGE,
        "a.arrow",
        lambda: stream(batch(ROWS, x=dictionary(WORD.encode()))),
        NAMED_LIMIT,
    ),
    "a dictionary of lists": (
        SERIES,
        "a.arrow",
        lambda: stream(batch(ROWS, x=dictionary(pa.array([[0.0] * 100_000])))),
        NAMED_LIMIT,
    ),
    "string_view": (
        CATEGORY,
        "a.arrow",
        lambda: stream(batch(ROWS, x=views(pa.string_view(), WORD.encode()))),
        "column 'x' would take 976.6 GiB of memory",
    ),
    "string_view of many parts": (
        TEXT,
        "a.arrow",
        lambda: stream(batch(ROWS, x=growing_views())),
        "GiB of memory; at most 1.0 GiB",
    ),
    "binary_view": (
        IMAGE,
        "a.arrow",
        lambda: stream(batch(ROWS, x=views(pa.binary_view(), WORD.encode()))),
        "column 'x' would take 976.6 GiB of memory",
    ),
    "a label of string_view": (
        NUMBER,
        "a.arrow",
        lambda: stream(batch(x=np.zeros(ROWS), label=views(pa.string_view(), WORD.encode()))),
        "column 'label' would take 976.6 GiB",
    ),
    "lists of width zero": (
        SERIES,
        "a.arrow",
        lambda: stream(batch(x=empty_lists(2**40), label=nulls(2**40))),
        "1,099,511,627,776 rows",
    ),
    "lists of width zero, in fewer rows": (
        SERIES,
        "a.arrow",
        lambda: stream(batch(9_000_000, x=empty_lists(9_000_000))),
        "in all 9,000,000 x has the wrong size",
    ),
    "lists of width zero for images": (
        IMAGE,
        "a.arrow",
        lambda: stream(batch(9_000_000, x=empty_lists(9_000_000))),
        "in all 9,000,000 x has the wrong size",
    ),
    "a list of 2^30 nulls": (
        SERIES,
        "a.arrow",
        lambda: stream(
            batch(
                1,
                x=pa.Array.from_buffers(
                    pa.list_(pa.null(), 2**31 - 1), 1, [None], children=[nulls(2**31 - 1)]
                ),
            )
        ),
        "column 'x' would take 16.0 GiB of memory",
    ),
    "runs of 2^40 rows": (
        CATEGORY,
        "a.arrow",
        lambda: stream(batch(x=runs("a", 2**40), label=nulls(2**40))),
        "1,099,511,627,776 rows",
    ),
    "runs of 1 MB": (
        CATEGORY,
        "a.arrow",
        lambda: stream(batch(ROWS, x=runs(WORD, ROWS))),
        "column 'x' would take 976.6 GiB of memory",
    ),
    "10^8 zstd rows in Arrow": (
        NUMBER,
        "a.arrow",
        lambda: stream(*[batch(x=np.zeros(10**6), label=np.zeros(10**6))] * 100, compression="zstd"),
        "rows; at most 10,000,000 are read",
    ),
    "a large zstd batch in Arrow": (
        NUMBER,
        "a.arrow",
        lambda: stream(
            pa.RecordBatch.from_arrays(
                [pa.array(np.zeros(9_000_000))] * 17, ["x", *(f"z{i}" for i in range(15)), "label"]
            ),
            compression="zstd",
        ),
        "a compressed part of the file would take 1.1 GiB",
    ),
    "10^8 zstd rows in Parquet": (
        NUMBER,
        "a.parquet",
        lambda: constant_parquet(10**8, 100, compression="zstd"),
        "the file has 100,000,000 rows",
    ),
    "plain zstd rows in Parquet": (
        NUMBER,
        "a.parquet",
        lambda: constant_parquet(2 * 10**7, 2, compression="zstd", use_dictionary=False),
        "the file has 20,000,000 rows",
    ),
    "long lists in Parquet": (
        SERIES,
        "a.parquet",
        lambda: parquet(
            pa.table(
                {"x": pa.ListArray.from_arrays(pa.array([0, 10**7], pa.int32()), pa.array(np.zeros(10**7)))}
            ),
            compression="zstd",
        ),
        "1 row rejected: 1 x has the wrong size",
    ),
    "texts with one beginning in Parquet": (
        TEXT,
        "a.parquet",
        prefixed_parquet,
        "100 rows rejected: 100 x is too long",
    ),
    "wide tokens": (
        TOKENS,
        "a.arrow",
        lambda: stream(
            batch(ROWS, x=pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(ROWS, np.int8)), 1))
        ),
        NAMED_LIMIT,
    ),
    "images of 20,000 x 20,000": (
        LARGE_IMAGES,
        "a.parquet",
        lambda: parquet(pa.table({"x": [png(20_000)] * 40, "label": [0] * 40})),
        "44.7 GiB once it is decoded",
    ),
    "an image of 20,000 x 20,000 where a small one is wanted": (
        IMAGE,
        "a.parquet",
        lambda: parquet(pa.table({"x": [png(20_000)], "label": [0]})),
        "1 row rejected: 1 x (has the wrong size|is corrupt)",
    ),
}
