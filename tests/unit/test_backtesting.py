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

from growlearn.adapters.engines.stand_in import StandInEngine
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.evaluator import PlainEvaluator
from growlearn.adapters.memory.source import MemorySource
from growlearn.adapters.memory.store import MemoryStore
from growlearn.backtesting import Contender, as_often, baselines, dated, own, replay
from growlearn.domain.backtest import Replay
from growlearn.domain.drift_spec import DriftSpec, FalseGrowths, HoursBudget, PolicySpec
from growlearn.domain.job import EvaluationSpec, GrowthSpec, Job, ModelSpec, SourceSpec, WindowRule
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.domain.window import IngestedFile, Verdict, WindowState
from growlearn.growth.model.network import load_network
from growlearn.ingest.take_in import take_in
from growlearn.ports import Ports

NUMBER = Input(type=InputType.NUMBER)
JOB = Job(
    name="blobs",
    source=SourceSpec(url="memory"),
    schema=Schema(inputs={"x": NUMBER, "y": NUMBER}),
    model=ModelSpec(width=8, heads=2),
    growth=GrowthSpec(epochs=10, batch_size=32, validation=0.3),
    drift=DriftSpec(alpha=0.001),
    holdout=0.3,
)
REGIMES = "AABBA"
SECONDS_A_ROW = 0.01
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


class Past:
    """A history taken in once, to be replayed under any policy."""

    def __init__(self, regimes: str = REGIMES) -> None:
        self.artifacts = MemoryArtifacts()
        source = MemorySource({f"{at}.parquet": cloud(regime, at) for at, regime in enumerate(regimes, 1)})
        store, clock = MemoryStore(), ManualClock()
        stream = store.apply(JOB, clock.now())
        self.files: Sequence[IngestedFile] = take_in(stream, source, store, self.artifacts, clock)
        self.regimes = {f"w{at}": regime for at, regime in enumerate(regimes, 1)}
        self.store = MemoryStore()
        self.stages: list[str] = []

    def under(self, contender: Contender) -> Replay:
        clock = ManualClock()
        self.store, self.stages = MemoryStore(), []
        self.store.apply(contender.job, clock.now())
        ports = Ports(
            clock=clock,
            store=self.store,
            artifacts=self.artifacts,
            engine=StandInEngine(self.artifacts, SECONDS_A_ROW),
            evaluator=PlainEvaluator(self.artifacts, lambda m: load_network(m, self.artifacts.get)),
            open_source=lambda _: MemorySource(),
            worker="w",
            lease_s=60,
        )
        return replay(
            contender,
            dated(self.files, lambda moment: moment + HOUR),
            self.regimes,
            ports,
            lambda moment: clock.advance((moment - clock.now()).total_seconds()),
            lambda progress: self.stages.append(progress.stage),
        )


@pytest.fixture(scope="module")
def past() -> Past:
    return Past()


def test_drift_is_alarmed_about_learned_once_and_known_when_it_returns(past: Past) -> None:
    done = past.under(own("job", JOB))
    assert [(each.verdict, each.task, each.grown) for each in done.windows] == [
        (Verdict.FIRST, "task-1", True),
        (Verdict.STABLE, "task-1", False),
        (Verdict.DRIFT, "task-2", True),
        (Verdict.STABLE, "task-2", False),
        (Verdict.KNOWN_TASK, "task-1", False),
    ]
    assert (done.alarms, done.missed, done.false_alarms) == (1, 0, 0)
    assert (done.delays, done.recognised, done.returns) == ((0,), 1, 1)
    assert set(past.stages) == {"replaying job"}


def test_answers_are_those_of_what_stood_before_a_window(past: Past) -> None:
    first, still, new, learned, back = past.under(own("job", JOB)).windows
    assert first.labelled == 0
    assert min(each.correct / each.labelled for each in (still, learned, back)) > 0.9
    assert new.correct / new.labelled < 0.8  # answered by task-1, for task-2 was not there yet


def test_a_training_costs_rows_times_epochs_and_twice_that_with_a_reference(past: Past) -> None:
    done = past.under(own("job", JOB))
    result = past.store.record("blobs", "w3").result
    assert result is not None
    assert done.windows[2].training_s == pytest.approx(result.train_rows * 10 * SECONDS_A_ROW)
    twice = past.under(own("job", replace(JOB, evaluation=EvaluationSpec(reference="alone"))))
    assert twice.hours == pytest.approx(2 * done.hours)


def test_nothing_but_the_head_differs_from_what_was_born(past: Past) -> None:
    past.under(own("job", JOB))
    result = past.store.record("blobs", "w3").result
    assert result is not None
    assert (result.epochs, result.best_epoch) == ((), 0)
    assert past.store.window("blobs", "w3").state is WindowState.PROMOTED


def test_a_policy_refuses_as_in_production(past: Past) -> None:
    careful = replace(JOB, policy=PolicySpec(confirm=2))
    done = past.under(own("careful", careful))
    assert [each.grown for each in done.windows] == [True, False, False, True, False]
    assert (done.alarms, done.trainings) == (2, 2)
    assert "policy.confirm" in (done.windows[2].reason or "")


def test_a_budget_of_hours_counts_what_training_would_have_cost(past: Past) -> None:
    poor = replace(JOB, policy=PolicySpec(training_hours=HoursBudget(at_most=0.001, per="1d")))
    done = past.under(own("poor", poor))
    assert [each.grown for each in done.windows] == [True, False, False, False, False]
    assert "policy.training_hours" in (done.windows[2].reason or "")
    soon = replace(JOB, policy=PolicySpec(training_hours=HoursBudget(at_most=0.001, per="1h")))
    assert past.under(own("soon", soon)).trainings == 2  # windows are an hour apart here


def test_the_baselines_look_at_nothing(past: Past) -> None:
    found = [past.under(each) for each in baselines(replace(JOB, policy=PolicySpec(confirm=3)), every=2)]
    assert [each.policy for each in found] == ["never", "always", "periodic"]
    assert [each.trainings for each in found] == [1, 5, 3]
    never, always, periodic = ([window.grown for window in each.windows] for each in found)
    assert never == [True, False, False, False, False]
    assert periodic == [True, False, True, False, True]
    assert all(always)
    assert (found[0].missed, found[1].false_alarms) == (1, 3)


def test_periodic_trains_as_often_as_the_job_did(past: Past) -> None:
    done = past.under(own("job", JOB))
    assert as_often(done) == 2
    assert as_often(replace(done, windows=done.windows[:1] * 9)) == 4  # once at least, half way


def test_a_model_is_never_full_in_a_replay(past: Past) -> None:
    tight = replace(JOB, model=replace(JOB.model, max_branches=1))
    assert past.under(own("tight", tight)).trainings == 2


def test_windows_without_labels_are_judged_and_not_counted() -> None:
    done = Past("A-B").under(own("job", JOB))
    assert [each.labelled for each in done.windows] == [0, 0, 160]


def test_a_history_that_begins_without_labels_has_no_model_until_they_come() -> None:
    past = Past("-AA")
    for contender in (own("job", JOB), baselines(JOB, 1)[0]):
        done = past.under(contender)
        assert [each.grown for each in done.windows] == [False, True, False]
        assert done.windows[1].verdict is Verdict.FIRST


def test_a_task_column_decides_in_a_replay_too() -> None:
    past = Past("AB")
    named = replace(JOB, schema=replace(JOB.schema, task="task"))
    store, clock = MemoryStore(), ManualClock()
    source = MemorySource()
    for at, task in enumerate(("a", "b", "a"), 1):
        table = pq.read_table(io.BytesIO(cloud("A", at))).append_column("task", [[task] * 160])
        sink = io.BytesIO()
        pq.write_table(table, sink)
        source.put(f"{at}.parquet", sink.getvalue())
    past.files = take_in(store.apply(named, clock.now()), source, store, past.artifacts, clock)
    done = past.under(own("job", named))
    verdicts = [(each.verdict, each.task) for each in done.windows]
    assert verdicts[1:] == [(Verdict.NEW_TASK, "b"), (Verdict.KNOWN_TASK, "a")]
    waiting = past.under(own("waiting", replace(named, policy=PolicySpec(cool_down=5))))
    assert (waiting.windows[1].task, waiting.windows[1].labelled) == (None, 160)
    never = past.under(baselines(named, 1)[0])
    assert [each.task for each in never.windows] == ["a", "a", "a"]


def test_windows_come_one_by_one_and_rows_gathered_over_files_keep_their_place() -> None:
    gathered = replace(JOB, window=WindowRule(rows=100))
    past = Past("AAB")
    source = MemorySource({f"{at}.parquet": cloud("A", at) for at in (1, 2, 3)})
    store, clock = MemoryStore(), ManualClock()
    past.files = take_in(store.apply(gathered, clock.now()), source, store, past.artifacts, clock)
    assert any(file.filled for file in past.files)
    done = past.under(own("job", gathered))
    assert [each.rows for each in done.windows] == [100] * 4
    times = [window.discovered_at for window in past.store.windows("blobs")]
    assert [later - earlier for earlier, later in pairwise(times)] == [HOUR] * 4


def test_a_rate_of_false_growths_is_one_of_the_time_between_windows(past: Past) -> None:
    patient = DriftSpec(decision="anytime", false_growths=FalseGrowths(at_most=1, per="1d"))
    done = past.under(own("patient", replace(JOB, drift=patient)))
    assert [each.verdict for each in done.windows][:3] == [Verdict.FIRST, Verdict.STABLE, Verdict.DRIFT]
