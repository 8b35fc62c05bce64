"""A challenger compared with the champion, on real handwritten digits."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from growlearn.domain.job import RegistryConfig, ShadowPromotion
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.metric import METRICS, MetricName
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import Label
from growlearn.domain.stream import Alias, AliasChange, Message, MessageKind
from growlearn.domain.window import PENDING, WindowState
from growlearn.evaluation.accuracy_estimate import answer_rows, estimate_accuracy
from growlearn.ingest.rows import Rows, object_column
from growlearn.network.model import weights
from growlearn.pipeline import champion_challenger
from growlearn.pipeline.champion_challenger import _compare
from growlearn.registry.promotion import promote_version
from growlearn.registry.version_tree import get_version
from growlearn.serving.predictor import Answers, Predictor
from tests.unit.digits import SCHEMA, Digits, Images
from tests.unit.in_memory import JOB, NO_BASELINES, TASKED, World

SHADOWED = RegistryConfig(promote=ShadowPromotion(shadow_windows=2))


def start(folder: Path, digits: Digits) -> World:
    """Version 1 is the champion, version 2, for inverted images, the challenger."""
    images, labels = digits
    world = World(folder, replace(JOB, registry=SHADOWED, baseline_comparison=NO_BASELINES))
    first = world.send("1.parquet", images[:400], labels[:400])
    pending = world.send("2.parquet", 255 - images[400:800], labels[400:800])
    assert (first.state, pending.state) == (WindowState.PROMOTED, WindowState.PENDING_APPROVAL)
    return world


def aliases(world: World) -> tuple[int | None, int | None, int | None]:
    stream = world.store.stream("digits")
    return stream.champion, stream.challenger, stream.parent_version


def last_change(world: World) -> AliasChange:
    return world.store.alias_changes("digits")[-1]


def test_a_challenger_as_good_as_the_champion_is_promoted_after_its_windows(
    tmp_path: Path, digits: Digits
) -> None:
    images, labels = digits
    world = start(tmp_path, digits)

    world.send("3.parquet", 255 - images[900:1100], labels[900:1100])
    assert aliases(world) == (1, 2, 2)
    world.send("4.parquet", images[1100:1300], labels[1100:1300])

    assert aliases(world) == (2, None, 2)
    change = next(
        change for change in world.store.alias_changes("digits") if (change.before, change.after) == (1, 2)
    )
    assert change.actor == "trial"
    assert " of version 1 on 400 rows of 2 windows as challenger (p = " in change.reason


def test_windows_without_labels_do_not_count(tmp_path: Path, digits: Digits) -> None:
    images, _ = digits
    world = start(tmp_path, digits)
    for number in range(3, 6):
        world.send(f"{number}.parquet", images[300 * number : 300 * number + 60], [None] * 60)
    assert aliases(world) == (1, 2, 2)


def test_a_worse_challenger_is_removed(tmp_path: Path, digits: Digits) -> None:
    """Labels are the champion's predictions, on rows where the two differ."""
    world = start(tmp_path, digits)
    inverted = 255 - digits[0][900:1700]
    champion, challenger = (_predict(world, number, inverted) for number in (1, 2))
    differ = np.flatnonzero(champion != challenger)
    assert len(differ) > 60

    for name, rows in zip(("3.parquet", "4.parquet"), np.array_split(differ, 2), strict=True):
        world.send(name, inverted[rows], [int(label) for label in champion[rows]])

    assert aliases(world) == (1, None, 1)
    assert (last_change(world).actor, last_change(world).alias) == ("trial", Alias.CHALLENGER)


def _predict(world: World, number: int, images: Images) -> npt.NDArray[np.int64]:
    manifest = get_version(world.store.versions("digits"), number).manifest
    frame = pd.DataFrame({"image": [list(map(int, image.ravel())) for image in images]})
    return Predictor(manifest, world.artifacts.get).predict(frame)["prediction"].to_numpy()


def test_rows_of_a_task_unknown_to_the_champion_count_for_the_challenger(
    tmp_path: Path, digits: Digits
) -> None:
    images, labels = digits
    world = World(tmp_path, replace(TASKED, registry=SHADOWED, baseline_comparison=NO_BASELINES))
    world.send("1.parquet", images[:400], labels[:400], "a")
    world.send("2.parquet", 255 - images[400:800], labels[400:800], "b")
    assert aliases(world) == (1, 2, 2)
    world.send("3.parquet", 255 - images[900:1000], labels[900:1000], "b")
    world.send("4.parquet", images[1000:1100], labels[1000:1100], "a")
    assert aliases(world) == (2, None, 2)


def test_a_person_may_end_the_comparison(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = start(tmp_path, digits)
    stream, versions = world.store.stream("digits"), world.store.versions("digits")
    moves, base = promote_version(stream, versions, 2, "ann", "good", world.clock.now())
    world.store.change_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))
    world.send("3.parquet", images[900:1000], labels[900:1000])
    world.send("4.parquet", images[1000:1100], labels[1000:1100])
    assert "trial" not in [change.actor for change in world.store.alias_changes("digits")]


def test_a_window_without_its_rows_does_not_count(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = start(tmp_path, digits)
    missing = world.send("3.parquet", 255 - images[900:1000], labels[900:1000])
    del world.artifacts._contents[str(missing.snapshot)]
    world.send("4.parquet", 255 - images[1000:1100], labels[1000:1100])
    assert aliases(world) == (1, 2, 2)
    world.send("5.parquet", images[1100:1200], labels[1100:1200])
    assert aliases(world) == (2, None, 2)


def test_a_challenger_that_no_longer_gives_its_stored_logits_is_declined(
    tmp_path: Path, digits: Digits
) -> None:
    images, labels = digits
    world = start(tmp_path, digits)
    result = world.store.window_record("digits", "w2").result
    assert result is not None
    stored = weights.load_weights(world.artifacts.get(str(result.check_logits)))
    stored[next(iter(stored))][0, 0] += 0.5
    world.artifacts._contents[str(result.check_logits)] = weights.dump_weights(stored)
    world.send("3.parquet", 255 - images[900:1100], labels[900:1100])
    world.send("4.parquet", images[1100:1300], labels[1100:1300])
    assert aliases(world) == (1, None, 1)
    assert re.match(r"not verified: 1 of \d tasks no longer give", last_change(world).reason)


@pytest.mark.parametrize(
    ("error", "is_declined"), [(TypeError("no such thing"), True), (RuntimeError("CUDA error"), False)]
)
def test_a_bug_in_the_comparison_declines_the_challenger_and_stops_nothing(
    tmp_path: Path,
    digits: Digits,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    is_declined: bool,
) -> None:
    images, labels = digits
    world = start(tmp_path, digits)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(champion_challenger, "_compare", fail)
    world.send("3.parquet", 255 - images[900:1100], labels[900:1100])
    if is_declined:
        last = world.send("4.parquet", images[1100:1300], labels[1100:1300])
        assert aliases(world) == (1, None, 1)
        assert last.state not in PENDING
        assert last_change(world).reason == (
            "given up because of a bug in its comparison: TypeError: no such thing"
        )
        assert "no such thing" in caplog.text
    else:  # a device may be there at the next look
        with pytest.raises(RuntimeError, match="CUDA"):
            world.send("4.parquet", images[1100:1300], labels[1100:1300])
        assert aliases(world) == (1, 2, 2)


class Told:
    """A version that gives these probabilities of class 1."""

    labels = ("0", "1")

    def __init__(self, probabilities: npt.NDArray[np.float64]) -> None:
        self.positive = probabilities
        head = TaskHead(name="t", classes=(0, 1), lineage=(), sha256="", positive_class=1)
        self.manifest = Manifest(stream="s", schema=SCHEMA, model=ModelConfig(), branches=(), tasks=(head,))

    def answer(self, rows: Rows, proba: bool = False) -> Answers:
        prediction = object_column([int(probability > 0.5) for probability in self.positive])
        both = np.stack([1 - self.positive, self.positive], axis=1)
        return Answers(prediction, both.max(axis=1), object_column(["t"] * len(rows)), both)

    def format_label(self, label: Label) -> Label:
        return label

    def is_correct(self, rows: Rows) -> npt.NDArray[np.bool_]:
        return np.array((self.positive > 0.5) == rows.labels.astype(bool))


@pytest.mark.parametrize(
    ("metric", "text"), [(MetricName.ROC_AUC, "roc_auc"), (MetricName.LOG_LOSS, "log_loss")]
)
def test_a_challenger_is_compared_by_the_jobs_metric(metric: MetricName, text: str) -> None:
    rng = np.random.default_rng(0)
    labels = (np.arange(400) % 20 == 0).astype(int)
    noise = rng.normal(size=400)
    bad, good = (
        Told(np.clip(0.05 + strength * labels + 0.02 * noise, 0.001, 0.49)) for strength in (0.0, 0.2)
    )
    images = np.zeros((400, 1, 8, 8), np.uint8)
    rows = Rows({"image": images}, object_column(labels.tolist()), None, np.arange(400, dtype=np.uint64))
    worse = _compare(bad, good, rows, METRICS[metric], 0.05)  # type: ignore[arg-type]
    better = _compare(good, bad, rows, METRICS[metric], 0.05)  # type: ignore[arg-type]
    assert worse.p_value < 0.05 < better.p_value  # that the champion is no better
    assert worse.challenger.endswith(f" {text}")
    equal = _compare(good, bad, rows, METRICS[MetricName.ACCURACY], 0.05)  # type: ignore[arg-type]
    assert (equal.p_value, equal.challenger) == (1.0, "95.00% right")


@pytest.mark.parametrize("metric", [MetricName.BALANCED_ACCURACY, MetricName.MACRO_F1])
@pytest.mark.parametrize(("num_rare", "is_declined"), [(1, False), (30, True)])
def test_a_challenger_that_misses_one_row_of_a_class_is_not_declined_for_it(
    metric: MetricName, num_rare: int, is_declined: bool
) -> None:
    labels = (np.arange(400) < num_rare).astype(int)
    images = np.zeros((400, 1, 8, 8), np.uint8)
    rows = Rows({"image": images}, object_column(labels.tolist()), None, np.arange(400, dtype=np.uint64))
    bad, good = Told(np.full(400, 0.1)), Told(0.1 + 0.8 * labels)
    worse = _compare(bad, good, rows, METRICS[metric], 0.05)  # type: ignore[arg-type]
    assert (worse.p_value < 0.05) == is_declined
    assert _compare(good, bad, rows, METRICS[metric], 0.05).p_value > 0.9  # type: ignore[arg-type]


@pytest.mark.parametrize("metric", [MetricName.ROC_AUC, MetricName.LOG_LOSS])
def test_probabilities_that_are_no_numbers_are_no_answers(metric: MetricName) -> None:
    labels = (np.arange(200) % 4 == 0).astype(int)
    diverged, good = Told(np.full(200, np.nan)), Told(0.2 + 0.3 * labels)
    images = np.zeros((200, 1, 8, 8), np.uint8)
    rows = Rows({"image": images}, object_column(labels.tolist()), None, np.arange(200, dtype=np.uint64))
    worse = _compare(diverged, good, rows, METRICS[metric], 0.05)  # type: ignore[arg-type]
    better = _compare(good, diverged, rows, METRICS[metric], 0.05)  # type: ignore[arg-type]
    assert worse.p_value < 0.05 < better.p_value  # that the champion is no better
    assert "nan" not in worse.challenger
    answered = answer_rows(diverged, rows)  # type: ignore[arg-type]
    assert estimate_accuracy(answered.probability, answered.task, {"t": 50})[0] == 0


def test_on_rows_of_one_class_a_challenger_is_compared_by_accuracy_and_that_is_told() -> None:
    told = Told(np.full(30, 0.1))
    images = np.zeros((30, 1, 8, 8), np.uint8)
    rows = Rows({"image": images}, object_column([0] * 30), None, np.arange(30, dtype=np.uint64))
    comparison = _compare(told, told, rows, METRICS[MetricName.ROC_AUC], 0.05)  # type: ignore[arg-type]
    assert comparison.challenger == "100.00% right (roc_auc is not defined: every row has one label)"
