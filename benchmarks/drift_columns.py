"""One column of a table breaks, or moves: what the product says of it, and whether it calls for growth.

Files are dropped one by one and ingested and judged by the cycle that `growlearn run` runs; the
action `alert` keeps what calls for growth from being trained. Each stream breaks another column. Two real
tables that come with libraries: the sensors of a space shuttle (Statlog, in river), some of them mostly zero,
and breast cancer (scikit-learn). No row comes twice in a stream, and none was in the window that the model
learned from.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import pandas as pd
from results import publish
from river.datasets import Shuttle
from sklearn.datasets import load_breast_cancer

from growlearn.adapters.db.store import DbStore
from growlearn.app.apply_job import apply_job
from growlearn.app.composition import build_ports, open_store
from growlearn.app.jobfile import read_job
from growlearn.domain.window import WindowState
from growlearn.pipeline.context import Ports
from growlearn.pipeline.run import run_stream
from growlearn.settings import read_settings

STABLE, CHANGED = 2, 4  # windows
MISSED = CHANGED + 1
JOB = """
name: table
source: {type: folder, url: incoming, pattern: "*.parquet", min_file_age_s: 0}
schema:
  inputs: {COLUMNS}
  label: label
holdout: {fraction: 0.15}
model: {embed_dim: 32}
growth: {epochs: 10, batch_size: 32, validation_fraction: 0.4}
drift: {DRIFT}
"""
SEQUENTIAL = "{decision_rule: sequential, alpha: 0.05, action: alert}"
COLUMN_TESTS = "{decision_rule: any, detectors: [output-ks, per-column], alpha: 0.001, action: alert}"

Change = Callable[["pd.Series[float]", float], "pd.Series[float]"]
"""A column of a window, and its standard deviation in the whole table -> the column as it comes."""


@dataclass(frozen=True)
class Table:
    """Rows whose last column is `label`; how many of them the first window has, and each later one."""

    name: str
    load: Callable[[], pd.DataFrame]
    first: int
    rows: int
    streams: int


@dataclass(frozen=True)
class Way:
    """How windows are judged."""

    name: str
    drift: str
    labelled: bool = True


@dataclass(frozen=True)
class WindowOutcome:
    """What became of one window; wrong is the share of wrong answers, None where no labels tell."""

    verdict: str
    speaks: bool  # whether it says of what kind a change is, or quarantined the file
    grows: bool
    wrong: float | None


def shuttle() -> pd.DataFrame:
    """49,097 rows by 9 sensors; the label is 1 for an anomaly (7 %)."""
    rows = [{**{name: float(value) for name, value in x.items()}, "label": int(y)} for x, y in Shuttle()]
    return pd.DataFrame(rows)


def cancer() -> pd.DataFrame:
    """569 tumours by 30 measures."""
    bunch = load_breast_cancer()
    names = [f"x{at}" for at in range(bunch.data.shape[1])]
    return pd.DataFrame(bunch.data, columns=names).assign(label=bunch.target)


TABLES = (Table("shuttle", shuttle, 6000, 500, 9), Table("breast cancer", cancer, 249, 40, 6))
WAYS = (
    Way("sequential", SEQUENTIAL),
    Way("sequential, no labels", SEQUENTIAL, labelled=False),
    Way("any: output-ks, columns", COLUMN_TESTS),
)
CASES: dict[str, Change] = {
    "constant": lambda column, _: column * 0 + column.iloc[0],
    "unit changed, x 1000": lambda column, _: column * 1000,
    "all missing": lambda column, _: column * np.nan,
    "shifted by half a standard deviation": lambda column, deviation: column + deviation / 2,
    "nothing": lambda column, _: column,
}


def main() -> None:
    """Run every table, case and way of judging; print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=9, help="at most, of each table")
    options = parser.parse_args()
    lines = [
        "| table | one column | judged by | windows | verdict | calls for growth | wrong answers |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for table in TABLES:
            data = table.load().sample(frac=1, random_state=0, ignore_index=True)
            trained = Path(folder) / table.name
            train(data, table, trained)
            streams = min(options.streams, table.streams)
            for case in CASES:
                for way in WAYS:
                    found = [run(data, table, case, way, seed, trained) for seed in range(streams)]
                    lines.append(f"| {table.name} | {case} | {way.name} | {cells(found)} |")
                    print(lines[-1], flush=True)
    publish(
        "drift_columns",
        "One column of a table breaks or moves",
        lines,
        "a stream for each of the shuttle's nine columns and for six of breast cancer's thirty, one "
        f"model a table; {STABLE} stable windows, then {CHANGED} changed ones, of {TABLES[0].rows} and "
        f"{TABLES[1].rows} rows, all of them judged; windows: median (longest) until a verdict has a "
        "kind or a file is quarantined, `-` where none has; verdict (kind): of the first such window, "
        "or of the first changed one; calls for growth: streams of which any changed window does; wrong "
        "answers: before and after, by the labels, all windows of all streams; alpha is 0.05 for life "
        "with sequential, 0.001 a window with any; min_effect_size and min_error_increase by default; a row "
        "whose cell is missing is rejected, so a file without a value in a column is quarantined",
    )


def train(data: pd.DataFrame, table: Table, home: Path) -> None:
    """A record whose stream has learned from its first window."""
    home.mkdir()
    with working(home, data, WAYS[0]) as ports:
        drop(home, data[: table.first], 0)
        (window,) = run_stream("table", ports, lambda _: None).windows
        assert window.state is WindowState.PROMOTED, window.reason


def run(
    data: pd.DataFrame, table: Table, case: str, way: Way, seed: int, trained: Path
) -> list[WindowOutcome]:
    """One stream: a copy of the record, and files dropped into it one by one."""
    names = list(data.columns[:-1])
    name = names[seed * len(names) // table.streams]
    later = data[table.first :].sample(frac=1, random_state=seed)
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        shutil.copytree(trained, home, ignore=shutil.ignore_patterns("incoming"))
        with working(home, data, way) as ports:
            for at in range(STABLE + CHANGED):
                rows = later[at * table.rows :][: table.rows].copy()
                if at >= STABLE:
                    rows[name] = CASES[case](rows[name], float(data[name].std()))
                if not way.labelled:
                    rows["label"] = None
                drop(home, rows, 1 + at)
                outcomes.append(handled(ports))
    return outcomes


@contextmanager
def working(home: Path, data: pd.DataFrame, way: Way) -> Iterator[Ports]:
    """The ports of a cycle over the record in a folder, with the job that judges in this way."""
    inputs = ", ".join(f"{name}: {{type: number}}" for name in data.columns[:-1])
    job = JOB.replace("{COLUMNS}", f"{{{inputs}}}").replace("{DRIFT}", way.drift)
    (home / "table.yaml").write_text(job, encoding="utf-8")
    (home / "incoming").mkdir()
    settings = read_settings({"GROWLEARN_THREADS": "1"}, home)
    store = open_store(settings)
    assert isinstance(store, DbStore)
    with store:
        apply_job(store, read_job(home / "table.yaml", home))
        yield build_ports(settings, store)


def drop(home: Path, rows: pd.DataFrame, number: int) -> None:
    """A file for the watched folder."""
    rows.to_parquet(home / "incoming" / f"{number:02}.parquet", index=False)


def handled(ports: Ports) -> WindowOutcome:
    """What becomes of the file that was dropped."""
    run_stream("table", ports, lambda _: None)
    window = ports.store.windows("table")[-1]
    report = ports.store.window_record("table", window.id).report
    if report is None:
        return WindowOutcome(f"file {window.state.value}", True, False, None)
    wrong = [score.statistic for score in report.test_results if score.detector == "errors"]
    kind = "" if report.kind is None else f" ({report.kind.value})"
    return WindowOutcome(
        f"{report.verdict.value}{kind}",
        report.kind is not None,
        report.needs_growth,
        wrong[0] if wrong else None,
    )


def first_delay(outcomes: list[WindowOutcome]) -> int:
    """Windows until one has a kind of drift, or a file is quarantined; MISSED where none has."""
    return next((delay for delay, outcome in enumerate(outcomes, 1) if outcome.speaks), MISSED)


def cells(streams: list[list[WindowOutcome]]) -> str:
    """Four cells of the table: delays, verdicts, how many streams call for growth, wrong answers."""
    changed = [outcomes[STABLE:] for outcomes in streams]
    delays = sorted(first_delay(outcomes) for outcomes in changed)
    shown = ["-" if delay == MISSED else str(delay) for delay in delays]
    first = [
        next((outcome for outcome in outcomes if outcome.speaks), outcomes[0]).verdict for outcomes in changed
    ]
    words = [
        word if count == len(first) else f"{word} {count}" for word, count in Counter(first).most_common()
    ]
    grows = sum(any(outcome.grows for outcome in outcomes) for outcomes in changed)
    false = sum(any(outcome.grows for outcome in outcomes[:STABLE]) for outcomes in streams)
    wrong = [
        [outcome.wrong for outcomes in streams for outcome in outcomes[part] if outcome.wrong is not None]
        for part in (slice(STABLE), slice(STABLE, None))
    ]
    errors = " to ".join(f"{fmean(side):.1%}" for side in wrong if side) or "-"
    growth = f"{grows} of {len(streams)}" + (f", {false} before the change" if false else "")
    return f"{shown[len(shown) // 2]} ({shown[-1]}) | {', '.join(words)} | {growth} | {errors}"


if __name__ == "__main__":
    main()
