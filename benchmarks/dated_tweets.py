"""Dated tweets of one account with the device that sent them, from Debian's package r-cran-dslabs.

The label is `device`; devices of fewer than 200 tweets are "other". In 2013 Android appears, in 2015 iPhone.
"""

from __future__ import annotations

import os
import zlib
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

FOLDER = Path(os.environ.get("DSLABS", "/usr/lib/R/site-library/dslabs"))
TEXT, LABEL = "text", "device"
FIRST_YEAR, LAST_YEAR = 2011, 2017
"""Of the files: the first has the 182 tweets of 2009 and 2010 too, the last the 3 of 2018."""
MIN_TWEETS = 200  # of a device that is a class


def load() -> pd.DataFrame:
    """20,761 tweets in order of time: `text`, `device` and `year`; retweets are not among them."""
    tweets = _read_r_table("trump_tweets").sort_values("created_at", kind="stable")
    counts = tweets["source"].map(tweets["source"].value_counts())
    years = pd.to_datetime(tweets["created_at"], unit="s").dt.year
    columns = {
        TEXT: tweets["text"].astype(object),
        LABEL: tweets["source"].where(counts >= MIN_TWEETS, "other").astype(object),
        "year": years.clip(FIRST_YEAR, LAST_YEAR).astype(int),
    }
    return pd.DataFrame(columns).reset_index(drop=True)


def yearly(tweets: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """The tweets of each file, by its year."""
    years = sorted(tweets["year"].unique().tolist())
    return {year: tweets.loc[tweets["year"] == year, [TEXT, LABEL]].reset_index(drop=True) for year in years}


def _read_r_table(name: str) -> pd.DataFrame:
    """One object of the package's lazy-load database: an index, and compressed objects one after another."""
    if find_spec("rdata") is None:
        raise SystemExit("rdata is not installed: pip install -c constraints.txt -e '.[benchmarks]'")
    import rdata  # noqa: PLC0415 - of the extra `benchmarks`

    index_path, objects_path = (FOLDER / "data" / f"Rdata.{suffix}" for suffix in ("rdx", "rdb"))
    for path in (index_path, objects_path):
        if not path.exists():
            raise SystemExit(f"{path} is missing: install Debian's package r-cran-dslabs, or set DSLABS")
    index = rdata.read_rds(index_path)
    start, size = index["variables"][name]
    content = zlib.decompress(objects_path.read_bytes()[start + 4 : start + size])  # after its length
    # Times stay seconds since 1970.
    classes = {**rdata.conversion.DEFAULT_CLASS_MAP, "POSIXct": lambda seconds, _: seconds}
    table: pd.DataFrame = rdata.conversion.convert(
        rdata.parser.parse_data(content, extension=".rds"), classes
    )
    return table
