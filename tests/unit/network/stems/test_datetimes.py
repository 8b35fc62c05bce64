"""Tokens of dates and times."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.stems.datetimes import DatetimeTokens, encode_microseconds, make_datetime_columns
from growlearn.network.stems.stem import Stem, make_stem

DATETIME = InputColumn(type=InputType.DATETIME)
SCHEMA = Schema(inputs={"signup": DATETIME, "order": DATETIME})
MODEL = ModelConfig(embed_dim=8, num_heads=2)
SIGNUPS = ["2013-01-01T00:00", "2013-01-09T12:00", "2013-01-20T18:30"]
ORDERS = ["2013-01-21T08:00", "2013-01-22T09:00", "2013-01-31T10:00"]


def rows_of(signups: list[str], orders: list[str]) -> Rows:
    inputs = {"signup": np.array(signups, "datetime64[us]"), "order": np.array(orders, "datetime64[us]")}
    return Rows(inputs, object_column([0] * len(signups)), None, hash_rows(inputs, SCHEMA))


def stem_of() -> Stem:
    torch.manual_seed(0)
    return make_stem(SCHEMA, MODEL, rows_of(SIGNUPS, ORDERS))


def tokens(stem: Stem, rows: Rows) -> Tensor:
    with torch.no_grad():
        z: Tensor = stem(stem.encode(rows))  # [B, 2, D]
    return z


def calendar(time: str) -> list[int]:
    """Month, day, weekday and half-hour of a time, each counted from 0."""
    columns = make_datetime_columns(SCHEMA.inputs, MODEL, {})
    parts: Tensor = columns.encode(rows_of([time], [time]))["calendar"][0, 0]
    return (parts - torch.tensor([0, 12, 43, 50])).tolist()


def test_calendar_parts_are_those_of_utc() -> None:
    assert calendar("2013-01-01T00:00") == [0, 0, 1, 0]  # a Tuesday
    assert calendar("2024-02-29T23:59:59.999999") == [1, 28, 3, 47]
    assert calendar("1969-12-31T12:30") == [11, 30, 2, 25]
    assert calendar("NaT") == [98, 86, 55, 48]  # the index of no part, four times


def test_the_age_of_a_time_is_that_against_the_newest_time_of_its_row() -> None:
    columns = DatetimeTokens(["signup", "order"], 8)
    rows = rows_of(
        ["2013-01-01", "NaT", "2013-01-03", "NaT"], ["2013-01-03", "2013-01-01", "2013-01-01", "NaT"]
    )
    numbers = columns.encode(rows)["times"].numpy() / 86400
    assert numbers[:, 0].tolist()[0] == 15706  # days since 1970
    np.testing.assert_array_equal(numbers[:, 2:], [[2, 0], [np.nan, 0], [0, 2], [np.nan, np.nan]])


def test_calendar_parts_that_were_not_in_training_change_nothing() -> None:
    stem = stem_of()
    trained = stem.columns(InputType.DATETIME).calendar  # type: ignore[attr-defined]
    seen = stem.encode(rows_of(SIGNUPS, ORDERS))["calendar"]
    with torch.no_grad():
        for column in range(2):
            trained[column, torch.unique(seen[:, column])] = 1.0
    before = tokens(stem, rows_of(["2013-01-20T18:30"], ["2013-01-31T10:00"]))
    # Another month and year: only the parts that are known count, and the time is the newest known.
    assert calendar("2014-08-20T18:30")[1::2] == calendar("2013-01-20T18:30")[1::2]
    after = tokens(stem, rows_of(["2014-08-20T18:30"], ["2014-08-31T10:00"]))
    assert torch.isfinite(after).all()
    assert (before - after).abs().max() < 5


def test_times_beyond_those_of_training_are_read_as_the_nearest_known() -> None:
    stem = stem_of()  # calendar embeddings are still zero
    asked = tokens(stem, rows_of(["1990-01-01", "1890-01-01"], ["2113-01-01", "2213-01-01"]))
    assert torch.equal(asked[0], asked[1])


def test_a_missing_time_has_the_token_of_the_median_until_it_learned_one() -> None:
    stem = stem_of()
    asked = tokens(stem, rows_of(["NaT", "2013-01-09T12:00"], ["2013-01-22T09:00"] * 2))
    assert torch.equal(asked[0], asked[1])


def test_rows_without_any_time_have_finite_tokens() -> None:
    assert torch.isfinite(tokens(stem_of(), rows_of(["NaT"], ["NaT"]))).all()


def test_times_as_integers_are_encoded_as_times_to_the_last_bit() -> None:
    random = np.random.default_rng(0)
    times = np.datetime64("1583-01-01", "us") + random.integers(0, 3 * 10**16, (4000, 3)).astype("m8[us]")
    days = np.arange(np.datetime64("1999-12-20"), np.datetime64("2008-01-10")).astype("M8[us]")
    edges = np.stack([days, days - np.timedelta64(1, "us"), days + np.timedelta64(1, "us")], axis=1)
    times = np.concatenate([times, edges])
    times[random.random(times.shape) < 0.3] = np.datetime64("NaT")
    names = ["a", "b", "c"]
    columns = dict(zip(names, times.T, strict=True))
    schema = Schema(inputs={name: InputColumn(type=InputType.DATETIME) for name in names})
    rows = Rows(columns, object_column([None] * len(times)), None, hash_rows(columns, schema))
    expected = DatetimeTokens(names, 4).encode(rows)
    encoded = encode_microseconds(torch.from_numpy(times.view(np.int64)))
    assert list(encoded) == list(expected)
    for name, tensor in expected.items():
        assert encoded[name].dtype == tensor.dtype
        assert torch.equal(encoded[name].nan_to_num(-1.0), tensor.nan_to_num(-1.0)), name
