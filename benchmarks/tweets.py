"""The device that sent a tweet, year by year: GrowLearn beside tf-idf with logistic regression.

Each year is one Parquet file, answered by the model as it stands, then learned from. GrowLearn's job is the
one that `growlearn init` writes for the first file: a column of type `text`. The regression reads words and
pairs of words; its strength is chosen on a fifth of its rows, then all of them are fitted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dated_tweets
import kept
import numpy as np
import numpy.typing as npt
import pandas as pd
import prequential
import torch
from candidate_table import HEADER, candidate_lines, stream_selections
from in_memory_stream import InMemoryStream, draft_job
from prequential import Scores
from results import publish
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from growlearn.domain.schema import InputType
from growlearn.ingest.table_rows import read_table_rows

Probabilities = npt.NDArray[np.float64]
"""Of each class of a model, for each tweet [N, K]."""
Years = Mapping[int, pd.DataFrame]

TEXT, LABEL = dated_tweets.TEXT, dated_tweets.LABEL
OURS, ALWAYS = "GrowLearn", "the shares of the last year"
REGRESSIONS = (
    "tf-idf regression, first year",
    "tf-idf regression, last year",
    "tf-idf regression, all years",
)
METRICS = ("accuracy", "log loss")
STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0)  # C of the regression
HELD_OUT = 5  # one row in five chooses among them
FLOOR = 0.01  # of every answer is given to all devices alike: some appear only in a later year


@dataclass(frozen=True)
class Outcome:
    """All sides of one seed; tweets that were rejected; what became of each window, and why."""

    sides: dict[str, Scores]
    rejected: int
    notes: list[str]
    growths: list[str]  # a line a candidate


def main() -> None:
    """Every side with every seed; print and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, help="of each year, at random; publishes nothing")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for finished seeds, which the next run takes up")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tweets = dated_tweets.load()
    devices = sorted(tweets[LABEL].unique())
    years = sample(dated_tweets.yearly(tweets), options.rows)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        outcomes = [resume(seed, years, devices, folder) for seed in range(options.seeds)]
    if options.rows:
        print("\n".join(tables(list(years)[1:], outcomes)))
        return
    publish(
        "tweets",
        "The device of a tweet, year by year",
        tables(list(years)[1:], outcomes),
        f"{len(tweets):,} tweets of one account, 2009 to 2018 (Debian's r-cran-dslabs), in {len(years)} "
        f"files of {', '.join(f'{len(part):,}' for part in years.values())} rows; {len(devices)} devices, "
        f"those of fewer than {dated_tweets.MIN_TWEETS} tweets as one; each year after the first is answered "
        f"before it is learned from; {FLOOR:.0%} of every side's probability is spread over all devices, as "
        f"some are new; {options.seeds} seeds, of weights and of the rows that choose a strength, "
        f"{options.threads} threads; GrowLearn: the job that growlearn init writes; regression: tf-idf of "
        "words and pairs of words, strength chosen on a fifth of the rows; seconds: wall time of all "
        "deliveries, or trainings, on busy cores",
    )


def sample(years: Years, rows: int | None) -> Years:
    """At most so many tweets of each year, still in order of time."""
    return {
        year: part if rows is None else part.sample(min(rows, len(part)), random_state=0).sort_index()
        for year, part in years.items()
    }


def resume(seed: int, years: Years, devices: Sequence[str], folder: Path) -> Outcome:
    """The outcome of a seed, read where it is finished already."""
    path = folder / f"tweets-{sum(map(len, years.values()))}-{seed}.json"
    return kept.resume(path, Outcome, lambda: measure(seed, years, devices))


def measure(seed: int, years: Years, devices: Sequence[str]) -> Outcome:
    """All sides on the same years."""
    ours = grow(seed, years, devices)
    first, *_ = years
    sides = {
        **ours.sides,
        REGRESSIONS[0]: regress(seed, years, devices, lambda _: [first]),
        REGRESSIONS[1]: regress(seed, years, devices, lambda year: [year - 1]),
        REGRESSIONS[2]: regress(seed, years, devices, lambda year: list(range(first, year))),
        ALWAYS: Scores(
            [score(part, *share(years[year - 1], part), devices) for year, part in later(years)], 0, 0.0
        ),
    }
    for name, scores in sides.items():
        print(
            f"seed {seed}, {name}: {dict(zip(METRICS, np.mean(scores.parts, axis=0), strict=True))}",
            flush=True,
        )
    return replace(ours, sides=sides)


def later(years: Years) -> list[tuple[int, pd.DataFrame]]:
    """Every year after the first."""
    return list(years.items())[1:]


def score(
    part: pd.DataFrame, classes: Sequence[str], answers: Probabilities, devices: Sequence[str]
) -> list[float]:
    """Accuracy and log loss of a year's answers, which know some of the devices."""
    probabilities = np.full((len(part), len(devices)), FLOOR / len(devices))
    probabilities[:, [devices.index(name) for name in classes]] += (1 - FLOOR) * answers
    targets = np.array([devices.index(name) for name in part[LABEL]])
    likelihoods = probabilities[np.arange(len(part)), targets]
    return [float((probabilities.argmax(1) == targets).mean()), float(-np.log(likelihoods).mean())]


def share(known: pd.DataFrame, part: pd.DataFrame) -> tuple[list[str], Probabilities]:
    """For each tweet the shares of the devices among those known: nothing of the tweet itself."""
    shares = known[LABEL].value_counts(normalize=True)
    return list(shares.index), np.tile(shares.to_numpy(), (len(part), 1))


# GrowLearn -----------------------------------------------------------------------------------------


def grow(seed: int, years: Years, devices: Sequence[str]) -> Outcome:
    """The product, fed file by file."""
    files = {year: part.to_parquet(index=False) for year, part in years.items()}
    first, *_ = years
    job = draft_job("tweets", f"{first}.parquet", files[first], LABEL, seed)
    assert {name: column.type for name, column in job.schema.inputs.items()} == {TEXT: InputType.TEXT}
    stream = InMemoryStream(job)
    scores, notes, rejected, trainings, seconds = [], [], 0, 0, 0.0
    for year, part in years.items():
        if year != first:
            scores.append(score(part, *ask(stream, files[year]), devices))
            print(f"seed {seed}, {year}: {scores[-1]}", flush=True)
        started = time.perf_counter()
        window = stream.deliver(f"{year}.parquet", files[year])
        seconds += time.perf_counter() - started
        trainings += stream.count_trainings(window)
        rejected += window.quarantined_rows
        notes.append(f"{window.id} {window.verdict}, {window.state}")
        print(f"seed {seed}: {notes[-1]}; {window.reason}", flush=True)
    growths = [
        line
        for growth, selection in stream_selections(stream.store, stream.job.name)
        for line in candidate_lines(f"seed {seed} {growth}", selection)
    ]
    return Outcome({OURS: Scores(scores, trainings, seconds)}, rejected, notes, growths)


def ask(stream: InMemoryStream, content: bytes) -> tuple[tuple[str, ...], Probabilities]:
    """The devices that the champion knows, and their probabilities as `predict --proba` gives them."""
    predictor = stream.champion()
    rows, bad = read_table_rows({"a.parquet": content}, predictor.manifest.schema, for_prediction=True)
    assert not bad, "every tweet can be answered"
    return predictor.labels, predictor.answer(rows, proba=True).class_probabilities


# tf-idf --------------------------------------------------------------------------------------------


def regress(seed: int, years: Years, devices: Sequence[str], known: Callable[[int], list[int]]) -> Scores:
    """A regression trained anew on the known years before each year; once where they stay the same."""
    scores, trained_on, trainings, seconds = [], None, 0, 0.0
    for year, part in later(years):
        if trained_on != known(year):
            started = time.perf_counter()
            trained_on = known(year)
            model = fit_regression(pd.concat([years[each] for each in trained_on]), seed)
            trainings, seconds = trainings + 1, seconds + time.perf_counter() - started
        scores.append(score(part, model.classes_, model.predict_proba(part[TEXT]), devices))
    return Scores(scores, trainings, seconds)


def fit_regression(tweets: pd.DataFrame, seed: int) -> Any:
    """The strength with the lowest log loss on held-out rows, fitted to all rows."""
    is_held_out = np.random.default_rng(seed).permutation(len(tweets)) % HELD_OUT == 0
    held_out = tweets[is_held_out]

    def fit(strength: float, rows: pd.DataFrame) -> Any:
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        return make_pipeline(words, LogisticRegression(C=strength, max_iter=1000)).fit(
            rows[TEXT], rows[LABEL]
        )

    def loss(strength: float) -> float:
        model = fit(strength, tweets[~is_held_out])
        devices = sorted({*tweets[LABEL]})
        return score(held_out, model.classes_, model.predict_proba(held_out[TEXT]), devices)[1]

    return fit(min(STRENGTHS, key=loss), tweets)


# Tables --------------------------------------------------------------------------------------------


def tables(years: Sequence[int], outcomes: Sequence[Outcome]) -> list[str]:
    """Means over years and seeds, then each metric year by year, then what GrowLearn did."""
    lines = prequential.tables([outcome.sides for outcome in outcomes], METRICS, years)
    lines += ["", f"Rows that GrowLearn rejected: {sum(outcome.rejected for outcome in outcomes)}.", ""]
    lines += [f"- seed {seed}: {'; '.join(outcome.notes)}" for seed, outcome in enumerate(outcomes)]
    lines += ["", "Candidates of each growth, on its hold-out rows:", "", *HEADER]
    return lines + [line for outcome in outcomes for line in outcome.growths]


if __name__ == "__main__":
    main()
