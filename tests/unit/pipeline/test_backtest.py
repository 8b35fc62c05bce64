"""A history of clouds of points, A A B B A, replayed in memory."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from growlearn.adapters.engines.dry_run import DryRunEngine
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.evaluator import NumpyEvaluator
from growlearn.adapters.memory.source import MemorySource
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.backtest import Replay
from growlearn.domain.drift_config import (
    DriftConfig,
    FalseAlarmBudget,
    RefineConfig,
    RetrainingPolicyConfig,
    TrainingBudget,
)
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import EvaluationConfig, HoldoutFraction, Job, SourceConfig, WindowingConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import IngestResult, Verdict, WindowState
from growlearn.ingest.rows import from_parquet
from growlearn.ingest.source_ingest import ingest_new_files
from growlearn.network.model.network import load_network
from growlearn.network.model_cache import ModelCache
from growlearn.pipeline.backtest import (
    ReplayPolicy,
    find_matching_period,
    make_baseline_policies,
    make_job_policy,
    replay_history,
    with_arrival_times,
)
from growlearn.pipeline.context import Ports

NUMBER = InputColumn(type=InputType.NUMBER)
JOB = Job(
    name="blobs",
    source=SourceConfig(url="memory"),
    schema=Schema(inputs={"x": NUMBER, "y": NUMBER}),
    model=ModelConfig(embed_dim=8, num_heads=2),
    growth=GrowthConfig(epochs=10, batch_size=32, validation_fraction=0.3),
    drift=DriftConfig(alpha=0.001),
    holdout=HoldoutFraction(fraction=0.3),
)
REGIMES = "AABBA"
SECONDS_PER_ROW = 0.01
HOUR = timedelta(hours=1)


def cloud(regime: str, seed: int, rows: int = 160) -> bytes:
    """Two classes of points; those of regime B lie elsewhere, the other way round."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, rows)
    x, y = rng.normal(0, 0.5, rows) + 3 * label, rng.normal(0, 0.5, rows)
    if regime == "B":
        x, y = y + 6, x - 3
    columns = {"x": x, "y": y, "label": label}
    if regime == "-":  # the same rows as of A, without labels
        del columns["label"]
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


class History:
    """A history ingested once, to be replayed under any policy."""

    def __init__(self, regimes: str = REGIMES) -> None:
        self.artifacts = MemoryArtifacts()
        source = MemorySource(
            {f"{number}.parquet": cloud(regime, number) for number, regime in enumerate(regimes, 1)}
        )
        store, clock = MemoryStore(), ManualClock()
        stream = store.apply(JOB, clock.now())
        self.files: Sequence[IngestResult] = ingest_new_files(stream, source, store, self.artifacts, clock)
        self.regimes = {f"w{number}": regime for number, regime in enumerate(regimes, 1)}
        self.store = MemoryStore()
        self.stages: list[str] = []

    def replay(self, policy: ReplayPolicy) -> Replay:
        clock = ManualClock()
        self.store, self.stages = MemoryStore(), []
        self.store.apply(policy.job, clock.now())
        models = ModelCache(self.artifacts)
        ports = Ports(
            clock=clock,
            store=self.store,
            engine=DryRunEngine(self.artifacts, SECONDS_PER_ROW),
            evaluator=NumpyEvaluator(models),
            models=models,
            open_source=lambda _: MemorySource(),
            worker="w",
            lease_s=60,
        )
        return replay_history(
            policy,
            with_arrival_times(self.files, lambda moment: moment + HOUR),
            self.regimes,
            ports,
            lambda moment: clock.advance((moment - clock.now()).total_seconds()),
            lambda progress: self.stages.append(progress.stage),
        )


@pytest.fixture(scope="module")
def history() -> History:
    return History()


def test_drift_raises_one_alarm_is_learned_once_and_its_recurrence_is_detected(history: History) -> None:
    replay = history.replay(make_job_policy("job", JOB))
    assert [(item.verdict, item.task, item.grown) for item in replay.windows] == [
        (Verdict.FIRST, "task-1", True),
        (Verdict.STABLE, "task-1", False),
        (Verdict.DRIFT, "task-2", True),
        (Verdict.STABLE, "task-2", False),
        (Verdict.KNOWN_TASK, "task-1", False),
    ]
    assert (replay.alarms, replay.missed, replay.false_alarms) == (1, 0, 0)
    assert (replay.delays, replay.recurrences_detected, replay.recurrences) == ((0,), 1, 1)
    assert set(history.stages) == {"replaying job"}


def test_a_window_is_scored_with_the_model_before_it(history: History) -> None:
    first, stable, new, learned, recurring = history.replay(make_job_policy("job", JOB)).windows
    assert first.labelled == 0
    assert min(item.correct / item.labelled for item in (stable, learned, recurring)) > 0.9
    # predicted by task-1: task-2 did not exist yet
    (_, _, window, *_), model = history.store.windows("blobs"), history.store.versions("blobs")[0].manifest
    rows = from_parquet(history.artifacts.get(str(window.snapshot)), model.schema)
    predicted = load_network(model, history.artifacts.get).logits(rows, "task-1").argmax(1)
    assert new.correct == (predicted == rows.labels).sum()


def test_a_training_costs_rows_times_epochs_and_twice_that_with_a_single_task_baseline(
    history: History,
) -> None:
    replay = history.replay(make_job_policy("job", JOB))
    result = history.store.window_record("blobs", "w3").result
    assert result is not None
    assert replay.windows[2].training_s == pytest.approx(result.train_rows * 10 * SECONDS_PER_ROW)
    twice = history.replay(
        make_job_policy("job", replace(JOB, evaluation=EvaluationConfig(single_task_baseline=True)))
    )
    assert twice.training_hours == pytest.approx(2 * replay.training_hours)


def test_only_the_head_is_trained(history: History) -> None:
    history.replay(make_job_policy("job", JOB))
    result = history.store.window_record("blobs", "w3").result
    assert result is not None
    assert (result.epochs, result.best_epoch) == ((), 0)
    assert history.store.window("blobs", "w3").state is WindowState.PROMOTED


def test_a_policy_vetoes_as_in_production(history: History) -> None:
    confirming = replace(JOB, retraining_policy=RetrainingPolicyConfig(confirm_windows=2))
    replay = history.replay(make_job_policy("confirming", confirming))
    assert [item.grown for item in replay.windows] == [True, False, False, True, False]
    assert (replay.alarms, replay.trainings) == (2, 2)
    assert "retraining_policy.confirm_windows" in (replay.windows[2].reason or "")


def test_a_budget_of_hours_counts_what_training_would_have_cost(history: History) -> None:
    limited = replace(
        JOB,
        retraining_policy=RetrainingPolicyConfig(
            training_budget=TrainingBudget(max_hours=0.001, period="1d")
        ),
    )
    replay = history.replay(make_job_policy("limited", limited))
    assert [item.grown for item in replay.windows] == [True, False, False, False, False]
    assert "retraining_policy.training_budget" in (replay.windows[2].reason or "")
    hourly = replace(
        JOB,
        retraining_policy=RetrainingPolicyConfig(
            training_budget=TrainingBudget(max_hours=0.001, period="1h")
        ),
    )
    assert history.replay(make_job_policy("hourly", hourly)).trainings == 2  # windows are an hour apart here


def test_the_baseline_policies_ignore_drift(history: History) -> None:
    replays = [
        history.replay(policy)
        for policy in make_baseline_policies(
            replace(JOB, retraining_policy=RetrainingPolicyConfig(confirm_windows=3)), period=2
        )
    ]
    assert [item.policy for item in replays] == ["never", "always", "periodic"]
    assert [item.trainings for item in replays] == [1, 5, 3]
    never, always, periodic = ([window.grown for window in item.windows] for item in replays)
    assert never == [True, False, False, False, False]
    assert periodic == [True, False, True, False, True]
    assert all(always)
    assert (replays[0].missed, replays[1].false_alarms) == (1, 3)


def test_periodic_trains_as_often_as_the_job_did(history: History) -> None:
    replay = history.replay(make_job_policy("job", JOB))
    assert find_matching_period(replay) == 2
    assert find_matching_period(replace(replay, windows=replay.windows[:1] * 9)) == 4  # at least 1


def test_a_refinement_counts_as_a_training_and_changes_no_answer(history: History) -> None:
    refining = replace(JOB, refine=RefineConfig(min_rows=150))
    refined = history.replay(make_job_policy("refining", refining))
    tasks = [(task.name, task.head) for task in history.store.tasks("blobs")]
    plain = history.replay(make_job_policy("job", JOB))
    assert [item.grown for item in refined.windows] == [True] * 5
    assert [item.grown for item in plain.windows] == [True, False, True, False, False]
    assert [(item.verdict, item.task) for item in refined.windows] == [
        (item.verdict, item.task) for item in plain.windows
    ]
    assert [item.correct for item in refined.windows] == [item.correct for item in plain.windows]
    assert refined.training_hours > plain.training_hours
    assert [name for name, _ in tasks] == ["task-1", "task-1", "task-2", "task-2", "task-1"]
    assert len({head for name, head in tasks if name == "task-1"}) == 1
    never, always, _ = (history.replay(policy) for policy in make_baseline_policies(refining, period=2))
    assert (never.trainings, always.trainings) == (1, 5)


def test_a_model_is_never_full_in_a_replay(history: History) -> None:
    tight = replace(JOB, model=replace(JOB.model, max_branches=1))
    assert history.replay(make_job_policy("tight", tight)).trainings == 2


def test_windows_without_labels_are_judged_but_not_scored() -> None:
    replay = History("A-B").replay(make_job_policy("job", JOB))
    assert [item.labelled for item in replay.windows] == [0, 0, 160]


def test_a_history_that_begins_without_labels_has_no_model_until_they_come() -> None:
    history = History("-AA")
    for policy in (make_job_policy("job", JOB), make_baseline_policies(JOB, 1)[0]):
        replay = history.replay(policy)
        assert [item.grown for item in replay.windows] == [False, True, False]
        assert replay.windows[1].verdict is Verdict.FIRST


def test_a_task_column_decides_in_a_replay_too() -> None:
    history = History("AB")
    named = replace(JOB, schema=replace(JOB.schema, task="task"))
    store, clock = MemoryStore(), ManualClock()
    source = MemorySource()
    for number, task in enumerate(("a", "b", "a"), 1):
        table = pq.read_table(io.BytesIO(cloud("A", number))).append_column("task", [[task] * 160])
        sink = io.BytesIO()
        pq.write_table(table, sink)
        source.put(f"{number}.parquet", sink.getvalue())
    history.files = ingest_new_files(store.apply(named, clock.now()), source, store, history.artifacts, clock)
    replay = history.replay(make_job_policy("job", named))
    verdicts = [(item.verdict, item.task) for item in replay.windows]
    assert verdicts[1:] == [(Verdict.NEW_TASK, "b"), (Verdict.KNOWN_TASK, "a")]
    waiting = history.replay(
        make_job_policy(
            "waiting", replace(named, retraining_policy=RetrainingPolicyConfig(cooldown_windows=5))
        )
    )
    assert (waiting.windows[1].task, waiting.windows[1].labelled) == (None, 160)
    never = history.replay(make_baseline_policies(named, 1)[0])
    assert [item.task for item in never.windows] == ["a", "a", "a"]


def test_windows_come_one_by_one_and_rows_accumulated_over_files_keep_their_order() -> None:
    accumulating = replace(JOB, windowing=WindowingConfig(rows=100))
    history = History("AAB")
    source = MemorySource({f"{number}.parquet": cloud("A", number) for number in (1, 2, 3)})
    store, clock = MemoryStore(), ManualClock()
    history.files = ingest_new_files(
        store.apply(accumulating, clock.now()), source, store, history.artifacts, clock
    )
    assert any(file.extended_windows for file in history.files)
    replay = history.replay(make_job_policy("job", accumulating))
    assert [item.rows for item in replay.windows] == [100] * 4
    times = [window.discovered_at for window in history.store.windows("blobs")]
    assert [later - earlier for earlier, later in pairwise(times)] == [HOUR] * 4


def test_a_false_alarm_budget_counts_the_time_between_windows(history: History) -> None:
    sequential = DriftConfig(
        decision_rule="sequential", false_alarm_budget=FalseAlarmBudget(max_alarms=1, period="1d")
    )
    replay = history.replay(make_job_policy("sequential", replace(JOB, drift=sequential)))
    assert [item.verdict for item in replay.windows][:3] == [Verdict.FIRST, Verdict.STABLE, Verdict.DRIFT]
