"""Answers and training of a lineage of three branches on one stem against those of one branch.

One task of images and one of table rows, default job: a first branch with its stem, then two refinements by
branches on the frozen stem. Answers are from rows, and from a data frame as a served model gets it. A first
branch and the third are trained in turn, each from plan to stored branch; one process.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import fashion_mnist
import numpy as np
import nyc_flights
import pandas as pd
import torch
from branch_growth import SCHEMA, GrowingModel, make_rows
from results import publish

from growlearn.domain.execution import Execution
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.lineage import Manifest
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.model_selection import CandidateKind
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.growth.candidates import plan_candidates
from growlearn.growth.train import train_branch
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.serving.predictor import Predictor

BRANCHES, TASK = 3, "all"
BATCHES = (1, 256)
TABLE = Schema(
    inputs={
        **{name: InputColumn(type=InputType.NUMBER) for name in nyc_flights.NUMBERS},
        **{name: InputColumn(type=InputType.CATEGORY) for name in nyc_flights.CATEGORIES},
    }
)


@dataclass(frozen=True)
class Case:
    """One kind of rows: its schema, the rows of three windows, and frames of rows to answer."""

    schema: Schema
    windows: list[Rows]
    frame: pd.DataFrame  # of 256 rows


@dataclass(frozen=True)
class Grown:
    """A stream with one task: its models of one and three branches, and the plans of the first and last."""

    model: GrowingModel
    manifests: tuple[Manifest, Manifest]
    plans: tuple[GrowthPlan, GrowthPlan]


def main() -> None:
    """Grow both streams, measure answers and training, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2000, help="of each window")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, nargs=2, default=(300, 12), help="for 1 row and for 256")
    parser.add_argument("--trainings", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    answers = [
        "| input | rows | execution | from | one branch, ms | three, ms | times as long |",
        "| --- " * 7 + "|",
    ]
    training = [
        "| input | one epoch: first branch, s | third, s | times as long "
        "| whole growth: first branch, s | third, s | times as long |",
        "| --- " * 7 + "|",
    ]
    for name, case in (("image", image_case(options.rows)), ("table", table_case(options.rows))):
        grown = grow(case, options.epochs)
        for count, repeats in zip(BATCHES, options.repeats, strict=True):
            answers += answer_lines(name, grown, case, count, repeats)
        training.append(training_line(name, grown, options.trainings))
        print(training[-1], flush=True)
    publish(
        "lineage_speed",
        "A lineage of three branches on one stem against one branch",
        ["Answers:", "", *answers, "", "Training:", "", *training],
        f"Default `model`, windows of {options.rows} rows, {options.epochs} epochs; images are "
        f"Fashion-MNIST, table rows flights with {len(TABLE.inputs)} columns; threads: {options.threads}; "
        f"medians of {options.repeats[0]} and {options.repeats[1]} answers, all ways in turn, "
        f"in milliseconds {'of processor time' if options.threads == 1 else 'that pass'}, and of "
        f"{options.trainings} trainings of both in turn; `stem` is the stem alone, the same in both",
    )


def image_case(rows: int) -> Case:
    """Images of clothes."""
    images, labels = fashion_mnist.load("train")
    windows = [
        make_rows(images[start : start + rows], labels[start : start + rows])
        for start in range(0, BRANCHES * rows, rows)
    ]
    frame = pd.DataFrame({"image": [fashion_mnist.png(image) for image in images[: BATCHES[-1]]]})
    return Case(SCHEMA, windows, frame)


def table_case(rows: int) -> Case:
    """Late flights; missing values stay missing."""
    flights = nyc_flights.load()
    windows = [table_rows(flights.iloc[start : start + rows]) for start in range(0, BRANCHES * rows, rows)]
    return Case(TABLE, windows, flights[list(TABLE.inputs)].iloc[: BATCHES[-1]])


def table_rows(flights: pd.DataFrame) -> Rows:
    """A frame as rows."""
    inputs = {name: flights[name].to_numpy(dtype=np.float64) for name in nyc_flights.NUMBERS} | {
        name: object_column(flights[name].tolist()) for name in nyc_flights.CATEGORIES
    }
    return Rows(inputs, object_column(flights["late"].tolist()), None, hash_rows(inputs, TABLE))


def grow(case: Case, epochs: int) -> Grown:
    """The first branch, then two refinements on its frozen stem."""
    model = GrowingModel(ModelConfig(), GrowthConfig(epochs=epochs, patience=epochs), case.schema)
    plans: list[GrowthPlan] = []
    manifests: list[Manifest] = []
    for rows in case.windows:
        plan = replace(model.plan(TASK, rows), train_router=not plans)
        if plans:
            plan = plan_candidates(plan, ())[CandidateKind.RESIDUAL]
        model.manifest = train(model, plan).build_manifest(plan)
        plans.append(plan)
        manifests.append(model.manifest)
    assert len(model.manifest.task(TASK).lineage) == BRANCHES
    assert {branch.stem for branch in model.manifest.branches} == {model.manifest.branches[0].id}
    return Grown(model, (manifests[0], manifests[-1]), (plans[0], plans[-1]))


def train(model: GrowingModel, plan: GrowthPlan) -> GrowthResult:
    """Train a plan from its start."""
    with tempfile.TemporaryDirectory() as scratch:
        return train_branch(plan, model.artifacts, Path(scratch), lambda _: None)


def answer_lines(name: str, grown: Grown, case: Case, count: int, repeats: int) -> list[str]:
    """Lines of the table for answers to so many rows."""
    rows, frame = case.windows[0].take(np.arange(count)), case.frame.iloc[:count]
    ways: dict[tuple[Execution, str, int], Callable[[], object]] = {}
    for execution in Execution:
        if execution is Execution.WORKERS and torch.get_num_threads() == 1:
            continue  # the same as the loop
        for index, manifest in enumerate(grown.manifests):
            predictor = Predictor(manifest, grown.model.artifacts.get, execution)
            ways[execution, "rows", index] = partial(predictor.answer, rows)
            ways[execution, "frame", index] = partial(predictor.predict, frame)
    stem = grown.model.load(grown.manifests[0]).root_stem
    runs = {" ".join(map(str, way)): run for way, run in ways.items()}
    runs["stem"] = torch.no_grad()(lambda: stem(stem.encode(rows)))
    medians = in_turn(runs, repeats)
    lines = [f"| {name} | {count} | stem | rows | {medians['stem'] * 1e3:.2f} | | |"]
    for execution, source, index in ways:
        if index == 0:
            one, three = (medians[f"{execution} {source} {which}"] for which in range(2))
            figures = f"{one * 1e3:.2f} | {three * 1e3:.2f} | {three / one:.2f}"
            lines.append(f"| {name} | {count} | {execution} | {source} | {figures} |")
    print("\n".join(lines), flush=True)
    return lines


def in_turn(ways: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each way, all in turn; with one thread of processor time, whatever else runs."""
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    times: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats + 2):
        for name, way in ways.items():
            started = clock()
            way()
            if repeat >= 2:  # the first turns only warm up
                times[name].append(clock() - started)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def training_line(name: str, grown: Grown, trainings: int) -> str:
    """One kind of rows' line of the table for training."""
    results: tuple[list[GrowthResult], list[GrowthResult]] = ([], [])
    for _ in range(trainings):
        for plan, found in zip(grown.plans, results, strict=True):
            found.append(train(grown.model, replace(plan, train_router=False)))
    pairs = (
        [
            statistics.median(epoch.seconds for result in found for epoch in result.epochs)
            for found in results
        ],
        [statistics.median(result.seconds for result in found) for found in results],
    )
    cells = " | ".join(f"{first:.2f} | {third:.2f} | {third / first:.2f}" for first, third in pairs)
    return f"| {name} | {cells} |"


if __name__ == "__main__":
    main()
