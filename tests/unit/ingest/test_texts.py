"""Text as it is written, from every format; what is no text is refused with a reason."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from growlearn.domain.errors import GrowLearnError, InvalidFile
from growlearn.domain.lineage import Manifest
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import MAX_TEXT_LENGTH, InputColumn, InputType, Schema
from growlearn.ingest.duplicates import find_repeats
from growlearn.ingest.row_errors import RowErrors
from growlearn.ingest.rows import from_parquet, to_parquet
from growlearn.ingest.table_rows import read_table_rows
from growlearn.ingest.texts import decode_free_texts
from growlearn.serving.frame_rows import read_frame_rows
from tests.table_formats import arrow_csv, arrow_file, pandas_csv, parquet

SCHEMA = Schema(inputs={"t": InputColumn(type=InputType.TEXT)}, label="y")
REQUIRED = Schema(inputs={"t": InputColumn(type=InputType.TEXT, required=True)}, label="y")
TEXTS = [
    'Two lines,\n"quoted", and a comma',
    "007 is NA, not null",
    "NA",
    "Zoë and the 猫 👩‍💻",
    "مرحبا بالعالم",
    "Two lines of an e-mail\r\nwith its line end",
]


def decode(values: Any) -> tuple[list[str | None], RowErrors]:
    row_errors: RowErrors = {}
    column = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
    return decode_free_texts(column, "t", row_errors).tolist(), row_errors


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int32(), pa.string())],
)
def test_text_of_every_arrow_type_stays_as_it_is_written(kind: Any) -> None:
    values = pa.array([*TEXTS, None, TEXTS[0]], pa.string())
    column = values.dictionary_encode() if pa.types.is_dictionary(kind) else values.cast(kind)
    assert decode(column) == ([*TEXTS, None, TEXTS[0]], {})


def test_nothing_but_spaces_is_missing_and_spaces_around_a_text_are_no_part_of_it() -> None:
    assert decode(["", "  \n", None, " a  b "]) == ([None, None, None, "a  b"], {})
    assert decode(pa.chunked_array([pa.nulls(2)])) == ([None, None], {})
    assert decode(pa.array([None, None], pa.float64())) == ([None, None], {})


def test_text_is_in_form_nfc() -> None:
    assert decode([unicodedata.normalize("NFD", "Zoë"), "ﬁ ①"])[0] == ["Zoë", "ﬁ ①"]


def test_a_text_that_is_too_long_is_an_error_with_its_length() -> None:
    texts, row_errors = decode(["a" * MAX_TEXT_LENGTH, "b", "猫" * (MAX_TEXT_LENGTH + 1)])
    assert [len(text or "") for text in texts] == [MAX_TEXT_LENGTH, 1, 0]
    (error,) = [row_errors[2]]
    assert error.kind + error.detail == "t is too long: 1,000,001 characters, at most 1,000,000 are a text"
    assert list(row_errors) == [2]


@pytest.mark.parametrize("values", [[1, 2], [0.5, 1.5], [True, False], [["a"], ["b"]]])
def test_a_column_of_something_else_is_refused(values: list[Any]) -> None:
    with pytest.raises(InvalidFile, match=r"column 't' is .*; wanted text") as caught:
        decode(values)
    assert "schema.inputs" in str(caught.value.hint)


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    with pytest.raises(InvalidFile, match="column 't' holds bytes that are no UTF-8 text"):
        decode(pa.array([b"\xff\xfe"]))


def test_every_format_gives_the_same_rows() -> None:
    table = pa.table({"t": [*TEXTS, None, TEXTS[0]], "y": [0, 1] * 4})
    written = {
        "a.parquet": parquet(table),
        "a.csv": arrow_csv(table),
        "b.csv": pandas_csv(table),
        "a.arrow": arrow_file(table),
    }
    for name, content in written.items():
        rows, bad_rows = read_table_rows({name: content}, SCHEMA)
        assert rows.inputs["t"].tolist() == [*TEXTS, None, TEXTS[0]], name
        assert bad_rows == ()
        assert find_repeats(rows, "drop").tolist() == [0, 1, 2, 3, 4, 5, 6, 7]  # another label
        again = from_parquet(to_parquet(rows, SCHEMA), SCHEMA)
        assert again.inputs["t"].tolist() == rows.inputs["t"].tolist()
        assert np.array_equal(again.row_hashes, rows.row_hashes)


def test_a_frame_and_json_give_the_rows_of_a_file() -> None:
    manifest = Manifest(stream="s", schema=SCHEMA, model=ModelConfig(), branches=(), tasks=())
    file_rows, _ = read_table_rows(
        {"a.parquet": parquet(pa.table({"t": TEXTS, "y": [0] * len(TEXTS)}))}, SCHEMA
    )
    frame = pd.DataFrame({"t": TEXTS})
    as_json = pd.DataFrame(json.loads(json.dumps({"t": TEXTS})))
    for each in (frame, as_json, frame.astype("category"), frame.astype("string")):
        assert np.array_equal(read_frame_rows(each, manifest).row_hashes, file_rows.row_hashes)


def test_a_missing_text_is_quarantined_only_where_it_is_required() -> None:
    content = parquet(pa.table({"t": ["a", None], "y": [0, 1]}))
    assert len(read_table_rows({"a.parquet": content}, SCHEMA)[0]) == 2
    rows, bad_rows = read_table_rows({"a.parquet": content}, REQUIRED)
    assert len(rows) == 1
    assert [(bad.row, bad.reason) for bad in bad_rows] == [(1, "t is missing")]
    manifest = Manifest(stream="s", schema=REQUIRED, model=ModelConfig(), branches=(), tasks=())
    with pytest.raises(GrowLearnError, match="row 0 cannot be predicted: t is missing"):
        read_frame_rows(pd.DataFrame({"t": [None]}), manifest)


def test_a_row_of_many_megabytes_does_not_stop_the_others() -> None:
    table = pa.table({"t": ["short", "long " * 2_000_000], "y": [0, 1]})
    for name, content in (("a.csv", arrow_csv(table)), ("a.parquet", parquet(table))):
        rows, bad_rows = read_table_rows({name: content}, SCHEMA)
        assert rows.inputs["t"].tolist() == ["short"]
        assert [bad.row for bad in bad_rows] == [1]
        assert "t is too long: 9,999,999 characters" in bad_rows[0].reason


def test_long_texts_are_stored_in_small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("growlearn.ingest.rows._GROUP_BYTES", 10_000)
    texts = [f"{number} " + "word " * 100 for number in range(300)]
    rows, _ = read_table_rows({"a.parquet": parquet(pa.table({"t": texts, "y": [0] * 300}))}, SCHEMA)
    content = to_parquet(rows, SCHEMA)
    assert pa.parquet.ParquetFile(pa.BufferReader(content)).metadata.num_row_groups == 2
    assert from_parquet(content, SCHEMA).inputs["t"].tolist() == [text.strip() for text in texts]
