"""Tables of predictions as files: whole or not at all, and without what a format cannot hold."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from growlearn.app import predict_file
from growlearn.app.predict_file import check_table_path, write_table
from growlearn.domain.errors import GrowLearnError

TABLE = pa.table(
    {
        "x": [1.5, None],
        "view": pa.array(["a", "b,c"], pa.string_view()),
        "bytes": pa.array([b"a", b"b"], pa.binary_view()),
        "fixed": pa.array([b"aa", b"bb"], pa.binary(2)),
        "id": pa.array([UUID(int=1).bytes, UUID(int=2).bytes], pa.uuid()),
        "list": [[1], [2]],
    }
)


def test_a_csv_has_every_column_that_is_text_or_a_number(tmp_path: Path) -> None:
    out = tmp_path / "new" / "p.csv"
    assert write_table(TABLE, out) == ("bytes", "fixed", "id", "list")
    assert pacsv.read_csv(out).to_pydict() == {"x": [1.5, None], "view": ["a", "b,c"]}
    assert [file.name for file in out.parent.iterdir()] == ["p.csv"]


def test_a_parquet_file_has_them_all(tmp_path: Path) -> None:
    assert write_table(TABLE, tmp_path / "p.parquet") == ()
    assert pq.read_table(tmp_path / "p.parquet").column_names == TABLE.column_names


def test_columns_of_one_name_are_all_written(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([[2]]), pa.array([3])], ["a", "a", "a"])
    assert write_table(table, tmp_path / "p.csv") == ("a",)
    assert (tmp_path / "p.csv").read_text() == '"a","a"\n1,3\n'


def test_what_cannot_be_written_leaves_the_file_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "p.csv"
    out.write_text("before")
    monkeypatch.setattr(predict_file, "_fits_csv", lambda _: True)
    with pytest.raises(GrowLearnError, match=r"cannot write .*p\.csv: .*Unsupported Type"):
        write_table(TABLE.select(["list"]), out)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("p.csv", "before")]


@pytest.mark.parametrize("name", ["p", "p.txt", "p.xlsx"])
def test_a_name_of_no_known_format_is_refused(name: str) -> None:
    with pytest.raises(GrowLearnError, match="cannot write"):
        check_table_path(Path(name))
