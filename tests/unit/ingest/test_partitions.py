"""Columns in the names of folders: refused with a hint where the schema wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import WindowState
from growlearn.ingest.partitions import check_partitions, find_partitions
from growlearn.ingest.table_rows import parse_file

SCHEMA = Schema(
    inputs={"x": InputColumn(type=InputType.NUMBER), "site": InputColumn(type=InputType.CATEGORY)},
    label="late",
    task="month",
    id_column="id",
)
ALL = ["x", "site", "late", "month", "id"]


@pytest.mark.parametrize("name", ["x", "site", "late", "month", "id"])
def test_a_column_that_only_a_folder_names_is_refused_with_what_to_do(name: str) -> None:
    names = [each for each in ALL if each != name]
    reason = rf"'{name}' is not in the file but in the name of its folder, '{name}=3' \(write {name} into"
    with pytest.raises(InvalidFile, match=reason):
        check_partitions(f"s3://bucket/in/{name}=3/part-0.parquet", names, SCHEMA)


@pytest.mark.parametrize(
    ("location", "names"),
    [
        ("/in/site=3/part-0.parquet", ALL),  # the file has it too
        ("/in/year=2013/part-0.parquet", ALL),  # the schema does not name it
        ("/in/site=3/labels.csv", ["id", "late"]),  # a label file has no inputs
        ("/in/part-site=3.parquet", ["x"]),  # no folder
        ("", ["x"]),
    ],
)
def test_other_files_are_none_of_its_business(location: str, names: Sequence[str]) -> None:
    check_partitions(location, names, SCHEMA)


def test_a_prediction_needs_no_label_but_its_task_must_not_be_lost() -> None:
    check_partitions("/in/late=1/a.csv", ["x", "site"], SCHEMA, for_prediction=True)
    with pytest.raises(InvalidFile, match="'month' is not in the file but in the name"):
        check_partitions("/in/month=1/a.csv", ["x", "site"], SCHEMA, for_prediction=True)


def test_a_label_in_a_folder_s_name_is_no_unknown_label() -> None:
    schema = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, label="late")
    with pytest.raises(InvalidFile, match="column 'late' is not in the file but in the name of its folder"):
        parse_file({"a.csv": b"x\n1\n"}, schema, location="/in/late=1/a.csv")
    assert len(parse_file({"a.csv": b"x\n1\n"}, schema, location="/in/a.csv").rows) == 1


def test_a_folder_that_only_looks_like_one_is_none() -> None:
    assert find_partitions("/=/a=b=c/=x/d/e=f") == {"a": "a=b=c"}


def test_a_partitioned_file_is_quarantined_and_the_stream_goes_on(
    make_stream: Callable[..., Any], table_schema: Schema
) -> None:
    stream = make_stream(table_schema)
    stream.ingest({"in/y=1/a.csv": b"x,colour\n1,red\n", "in/z=1/b.csv": b"x,colour,y\n1,red,0\n2,red,1\n"})
    assert [window.state for window in stream.windows] == [WindowState.QUARANTINED, WindowState.ACCEPTED]
    assert "write y into the files too" in str(stream.windows[0].reason)
