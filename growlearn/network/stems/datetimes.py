"""The stem of dates and times: calendar parts, the time itself, and its age within the row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn
from growlearn.ingest.rows import Column, Rows
from growlearn.network.stems.columns import EncodedInputs, InitSource
from growlearn.network.stems.tables import NumberTokens

_TIMES, _CALENDAR = "times", "calendar"
_PART_SIZES = (12, 31, 7, 48)  # month, day of the month, weekday, half-hour of the day
_NO_PART = sum(_PART_SIZES)  # where the time is missing
_SECOND, _MINUTE, _DAY = 1_000_000, 60_000_000, 86_400_000_000  # in microseconds
_NAT = -(2**63)  # NumPy's time that is missing, in microseconds


class DatetimeTokens(nn.Module):
    """Datetime columns, one token each: the sum of an embedding per calendar part and of two numbers.

    The numbers are the time itself and its age, the seconds to the newest of the row's datetime columns; both
    are encoded as `NumberTokens` does and limited to the range they had when the stem was fitted, so a later
    time is read as the newest one known. Calendar embeddings start at zero: a month that was not in
    training changes nothing. All parts are those of UTC.
    """

    def __init__(self, names: Sequence[str], width: int) -> None:
        super().__init__()
        self.names = tuple(names)
        numbers = [f"{part} {name}" for part in ("time", "age") for name in names]
        self.numbers = NumberTokens(numbers, width)
        self.calendar = nn.Parameter(torch.zeros(len(names), _NO_PART, width))

    def encode(self, rows: Rows) -> EncodedInputs:
        """Rows -> times and ages in s, float64 [N, 2 columns], and calendar parts, int64 [N, columns, 4]."""
        times = np.stack([rows.inputs[name] for name in self.names], axis=1)  # [N, columns]
        newest = np.fmax.reduce(times, axis=1, keepdims=True)  # NaT only where all are
        seconds = _to_seconds(times - np.datetime64(0, "us"))
        numbers = np.concatenate([seconds, _to_seconds(newest - times)], axis=1)
        return {_TIMES: torch.from_numpy(numbers), _CALENDAR: torch.from_numpy(_calendar_parts(times))}

    def fit(self, inputs: EncodedInputs) -> None:
        """Fit the ranges and quantiles of times and ages."""
        self.numbers.fit_values(inputs[_TIMES])

    def forward(self, inputs: EncodedInputs) -> Tensor:
        """Encoded inputs of B rows -> [B, columns, D]."""
        edges = self.numbers.edges
        values = torch.minimum(torch.maximum(inputs[_TIMES], edges[:, 0]), edges[:, -1])  # [B, 2 columns]
        embedded = self.numbers.embed_values(values)  # [B, 2 columns, D]
        tokens = embedded.view(embedded.shape[0], 2, len(self.names), -1).sum(1)  # [B, columns, D]
        no_part = self.calendar.new_zeros(len(self.names), 1, self.calendar.shape[2])
        embeddings = torch.cat([self.calendar, no_part], dim=1)  # [columns, parts + 1, D]
        column = torch.arange(len(self.names), device=embeddings.device)[:, None]  # [columns, 1]
        result: Tensor = tokens + embeddings[column, inputs[_CALENDAR]].sum(2)
        return result


def _to_seconds(spans: Column) -> Column:
    """Spans of time -> float64 seconds, NaN for NaT."""
    return np.asarray(spans / np.timedelta64(1, "s"))


def _calendar_parts(times: Column) -> Column:
    """Times [N, columns] -> the index of each calendar part's embedding, int64 [N, columns, 4]."""
    months, days = times.astype("datetime64[M]"), times.astype("datetime64[D]")
    parts = [
        months.astype(np.int64) % 12,
        (days - months).astype(np.int64),
        (days.astype(np.int64) + 3) % 7,  # day 0, 1970-01-01, was a Thursday
        (times - days).astype("timedelta64[m]").astype(np.int64) // 30,
    ]
    starts = np.cumsum([0, *_PART_SIZES[:-1]])
    indices = np.stack([part + start for part, start in zip(parts, starts, strict=True)], axis=-1)
    return np.where(np.isnat(times)[..., None], _NO_PART, indices)


def encode_microseconds(times: Tensor) -> EncodedInputs:
    """What `DatetimeTokens.encode` gives, of int64 [B, columns] microseconds since 1970 in UTC.

    The smallest int64 is a missing time, as in NumPy.
    """
    is_missing = times == _NAT
    newest = times.amax(1, keepdim=True)
    ages = torch.where(is_missing, 0, newest - torch.where(is_missing, newest, times))
    seconds = torch.cat([torch.where(is_missing, 0, times), ages], dim=1).double() / _SECOND
    numbers = seconds.masked_fill(is_missing.repeat(1, 2), torch.nan)
    parts = _split_calendar(torch.where(is_missing, 0, times))
    return {_TIMES: numbers, _CALENDAR: torch.where(is_missing[..., None], _NO_PART, parts)}


def _split_calendar(times: Tensor) -> Tensor:
    """Microseconds int64 [B, columns] -> what `_calendar_parts` gives, by integer arithmetic alone.

    Source of month and day: Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
    """
    days = times // _DAY
    of_era = (days + 719_468) % 146_097  # days since 0000-03-01, of 400 years
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365  # 0..399, from March on
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153  # 0 is March
    parts = [
        (month + 2) % 12,
        of_year - (153 * month + 2) // 5,
        (days + 3) % 7,
        times % _DAY // (30 * _MINUTE),
    ]
    starts = np.cumsum([0, *_PART_SIZES[:-1]]).tolist()
    return torch.stack([part + start for part, start in zip(parts, starts, strict=True)], dim=-1)


def make_datetime_columns(
    columns: Mapping[str, InputColumn], config: ModelConfig, _: InitSource
) -> DatetimeTokens:
    """The datetime columns of a schema, all in one module."""
    return DatetimeTokens(list(columns), config.embed_dim)
