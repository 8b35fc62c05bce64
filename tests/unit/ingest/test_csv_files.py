"""CSV as people have it: quotes, line ends, encodings and separators; the right value or an error."""

from __future__ import annotations

import csv
import io
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.ingest import csv_files
from growlearn.ingest.csv_files import infer_csv, read_csv

CELLS = st.text(st.sampled_from('xy",;\n\r \u00e4'), max_size=6)


def labels(content: bytes) -> list[Any]:
    column: list[Any] = read_csv(content, lambda names: ["label"]).column("label").to_pylist()
    return column


@given(
    st.lists(CELLS, min_size=1, max_size=8),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_what_a_writer_wrote_is_read(cells: list[str], line_end: str, encoding: str) -> None:
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([["a", "label"], *([str(row), cell] for row, cell in enumerate(cells))])
    assert labels(sink.getvalue().encode(encoding)) == [cell or None for cell in cells]


def _across_a_block(cell: bytes) -> bytes:
    """A file whose last but one label has its line break on the border of pyarrow's first block of 1 MiB."""
    head, line = b"a,label\r\n", b"1,p\r\n"
    size = 2**20 - 10 - len(head)
    filler = line * (size // len(line) - 4)
    padding = b"1," + b"p" * (size - len(filler) - 4) + b"\r\n"
    return head + filler + padding + b'"2","' + cell + b'"\r\n3,q\r\n'


def test_a_quoted_line_break_on_the_border_of_a_block_keeps_its_bytes() -> None:
    content = _across_a_block(b"late\r\nflight")
    options = pacsv.ParseOptions(newlines_in_values=True)
    in_blocks = pacsv.read_csv(pa.BufferReader(content), parse_options=options)
    assert in_blocks.column("label").to_pylist()[-2:] == ["late\rflight", "q"]  # a label that nobody wrote

    assert labels(content)[-2:] == ["late\r\nflight", "q"]
    assert infer_csv(content)[0].column("label").to_pylist()[-2:] == ["late\r\nflight", "q"]


def test_a_line_longer_than_a_block_is_read() -> None:
    long = "x" * 3_000_000
    assert labels(f"a,label\n{long},b\n1,{long}\n".encode()) == ["b", long]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'a,label\n1,x\n2,"y\n3,z\n', 3),  # pyarrow: the label 'y\n3,z\n'
        (b'a,label\n1,"x\n2,"y"\n', 2),  # pyarrow: the label 'x\n2,y"'
        (b'a,label\r1,x\r2,"y" z\r', 3),
        (b'a,label\r\n1,"x\r\n', 2),
        (b'"a,label\n1,x\n', 1),
        (b'\xef\xbb\xbf"a"b,label\n1,x\n', 1),
    ],
)
def test_a_quote_that_is_not_closed_is_an_error_with_its_line(content: bytes, line: int) -> None:
    with pytest.raises(ValueError, match=rf"begins in line {line} has no closing quote .* written twice"):
        labels(content)


def test_a_quote_within_a_field_stands_for_itself() -> None:
    assert labels(b'a,label\n1,5" disk\n2,"5"" disk"\n') == ['5" disk', '5" disk']


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_says_what_to_do(encoding: str) -> None:
    with pytest.raises(ValueError, match="looks like UTF-16 without a byte order mark; save it as UTF-8"):
        labels("a,label\n1,x\n".encode(encoding))


def test_half_a_character_of_utf_16_says_so() -> None:
    with pytest.raises(ValueError, match="begins like UTF-16, but is not"):
        labels("a,label\n1,x\n".encode("utf-16")[:-1])


@pytest.mark.parametrize(("content", "line"), [("a,label\n1,x\n2,\xe9\n", 3), ("a,lab\xe9l\n1,x\n", 1)])
def test_latin_1_is_an_error_with_its_line(content: str, line: int) -> None:
    with pytest.raises(ValueError, match=rf"byte 0xe9 in line {line} is not UTF-8; save the file as UTF-8"):
        labels(content.encode("latin-1"))


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_another_separator_is_named(mark: str) -> None:
    with pytest.raises(ValueError, match=r"its columns are separated by .*; write it with commas"):
        labels(f"a{mark}label\n1,5{mark}x\n".encode())


def test_empty_lines_before_the_names_are_skipped() -> None:
    assert labels(b"\n\r\na,label\n1,x\n") == ["x"]


def test_quotes_in_a_file_of_more_than_one_block_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "_MAX_BLOCK_BYTES", 16)
    assert labels(b"a,label\n1,x\n2,y\n3,z\n") == ["x", "y", "z"]
    with pytest.raises(ValueError, match="larger than 2 GB and has quoted fields; split it"):
        labels(b'a,label\n1,"x"\n2,y\n3,z\n')


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
@given(st.text(st.sampled_from('x",\n'), max_size=12))
def test_quotes_are_checked_alike_by_pairs_and_one_by_one(chunk: int, text: str) -> None:
    content = f"a,label\n{text}".encode()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(csv_files, "_CHUNK_BYTES", chunk)
        pairs_up = csv_files._quotes_pair_up(content)
        monkeypatch.setattr(csv_files, "_quotes_pair_up", lambda _: False)
        try:
            csv_files._check_quotes(content)
        except ValueError:
            assert not pairs_up


def test_columns_of_one_name_each_keep_their_own_values() -> None:
    table = read_csv(b'x,note,note,\n1,left,"r, right",end\n', list)
    assert table.column_names == ["x", "note", "note", ""]
    assert [column.to_pylist() for column in table.columns] == [["1"], ["left"], ["r, right"], ["end"]]
    unnamed = read_csv(b",a,\n1,2,3\n", list)
    assert [column.to_pylist() for column in unnamed.columns] == [["1"], ["2"], ["3"]]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (["007", "7"], "007"),
        (["8", "01234"], "01234"),
        (["", "00", "NA"], "00"),
        (["12E4", "3405"], "12E4"),
        (["0x1F", "12"], "0x1F"),
        (["+4917612345678", "4917612345"], "+4917612345678"),
        ([" 007", "12"], " 007"),
        (["0", "10"], None),
        (["0.5", "0"], None),
        (["00.5", "07"], None),  # numbers of equal width
        (["-05", "05"], None),
        (["+0.5", "1"], None),
        (["1e+05", "2e+05"], None),
        (["1.0E5", "1e5"], None),
        (["1e-05", "007"], None),
    ],
)
def test_a_column_of_numbers_that_are_codes_stays_text(cells: list[str], code: str | None) -> None:
    table, codes = infer_csv(("x,n\n" + "".join(f"{cell},1\n" for cell in cells)).encode())
    assert codes == ({} if code is None else {"x": code})
    missing = ("", "NA")
    as_read = [None if cell in missing else cell for cell in cells]
    as_numbers = [None if cell in missing else float(cell) for cell in cells] if code is None else None
    assert table.column("x").to_pylist() == (as_read if as_numbers is None else as_numbers)
    assert table.column("n").to_pylist() == [1] * len(cells)


def test_times_of_day_stay_text() -> None:
    table, codes = infer_csv(b"x,n\n12:00,1\n13:30,2\n")
    assert (table.column("x").to_pylist(), codes) == (["12:00", "13:30"], {})
