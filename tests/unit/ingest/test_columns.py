"""Number, category and label columns in all the forms that come."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from growlearn.domain.errors import UnreadableFile
from growlearn.ingest.columns import decode_numbers, decode_texts
from growlearn.ingest.flaws import Flaw, Flaws
from growlearn.ingest.labels import decode_labels


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
        flaws: Flaws = {}
        values = decode_numbers(chunked(column), "x", flaws, False)
        assert (values.tolist(), flaws) == ([1.0, 0.0], {})
        assert values.dtype == np.float64

    def test_minus_zero_is_zero(self) -> None:
        assert not np.signbit(decode_numbers(chunked([-0.0]), "x", {}, False)[0])

    @pytest.mark.parametrize(
        "column",
        [["1"], [b"1"], [[1]], [{"a": 1}], pa.array([0], pa.timestamp("s")), pa.array([0], pa.date32())],
    )
    def test_other_kinds_are_no_numbers(self, column: Any) -> None:
        with pytest.raises(UnreadableFile, match=r"column 'x' is .*; wanted numbers"):
            decode_numbers(chunked(column), "x", {}, False)

    def test_cells_of_a_csv_are_read_one_by_one(self) -> None:
        flaws: Flaws = {}
        cells = ["1", " 2.5 ", "-3e2", "true", None, "NaN", "-inf", "n/a", "1_0", "0x1", "1\x1d"]
        values = decode_numbers(chunked(cells), "x", flaws, True)
        assert values[:4].tolist() == [1, 2.5, -300, 1]
        assert flaws == {
            4: Flaw("x is missing"),
            5: Flaw("x is NaN"),
            6: Flaw("x is infinite"),
            7: Flaw("x is not a number", ": 'n/a'"),
            8: Flaw("x is not a number", ": '1_0'"),
            9: Flaw("x is not a number", ": '0x1'"),
            10: Flaw("x is not a number", ": '1\\x1d'"),
        }

    def test_a_csv_column_without_any_number_is_no_number_column(self) -> None:
        with pytest.raises(UnreadableFile, match="column 'x' holds text such as 'red'; wanted numbers"):
            decode_numbers(chunked([None, "red", "blue"]), "x", {}, True)

    def test_an_empty_csv_column_is_missing_in_every_row(self) -> None:
        flaws: Flaws = {}
        decode_numbers(chunked([None, None], pa.string()), "x", flaws, True)
        assert flaws == dict.fromkeys(range(2), Flaw("x is missing"))


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
        flaws: Flaws = {}
        assert decode_texts(chunked(column), "c", flaws).tolist() == texts
        assert flaws == {}

    @pytest.mark.parametrize("column", [["a", None], [1, None], [1.0, None], [1.0, float("nan")]])
    def test_what_is_missing_is_flagged(self, column: Any) -> None:
        flaws: Flaws = {}
        assert decode_texts(chunked(column), "c", flaws)[1] is None
        assert flaws == {1: Flaw("c is missing")}

    @pytest.mark.parametrize("column", [[0.5], [b"a"], [["a"]], pa.array([0], pa.timestamp("s"))])
    def test_other_kinds_are_refused(self, column: Any) -> None:
        with pytest.raises(UnreadableFile, match=r"column 'c' is .*; *wanted|wanted text or whole numbers"):
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
        ],
    )
    def test_whole_numbers_text_and_booleans_are_labels_and_may_be_missing(
        self, column: pa.Array, labels: list[Any]
    ) -> None:
        flaws: Flaws = {}
        found = decode_labels(chunked(column), "y", flaws, False).tolist()
        assert (found, [type(label) for label in found]) == (labels, [type(label) for label in labels])
        assert flaws == {}

    @pytest.mark.parametrize(
        ("cells", "labels"),
        [
            (["1", "2", None], [1, 2, None]),
            (["1.0", "2.0", None], [1, 2, None]),
            (["true", "False", None], [1, 0, None]),
            (["1", "b", None], ["1", "b", None]),
        ],
    )
    def test_labels_of_a_csv_are_what_all_of_them_can_be(self, cells: list[Any], labels: list[Any]) -> None:
        assert decode_labels(chunked(cells), "y", {}, True).tolist() == labels

    @pytest.mark.parametrize(
        "column",
        [[0.5], [float("inf")], [b"a"], [Decimal("1.5")], pa.array([0], pa.date32()), [[1]], [{"a": 1}]],
    )
    def test_other_kinds_are_no_labels(self, column: Any) -> None:
        with pytest.raises(UnreadableFile, match=r"label column 'y' .*labels must be integers, strings or"):
            decode_labels(chunked(column), "y", {}, False)

    def test_an_integer_too_large_is_told(self) -> None:
        with pytest.raises(UnreadableFile, match="more than 64 bits"):
            decode_labels(chunked([2**64 - 1], pa.uint64()), "y", {}, False)

    def test_the_few_cells_of_a_csv_that_are_no_number_are_flagged(self) -> None:
        flaws: Flaws = {}
        cells = [str(n % 3) for n in range(19)] + ["7?"]
        found = decode_labels(chunked(cells), "y", flaws, True).tolist()
        assert found == [n % 3 for n in range(19)] + [None]
        assert flaws == {19: Flaw("y is not a whole number as the others are", ": '7?'")}

    @pytest.mark.parametrize(
        ("cells", "kind", "labels", "flawed"),
        [
            (["1", "2"], str, ["1", "2"], []),  # a CSV says nothing of kinds: the stream knows
            (["1", "b", None], int, [1, None, None], [1]),
            (["true", "false"], int, [1, 0], []),
            (["a", None], str, ["a", None], []),
        ],
    )
    def test_labels_of_a_csv_are_of_the_stream_s_kind(
        self, cells: list[Any], kind: type, labels: list[Any], flawed: list[int]
    ) -> None:
        flaws: Flaws = {}
        assert decode_labels(chunked(cells), "y", flaws, True, kind).tolist() == labels
        assert list(flaws) == flawed

    @pytest.mark.parametrize(
        ("column", "is_text", "kind", "said"),
        [
            (["a", "b"], True, int, "text such as 'a'; the labels of this stream are integers"),
            (["1"], False, int, "text such as '1'; the labels of this stream are integers"),
            ([1, 2], False, str, "integers such as 1; the labels of this stream are text"),
        ],
    )
    def test_labels_of_another_kind_than_the_stream_s_are_refused(
        self, column: Any, is_text: bool, kind: type, said: str
    ) -> None:
        with pytest.raises(UnreadableFile, match=said):
            decode_labels(chunked(column), "y", {}, is_text, kind)
