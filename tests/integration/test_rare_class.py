"""Two classes, one row in a hundred positive, through the whole loop: what each metric chooses.

Synthetic readings of a machine: faults follow the first two columns in the first task and the last two in the
second. Normal readings are so frequent that predicting no fault at all is 99 % accurate.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from growlearn.adapters.engines.local import LocalEngine
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.evaluator import NumpyEvaluator
from growlearn.adapters.memory.source import MemorySource
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.errors import JobError
from growlearn.domain.evaluation import AccuracyMatrix
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import HoldoutFraction, Job, SourceConfig
from growlearn.domain.metric import MetricName
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.model_selection import CandidateKind, ModelSelection
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import Window, WindowState
from growlearn.evaluation.prequential import evaluate_prequentially
from growlearn.network.model_cache import ModelCache
from growlearn.pipeline.context import Ports
from growlearn.pipeline.run import run_stream
from growlearn.registry.decision_report import explain_window
from growlearn.registry.matrix import load_accuracy_matrix
from growlearn.registry.version_metrics import load_version_metrics
from growlearn.serving.predictor import Predictor

COLUMNS = ("pressure", "vibration", "heat", "current")
JOB = Job(
    name="faults",
    source=SourceConfig(url="memory"),
    schema=Schema(inputs={name: InputColumn(type=InputType.NUMBER) for name in COLUMNS}, task="machine"),
    model=ModelConfig(embed_dim=16, num_heads=2),
    growth=GrowthConfig(epochs=5, batch_size=64, learning_rate=5e-3, validation_fraction=0.2),
    holdout=HoldoutFraction(fraction=0.3),
)


def readings(machine: str, rows: int, seed: int) -> bytes:
    """Rows of a machine as Parquet; one in a hundred is a fault."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, len(COLUMNS)))
    columns = values[:, :2] if machine == "press" else values[:, 2:]
    score = columns[:, 0] * columns[:, 1] + rng.normal(0, 0.3, rows)  # no single column tells
    fault = score > np.quantile(score, 0.99)
    table: dict[str, Any] = dict(zip(COLUMNS, values.T, strict=True))
    sink = io.BytesIO()
    pq.write_table(
        pa.table(table | {"label": np.where(fault, "fault", "normal"), "machine": [machine] * rows}), sink
    )
    return sink.getvalue()


class Stream:
    """The stream under one job: a press, and then a drill, or the press alone."""

    def __init__(self, folder: Path, job: Job, rows: int = 3000, drill: bool = True) -> None:
        self.store, self.source, self.artifacts = MemoryStore(), MemorySource(), MemoryArtifacts()
        models, self.clock = ModelCache(self.artifacts), ManualClock()
        self.ports = Ports(
            clock=self.clock,
            store=self.store,
            models=models,
            engine=LocalEngine(self.artifacts, folder),
            evaluator=NumpyEvaluator(models),
            open_source=lambda _: self.source,
            worker="w",
            lease_s=60,
        )
        self.store.apply(job, self.clock.now())
        self.press = self.send("1.parquet", readings("press", rows, 1))
        if drill:
            self.drill = self.send("2.parquet", readings("drill", rows, 2))

    def send(self, name: str, content: bytes) -> Window:
        self.source.put(name, content)
        return run_stream("faults", self.ports, lambda _: None).windows[-1]

    def selection(self) -> ModelSelection:
        selection = self.store.window_record("faults", self.drill.id).model_selection
        assert selection is not None
        return selection

    def matrix(self) -> AccuracyMatrix:
        return load_accuracy_matrix(self.store, "faults", self.store.stream("faults").champion)


@pytest.fixture(scope="module")
def by_accuracy(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    return Stream(tmp_path_factory.mktemp("accuracy"), JOB)


@pytest.fixture(scope="module")
def by_average_precision(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    return Stream(tmp_path_factory.mktemp("precision"), replace(JOB, metric=MetricName.AVERAGE_PRECISION))


def test_by_accuracy_the_unchanged_model_is_good_enough_for_the_second_machine(by_accuracy: Stream) -> None:
    """Of 100 rows 99 are normal, which every answer says: the drill takes that of the press as it is."""
    assert by_accuracy.selection().selected is CandidateKind.NO_CHANGE
    assert by_accuracy.drill.state is WindowState.PROMOTED
    press, drill = by_accuracy.store.versions("faults")[-1].manifest.tasks
    assert (drill.sha256, drill.lineage) == (press.sha256, press.lineage)


def test_by_average_precision_the_second_machine_gets_a_branch(by_average_precision: Stream) -> None:
    selection = by_average_precision.selection()
    assert selection.metric is MetricName.AVERAGE_PRECISION
    assert selection.selected is not CandidateKind.NO_CHANGE
    assert by_average_precision.drill.state is WindowState.PROMOTED
    kept = selection.candidate(selection.selected).task_score
    unchanged = selection.candidate(CandidateKind.NO_CHANGE).task_score
    assert kept.value is not None
    assert unchanged.value is not None
    assert kept.value > unchanged.value + 0.3
    assert abs(kept.accuracy - unchanged.accuracy) < 0.02


def test_the_best_epoch_is_the_one_with_the_best_average_precision(by_average_precision: Stream) -> None:
    record = by_average_precision.store.window_record("faults", by_average_precision.press.id)
    assert isinstance(record.result, GrowthResult)
    values = {epoch.epoch: epoch.validation_value for epoch in record.result.epochs}
    assert None not in values.values()
    best = values[record.result.best_epoch]
    assert best == max(value for value in values.values() if value is not None)
    assert best == record.result.validation_value


def test_the_rare_class_is_the_positive_one_for_every_task(by_average_precision: Stream) -> None:
    number = by_average_precision.store.stream("faults").champion
    manifest = by_average_precision.store.versions("faults")[-1].manifest
    assert number == 2
    assert [head.positive_class for head in manifest.tasks] == ["fault", "fault"]
    plan = by_average_precision.store.window_record("faults", "w2").plan
    assert isinstance(plan, GrowthPlan)
    assert plan.positive_class == "fault"


def test_every_gate_is_by_the_metric(by_average_precision: Stream) -> None:
    gates = {gate.gate: gate for gate in by_average_precision.store.window_record("faults", "w2").gates}
    evaluation = by_average_precision.store.window_record("faults", "w2").evaluation
    assert evaluation is not None
    assert "average_precision on task 'drill'" in gates["min_gain"].reason
    assert gates["min_gain"].value > 0.3
    assert gates["forgetting"].value == 0
    assert gates["min_accuracy"].value == min(score.value or 0.0 for score in evaluation.task_scores)
    assert evaluation.metric_chance_level == pytest.approx(0.01, abs=0.008)


def test_every_report_is_by_the_metric(by_average_precision: Stream) -> None:
    matrix = by_average_precision.matrix()
    assert matrix.metric is MetricName.AVERAGE_PRECISION
    assert matrix.values[1][0] == matrix.values[0][0]  # nothing was forgotten, to the last bit
    assert matrix.forgetting == 0
    tasks = load_version_metrics(by_average_precision.store, by_average_precision.artifacts, "faults", 2)
    assert [task.task_score.value for task in tasks] == list(matrix.values[1])
    text = "\n".join(
        line
        for section in explain_window(by_average_precision.store, "faults", "w2")
        for line in section.lines
    )
    assert "Chosen and gated by average_precision; the positive class is 'fault'." in text
    assert "Compared by average_precision, with a paired bootstrap of the hold-out rows." in text


def test_the_prequential_score_is_by_the_metric(tmp_path: Path) -> None:
    stream = Stream(tmp_path, replace(JOB, metric=MetricName.AVERAGE_PRECISION))
    stream.send("3.parquet", readings("drill", 1000, 3))
    store, artifacts = stream.store, stream.artifacts
    result = evaluate_prequentially(store, artifacts, "faults", lambda _: None)
    assert result.metric is MetricName.AVERAGE_PRECISION
    values = {score.window.id: score.metric_value for score in result.windows}
    assert values["w2"] is not None
    assert values["w3"] is not None
    assert values["w3"] > values["w2"] + 0.3  # w2 was answered by version 1, which knew no drill
    assert result.accuracy is not None
    assert result.undefined == ()


def test_weights_a_threshold_and_calibration_serve_the_rare_class(tmp_path: Path) -> None:
    """Most faults of new readings are found, and yet probabilities follow the data, not the weights."""
    balanced = replace(JOB, metric=MetricName.BALANCED_ACCURACY, class_weight="balanced")
    content = readings("press", 8000, 9)
    labels = np.array(pq.read_table(io.BytesIO(content))["label"].to_pylist())
    found, probability, heads = {}, {}, {}
    for name, job in (("accuracy", JOB), ("balanced", balanced)):
        stream = Stream(tmp_path / name, job, rows=6000, drill=False)
        manifest = stream.store.versions("faults")[0].manifest
        heads[name] = manifest.tasks[0]
        frame = pd.read_parquet(io.BytesIO(content))
        answers = Predictor(manifest, stream.artifacts.get).predict(frame, proba=True)
        found[name] = float((answers["prediction"][labels == "fault"] == "fault").mean())
        probability[name] = float(answers["probability_fault"].mean())
    assert (heads["accuracy"].threshold, heads["accuracy"].calibration.offsets) == (None, ())
    assert heads["balanced"].threshold is not None
    assert len(heads["balanced"].calibration.offsets) == 2
    assert found["balanced"] > found["accuracy"] + 0.2
    assert probability["balanced"] < 0.04  # with the weights alone it would be near one half


def test_an_unknown_class_in_the_weights_stops_the_stream_with_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"'faullt', which is no class of this stream .*fault, normal"):
        Stream(tmp_path, replace(JOB, class_weight={"faullt": 20.0}))
