"""The one spelling of values that few writers share; test_one_spelling.py of the contracts has the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest

from growlearn.domain.errors import InvalidFile
from growlearn.ingest.columns import decode_texts, unwrap_column
from growlearn.ingest.spelling import spell, to_doubles

IDENTITY = UUID("550e8400-e29b-41d4-a716-446655440000")


def spelled(cells: Any, kind: pa.DataType | None = None) -> list[str | None]:
    column = cells if isinstance(cells, pa.ChunkedArray) else pa.chunked_array([pa.array(cells, kind)])
    texts: list[str | None] = spell(unwrap_column(column), "column 'c'", "wanted text").decode().tolist()
    return texts


class TestTexts:
    @pytest.mark.parametrize(
        ("cells", "kind", "texts"),
        [
            ([b"red", b"caf\xc3\xa9", None], pa.binary(), ["red", "caf\u00e9", None]),
            ([b"red"], pa.binary_view(), ["red"]),
            ([b"ab\0\0", b"ab  ", b"\0\0\0\0"], pa.binary(4), ["ab", "ab", None]),
            ([IDENTITY.bytes, None], pa.uuid(), [str(IDENTITY), None]),
            ([1.6, 7.0, None], pa.float16(), ["1.6", "7", None]),
            ([1.0, float("nan"), float("inf")], pa.float64(), ["1", None, "inf"]),
            (
                [Decimal(text) for text in ("0.50", "7.00", "-1.25", "100.00", "0.00", "10.10")],
                pa.decimal128(9, 2),
                ["0.5", "7", "-1.25", "100", "0", "10.1"],
            ),
            ([Decimal(100), Decimal(-20)], pa.decimal128(9, 0), ["100", "-20"]),
            ([None], pa.null(), [None]),
            ([], pa.string(), []),
        ],
    )
    def test_types_of_other_writers(self, cells: Any, kind: pa.DataType, texts: list[str | None]) -> None:
        assert spelled(cells, kind) == texts

    def test_runs_and_chunks(self) -> None:
        runs = pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"])
        assert spelled(pa.chunked_array([runs, runs])) == ["a", "a", "b"] * 2
        assert spelled(pa.chunked_array([["a"], [], ["7.0", "a"]])) == ["a", "7", "a"]
        assert spelled(pa.chunked_array([], pa.string())) == []

    @pytest.mark.parametrize(
        ("cell", "text"),
        [
            ("-0.0", "0"),
            ("-0", "0"),
            ("7.00", "7"),
            ("-7.0", "-7"),
            ("1e+15", "1000000000000000"),  # Arrow's CSV
            ("1E+05", "100000"),
            ("1.2345678E7", "12345678"),  # Java
            ("1.5e+00", "1.5e+00"),
            ("1e+20", "1e+20"),
            ("1e3", "1e3"),
            ("3E8", "3E8"),
            ("007.0", "007.0"),
            ("+7", "+7"),
            ("1.10", "1.10"),
            ("0x1F", "0x1F"),
            ("nan", "nan"),
            ("2013-01-01T00:00:00", "2013-01-01"),
            ("2013-01-01 05:30", "2013-01-01 05:30:00"),
            ("2013-01-01 05:30:00.000000000", "2013-01-01 05:30:00"),
            ("2013-01-01 05:30:00.120000", "2013-01-01 05:30:00.12"),
            ("2013-01-01T07:30:00+02:00", "2013-01-01 05:30:00"),
            ("2013-01-01T25:30:00Z", "2013-01-01T25:30:00Z"),
            ("2013-01-01", "2013-01-01"),
            ("\u00a0red\t", "red"),
        ],
    )
    def test_ways_to_write_a_value(self, cell: str, text: str) -> None:
        assert spelled([cell]) == [text]
        assert spelled([text]) == [text]

    def test_nanoseconds_stay_apart(self) -> None:
        times = pa.array([1, 2], pa.timestamp("ns"))
        assert spelled(times) == ["1970-01-01 00:00:00.000000001", "1970-01-01 00:00:00.000000002"]

    def test_a_zoned_time_is_the_same_in_every_zone(self) -> None:
        moment = datetime(2013, 1, 1, 5, tzinfo=UTC)
        for zone in ("UTC", "Asia/Tokyo", "+01:00"):
            assert spelled([moment], pa.timestamp("us", zone)) == ["2013-01-01 05:00:00"]

    @pytest.mark.parametrize(
        ("cells", "kind"),
        [([2.0**53 + 2], pa.float64()), ([2.0**24 + 2], pa.float32()), ([2050.0], pa.float16())],
    )
    def test_floats_that_may_have_lost_digits_are_refused(
        self, cells: list[float], kind: pa.DataType
    ) -> None:
        with pytest.raises(InvalidFile, match="which cannot tell such numbers apart"):
            spelled(cells, kind)

    def test_bytes_that_are_no_text_are_refused(self) -> None:
        with pytest.raises(InvalidFile, match="column 'c' holds bytes that are no UTF-8 text"):
            decode_texts(pa.chunked_array([[b"\xff\xfe"]]), "c", {})


class TestNumbers:
    @pytest.mark.parametrize(
        ("cells", "kind", "doubles"),
        [
            ([0.1, 1.5, None], pa.float16(), [0.1, 1.5, np.nan]),
            ([0.1, 2.0**-140, None], pa.float32(), [0.1, 2.0**-140, np.nan]),
            (
                [float(np.float32(0.1)), 0.1, -0.0, np.inf, 1e300],
                pa.float64(),
                [0.1, 0.1, 0.0, np.inf, 1e300],
            ),
            ([123456792.0, 0.0009765625, 21.1875], pa.float64(), [123456792.0, 0.0009765625, 21.1875]),
            ([], pa.float32(), []),
        ],
    )
    def test_a_float_is_the_decimal_it_prints_as(
        self, cells: list[Any], kind: pa.DataType, doubles: list[float]
    ) -> None:
        assert np.array_equal(to_doubles(pa.chunked_array([pa.array(cells, kind)])), doubles, equal_nan=True)

    def test_what_was_read_is_read_alike_again(self) -> None:
        singles = np.random.default_rng(0).normal(size=2000).astype(np.float32)
        once = to_doubles(pa.array(singles))
        assert np.array_equal(to_doubles(pa.array(once)), once)
        assert np.array_equal(to_doubles(pa.array(singles.astype(np.float64))), once)
        assert np.array_equal(once.astype(np.float32), singles)
        assert [str(single) for single in singles[:50]] == [repr(double) for double in once[:50].tolist()]
