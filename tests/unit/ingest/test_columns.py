"""Number, category and label columns in every supported form."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from growlearn.domain.errors import InvalidFile
from growlearn.ingest.columns import decode_numbers, decode_texts
from growlearn.ingest.labels import decode_labels
from growlearn.ingest.row_errors import RowError, RowErrors


def chunked(values: Any, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([values if isinstance(values, pa.Array) else pa.array(values, kind)])


class TestNumbers:
    @pytest.mark.parametrize(
        "column",
        [
            pa.array([1, 0], pa.int8()),
            pa.array([1, 0], pa.uint64()),
            pa.array([1, 0], pa.float16()),
            pa.array([1.0, 0.0], pa.float32()),
            pa.array([Decimal("1.0"), Decimal("0.0")]),
            pa.array([True, False]),
            pa.array([1.0, 0.0]).dictionary_encode(),
        ],
    )
    def test_numbers_of_every_kind_become_float64(self, column: pa.Array) -> None:
        row_errors: RowErrors = {}
        values = decode_numbers(chunked(column), "x", row_errors, False)
        assert (values.tolist(), row_errors) == ([1.0, 0.0], {})
        assert values.dtype == np.float64

    def test_minus_zero_is_zero(self) -> None:
        assert not np.signbit(decode_numbers(chunked([-0.0]), "x", {}, False)[0])

    @pytest.mark.parametrize(
        "column",
        [["1"], [b"1"], [[1]], [{"a": 1}], pa.array([0], pa.timestamp("s")), pa.array([0], pa.date32())],
    )
    def test_other_kinds_are_no_numbers(self, column: Any) -> None:
        with pytest.raises(InvalidFile, match=r"column 'x' is .*; wanted numbers"):
            decode_numbers(chunked(column), "x", {}, False)

    def test_cells_of_a_csv_are_read_one_by_one(self) -> None:
        row_errors: RowErrors = {}
        cells = ["1", " 2.5 ", "-3e2", "true", None, "NaN", "-inf", "none?", "1_0", "0x1", "1\x1d"]
        values = decode_numbers(chunked(cells), "x", row_errors, True)
        assert values[:4].tolist() == [1, 2.5, -300, 1]
        assert np.isnan(values[4:6]).all()
        assert row_errors == {
            6: RowError("x is infinite"),
            7: RowError("x is not a number", ": 'none?'"),
            8: RowError("x is not a number", ": '1_0'"),
            9: RowError("x is not a number", ": '0x1'"),
            10: RowError("x is not a number", ": '1\\x1d'"),
        }

    def test_a_csv_column_without_any_number_is_no_number_column(self) -> None:
        with pytest.raises(InvalidFile, match="column 'x' holds text such as 'red'; wanted numbers"):
            decode_numbers(chunked([None, "red", "blue"]), "x", {}, True)

    def test_an_empty_column_is_missing_in_every_row(self) -> None:
        for column in (chunked([None, None], pa.string()), chunked(["NA", ""]), chunked([None, None])):
            row_errors: RowErrors = {}
            assert np.isnan(decode_numbers(column, "x", row_errors, True)).all()
            assert row_errors == {}

    @pytest.mark.parametrize("cell", ["", "NA", "n/a", "#N/A", "NaN", "-nan", "null", "None", " na "])
    def test_the_usual_words_of_a_csv_for_no_number_are_missing_values(self, cell: str) -> None:
        row_errors: RowErrors = {}
        values = decode_numbers(chunked(["1", cell]), "x", row_errors, True)
        assert (values[0], np.isnan(values[1]), row_errors) == (1.0, True, {})

    @pytest.mark.parametrize(
        "column", [pa.array([1.0, None]), pa.array([1.0, float("nan")]), pa.array([1, None], pa.int8())]
    )
    def test_missing_numbers_are_one_nan(self, column: pa.Array) -> None:
        values = decode_numbers(chunked(column), "x", {}, False)
        assert values.tobytes() == np.array([1.0, np.nan]).tobytes()


class TestTexts:
    @pytest.mark.parametrize(
        ("column", "texts"),
        [
            (pa.array(["a", "é"]), ["a", "é"]),
            (pa.array(["a", "b"], pa.large_string()), ["a", "b"]),
            (pa.array(["a", "b"], pa.string_view()), ["a", "b"]),
            (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
            (pa.array([7, -1]), ["7", "-1"]),
            (pa.array([True, False]), ["true", "false"]),
            (pa.array([7.0, -1.0]), ["7", "-1"]),
        ],
    )
    def test_text_whole_numbers_and_booleans_become_text(self, column: pa.Array, texts: list[str]) -> None:
        row_errors: RowErrors = {}
        assert decode_texts(chunked(column), "c", row_errors).tolist() == texts
        assert row_errors == {}

    @pytest.mark.parametrize("column", [["a", None], [1, None], [1.0, None], [1.0, float("nan")]])
    def test_what_is_missing_is_an_error(self, column: Any) -> None:
        row_errors: RowErrors = {}
        assert decode_texts(chunked(column), "c", row_errors)[1] is None
        assert row_errors == {1: RowError("c is missing")}

    @pytest.mark.parametrize(
        "column", [[["a"]], [{"a": 1}], pa.array([0], pa.time32("s")), [b"\xff"], [2.0**60]]
    )
    def test_other_kinds_are_rejected(self, column: Any) -> None:
        with pytest.raises(InvalidFile, match=r"column 'c' .*(wanted text or whole numbers|write it as)"):
            decode_texts(chunked(column), "c", {})


class TestLabels:
    @pytest.mark.parametrize(
        ("column", "labels"),
        [
            (pa.array([3, None], pa.uint8()), [3, None]),
            (pa.array(["a", None]), ["a", None]),
            (pa.array([True, False]), [1, 0]),
            (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
            (pa.array([3, 4]).dictionary_encode(), [3, 4]),
            (pa.array([3.0, float("nan"), None]), [3, None, None]),
            (pa.nulls(2), [None, None]),
            (pa.array([b"a", b"b"]), ["a", "b"]),
            (pa.array([2**64 - 1, 1], pa.uint64()), ["18446744073709551615", "1"]),
        ],
    )
    def test_whole_numbers_text_and_booleans_are_labels_and_may_be_missing(
        self, column: pa.Array, labels: list[Any]
    ) -> None:
        row_errors: RowErrors = {}
        decoded = decode_labels(chunked(column), "y", row_errors).labels.tolist()
        assert (decoded, [type(label) for label in decoded]) == (labels, [type(label) for label in labels])
        assert row_errors == {}

    @pytest.mark.parametrize(
        ("cells", "labels"),
        [
            (["1", "2", None], [1, 2, None]),
            (["1.0", "2.0", None], [1, 2, None]),
            (["true", "False", None], [1, 0, None]),
            (["1", "b", None], ["1", "b", None]),
            (["1.0", "nan"], [1, None]),
            (["007", "7", "12"], ["007", "7", "12"]),
            (["0x1F", "31"], ["0x1F", "31"]),
            (["1e3", "1000"], ["1e3", "1000"]),
            (["9007199254740993", "9007199254740992", "1.0"], [9007199254740993, 9007199254740992, 1]),
        ],
    )
    def test_labels_of_text_are_what_all_of_them_can_be(self, cells: list[Any], labels: list[Any]) -> None:
        assert decode_labels(chunked(cells), "y", {}).labels.tolist() == labels

    @pytest.mark.parametrize(
        ("cells", "kind", "note"),
        [
            (["7", "7.0", "8"], None, "label column 'y': '7' and '7.0' are read as 7"),
            (["007", "8"], int, "label column 'y': '007' is read as 7"),
            (["True", "1", "0"], int, "label column 'y': '1' and 'True' are read as 1"),
            (
                [f"{n}{end}" for n in range(5) for end in ("", ".0")],
                None,
                "label column 'y': '0' and '0.0' are read as 0, '1' and '1.0' are read as 1,"
                " '2' and '2.0' are read as 2 and 2 more labels",
            ),
            (["7.0", "8.0"], None, None),
            (["007", "7"], None, None),
        ],
    )
    def test_a_note_says_which_cells_became_one_label(
        self, cells: list[str], kind: type | None, note: str | None
    ) -> None:
        assert decode_labels(chunked(cells), "y", {}, kind).note == note

    @pytest.mark.parametrize(
        "column",
        [
            [0.5],
            ["0.5", "1"],
            [float("inf")],
            [Decimal("1.5")],
            pa.array([0], pa.time32("s")),
            [[1]],
            [{"a": 1}],
        ],
    )
    def test_other_kinds_are_no_labels(self, column: Any) -> None:
        with pytest.raises(InvalidFile, match=r"label column 'y' .*labels must be integers, strings or"):
            decode_labels(chunked(column), "y", {})

    def test_floats_that_may_have_lost_digits_are_no_labels(self) -> None:
        with pytest.raises(InvalidFile, match=r"label column 'y' holds 1e\+17 as double"):
            decode_labels(chunked([1e17]), "y", {})

    def test_the_few_cells_of_text_that_are_no_number_are_errors(self) -> None:
        row_errors: RowErrors = {}
        cells = [str(n % 3) for n in range(19)] + ["7?"]
        decoded = decode_labels(chunked(cells), "y", row_errors).labels.tolist()
        assert decoded == [n % 3 for n in range(19)] + [None]
        assert row_errors == {19: RowError("y is not a whole number as the others are", ": '7?'")}

    @pytest.mark.parametrize(
        ("cells", "kind", "labels", "bad_rows"),
        [
            (["1", "2"], str, ["1", "2"], []),
            (["1.0", None], str, ["1", None], []),
            ([1, 2], str, ["1", "2"], []),
            (["1", "2"], int, [1, 2], []),
            (["007", "1e3", "31"], int, [7, None, 31], [1]),
            (["1", "b", None], int, [1, None, None], [1]),
            (["true", "false"], int, [1, 0], []),
            (["a", None], str, ["a", None], []),
        ],
    )
    def test_labels_are_of_the_stream_s_kind(
        self, cells: list[Any], kind: type, labels: list[Any], bad_rows: list[int]
    ) -> None:
        row_errors: RowErrors = {}
        assert decode_labels(chunked(cells), "y", row_errors, kind).labels.tolist() == labels
        assert list(row_errors) == bad_rows

    @pytest.mark.parametrize(
        ("column", "kind", "message"),
        [
            (["a", "b"], int, "text such as 'a'; the labels of this stream are integers"),
            ([True], str, "holds booleans; the labels of this stream are text"),
        ],
    )
    def test_labels_of_another_kind_than_the_stream_s_are_rejected(
        self, column: Any, kind: type, message: str
    ) -> None:
        with pytest.raises(InvalidFile, match=message):
            decode_labels(chunked(column), "y", {}, kind)


@pytest.mark.parametrize("text", ["0.1234130859375", "0.10000000149011612", "0.1", "-0.0", "1e22"])
def test_a_gap_elsewhere_in_a_column_of_text_changes_no_number(text: str) -> None:
    alone = decode_numbers(pa.chunked_array([[text]]), "x", {}, True)
    beside = decode_numbers(pa.chunked_array([[text, "NA"]]), "x", {}, True)
    typed = decode_numbers(pa.chunked_array([[float(text)]]), "x", {}, False)
    assert alone.tobytes() == beside[:1].tobytes() == typed.tobytes()


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["0", "1", "NA"], [0, 1, None]),
        (["True", "False", "NA"], [1, 0, None]),
        (["7", "null", "N/A"], [7, None, None]),
        (["red", "NA"], ["red", "NA"]),
    ],
)
def test_words_for_nothing_are_no_labels_among_numbers_and_booleans(
    cells: list[str], labels: list[Any]
) -> None:
    row_errors: RowErrors = {}
    decoded = decode_labels(pa.chunked_array([cells]), "y", row_errors)
    assert (decoded.labels.tolist(), row_errors) == (labels, {})


def test_a_column_of_text_without_any_value_holds_missing_numbers() -> None:
    column = pa.chunked_array([pa.array([None, None], pa.string())])
    assert np.isnan(decode_numbers(column, "x", {}, False)).all()
