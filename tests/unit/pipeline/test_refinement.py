"""New rows of a known task are learned from, on real handwritten digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from growlearn.domain.drift_config import RefineConfig, RetrainingPolicyConfig
from growlearn.domain.evaluation import Evaluation
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.job import HoldoutFraction, Job
from growlearn.domain.lineage import Task
from growlearn.domain.stream import Message, MessageKind, Transition
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.ingest.rows import Rows, from_parquet, hash_rows, object_column, to_parquet
from growlearn.network.model.network import load_network
from growlearn.pipeline.verify import verify_version
from growlearn.registry.decision_report import explain_window
from growlearn.registry.matrix import load_accuracy_matrix
from growlearn.registry.promotion import rollback_version
from growlearn.registry.references import iter_used_digests
from growlearn.registry.version_tree import select_version_tasks
from tests.unit.digits import SCHEMA, Digits, rotate
from tests.unit.in_memory import JOB, NO_BASELINES, TASKED, World, parquet

REFINING = replace(
    JOB,
    refine=RefineConfig(min_rows=200),
    holdout=HoldoutFraction(fraction=0.3),
    baseline_comparison=NO_BASELINES,
)
FIRST = slice(0, 200)


def send(world: World, rows: slice, data: Digits, labels: Any = None) -> Window:
    known = data[1][rows] if labels is None else labels
    return world.send(f"{rows.start}.parquet", data[0][rows], known)


def plan_of(world: World, window: Window) -> GrowthPlan:
    plan = world.store.window_record("digits", window.id).plan
    assert isinstance(plan, GrowthPlan)
    return plan


def evaluation_of(world: World, window: Window) -> Evaluation:
    evaluation = world.store.window_record("digits", window.id).evaluation
    assert evaluation is not None
    return evaluation


def task_of(world: World) -> Task:
    stream = world.store.stream("digits")
    (task,) = select_version_tasks(
        world.store.tasks("digits"), world.store.versions("digits"), stream.parent_version
    )
    return task


def rows_at(world: World, sha256: str) -> Rows:
    return from_parquet(world.artifacts.get(sha256), SCHEMA)


def roll_back(world: World, target: int) -> None:
    stream, versions = world.store.stream("digits"), world.store.versions("digits")
    changes, parent = rollback_version(stream, versions, target, "ann", "as before", world.clock.now())
    message = Message(stream="digits", kind=MessageKind.ALIASES)
    world.store.change_aliases("digits", changes, parent, message)


@pytest.fixture(scope="module")
def make_refined(tmp_path_factory: pytest.TempPathFactory, digits: Digits) -> Callable[[], World]:
    """A stream whose only task was refined: 200 rows, then 600 more."""

    def make() -> World:
        world = World(tmp_path_factory.mktemp("refined"), REFINING)
        send(world, FIRST, digits)
        window = send(world, slice(200, 800), digits)
        assert (window.verdict, window.state, window.task) == (
            Verdict.STABLE,
            WindowState.PROMOTED,
            "task-1",
        ), window.reason
        return world

    return make


def test_a_refinement_is_a_version_of_the_same_task(make_refined: Callable[[], World]) -> None:
    world = make_refined()
    window = world.store.window("digits", "w2")
    assert str(window.reason).startswith("refined 'task-1' with 600 new rows: all ")
    plan = plan_of(world, window)
    assert plan.is_refinement
    assert plan.refinement is not None
    assert (plan.refinement.windows, plan.refinement.new_rows) == (("w2",), 600)
    first, second = world.store.versions("digits")
    assert (second.parent, second.tasks) == (1, ("task-1",))
    assert second.manifest.router == first.manifest.router
    assert [(task.name, task.version) for task in world.store.tasks("digits")] == [
        ("task-1", 1),
        ("task-1", 2),
    ]
    matrix = load_accuracy_matrix(world.store, "digits", 2)
    assert (matrix.tasks, len(matrix.accuracy)) == (("task-1",), 1)
    assert matrix.accuracy[0][0] == evaluation_of(world, window).accuracy("task-1")


def test_hold_out_and_reference_rows_grow_and_are_never_trained_on(
    make_refined: Callable[[], World],
) -> None:
    world = make_refined()
    plan, (before, after) = plan_of(world, world.store.window("digits", "w2")), world.store.tasks("digits")
    assert (after.holdout, after.reference_rows) == (plan.holdout, plan.validation)
    train = rows_at(world, plan.train).row_hashes
    for old, new in ((before.holdout, after.holdout), (before.reference_rows, after.reference_rows)):
        hashes = rows_at(world, new).row_hashes
        assert set(rows_at(world, old).row_hashes) < set(hashes)
        assert not np.isin(train, hashes).any()


def test_the_report_tells_of_a_refinement(make_refined: Callable[[], World]) -> None:
    world = make_refined()
    sections = {section.heading: section.lines for section in explain_window(world.store, "digits", "w2")}
    assert "The task is known: refine it with 600 new rows of w2, because of" in " ".join(sections["Plan"])
    told = "\n".join(sections["Evaluation"])
    assert "Refined, on " in told
    assert "new hold-out rows: log loss" in told
    assert "earlier hold-out rows: log loss" in told
    assert [line.split()[0] for line in sections["Gates"]][1:3] == ["new_rows_loss", "earlier_rows_loss"]


def test_after_a_rollback_the_version_before_answers_and_is_compared_as_before(
    make_refined: Callable[[], World], digits: Digits
) -> None:
    world = make_refined()
    inputs = {"image": digits[0][1500:][:, None]}
    rows = Rows(inputs, object_column(digits[1][1500:]), None, hash_rows(inputs, SCHEMA))
    first, second = world.store.versions("digits")

    def logits(version: Any) -> Any:
        return load_network(version.manifest, world.artifacts.get).logits(rows, "task-1")

    answers = logits(first)
    assert not np.array_equal(logits(second), answers)
    assert task_of(world).version == 2
    roll_back(world, 1)
    assert np.array_equal(logits(first), answers)
    assert task_of(world).version == 1
    window = send(world, slice(800, 900), digits)
    report = world.store.window_record("digits", window.id).report
    assert report is not None
    assert window.state is WindowState.SKIPPED
    (before, _) = world.store.tasks("digits")
    assert {result.reference_rows for result in report.test_results} == {
        len(rows_at(world, before.reference_rows))
    }
    assert "100 of 200 new labelled rows" in str(window.reason)  # what was rolled back is not read again


def test_windows_below_the_threshold_are_learned_from_together(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, replace(REFINING, refine=RefineConfig(min_rows=550)))
    send(world, FIRST, digits)
    skipped = [send(world, slice(start, start + 200), digits) for start in (200, 400)]
    assert [window.state for window in skipped] == [WindowState.SKIPPED] * 2
    assert str(skipped[1].reason).endswith("not refined: 400 of 550 new labelled rows (refine.min_rows)")
    window = send(world, slice(600, 800), digits)
    assert plan_of(world, window).refinement is not None
    refinement = plan_of(world, window).refinement
    assert refinement is not None
    assert (refinement.windows, refinement.new_rows) == (("w2", "w3", "w4"), 600)


def refuse(job: Job) -> Job:
    """The job with a gate that no candidate passes."""
    return replace(job, gates=replace(job.gates, max_parameters=1))


def test_a_refinement_tried_in_vain_is_tried_again_with_twice_the_rows(
    tmp_path: Path, digits: Digits
) -> None:
    world = World(tmp_path, REFINING)
    send(world, FIRST, digits)
    world.store.apply(refuse(REFINING), world.clock.now())
    states = [send(world, slice(start, start + 200), digits) for start in range(200, 1000, 200)]
    assert [window.state for window in states] == [
        WindowState.REJECTED,
        WindowState.REJECTED,
        WindowState.SKIPPED,
        WindowState.REJECTED,
    ]
    assert "600 of 800 new labelled rows after 2 tries without gain" in str(states[2].reason)
    assert str(states[0].reason).startswith("refined 'task-1' with 200 new rows: ")
    assert "1 are allowed" in str(states[0].reason)
    assert world.store.stream("digits").champion == 1


def test_never_and_the_policy_keep_a_window_from_being_learned_from(tmp_path: Path, digits: Digits) -> None:
    never = World(tmp_path / "never", replace(REFINING, refine=RefineConfig(when="never")))
    cooling = World(
        tmp_path / "cooling",
        replace(REFINING, retraining_policy=RetrainingPolicyConfig(cooldown_windows=3)),
    )
    alerting = World(tmp_path / "alerting", replace(REFINING, drift=replace(REFINING.drift, action="alert")))
    reasons = []
    for world in (never, cooling, alerting):
        send(world, FIRST, digits)
        window = send(world, slice(200, 500), digits)
        assert window.state is WindowState.SKIPPED
        reasons.append(str(window.reason))
    assert "not refined" not in reasons[0]
    assert "not refined: cooling down: 0 of 3" in reasons[1]
    assert reasons[2].endswith("not refined: it is only alerted on (drift.action)")


def test_few_rows_beside_those_learned_from_are_worth_a_training_only_where_the_loss_has_risen(
    tmp_path: Path, digits: Digits
) -> None:
    world = World(tmp_path, replace(REFINING, refine=RefineConfig(min_rows=50)))
    send(world, slice(0, 900), digits)
    stable = send(world, slice(900, 1000), digits)
    assert stable.state is WindowState.SKIPPED
    assert str(stable.reason).endswith("100 new labelled rows are few beside those learned from")


def test_every_window_is_tried_where_the_job_says_so(tmp_path: Path, digits: Digits) -> None:
    job = replace(REFINING, refine=RefineConfig(when="every_window", min_rows=100))
    world = World(tmp_path, refuse(job))
    world.store.apply(job, world.clock.now())
    send(world, slice(0, 900), digits)
    world.store.apply(refuse(job), world.clock.now())
    windows = [send(world, slice(start, start + 100), digits) for start in (900, 1000)]
    assert [window.state for window in windows] == [WindowState.REJECTED] * 2


def test_retained_rows_are_trained_on_again(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, replace(REFINING, retain="all"))
    first = send(world, FIRST, digits)
    window = send(world, slice(200, 600), digits)
    old, plan = rows_at(world, plan_of(world, first).train), plan_of(world, window)
    train = rows_at(world, plan.train)
    assert set(old.row_hashes) < set(train.row_hashes)
    assert plan.retained == plan.train


def test_another_task_stays_as_it_was_to_the_last_bit(
    make_refined: Callable[[], World], digits: Digits
) -> None:
    world = make_refined()
    turned = world.send("turned.parquet", rotate(digits[0][800:1100]), digits[1][800:1100])
    assert (turned.state, turned.task) == (WindowState.PROMOTED, "task-2")
    before = load_accuracy_matrix(world.store, "digits", 3)
    again = send(world, slice(1100, 1700), digits)
    assert (again.verdict, again.task) == (Verdict.KNOWN_TASK, "task-1")
    evaluation = evaluation_of(world, again)
    assert evaluation.changed_tasks == ()
    assert evaluation.score("task-2") == evaluation_of(world, turned).score("task-2")
    assert [score.task for score in evaluation.task_scores] == ["task-1", "task-2"]
    if again.state is WindowState.PROMOTED:
        after = load_accuracy_matrix(world.store, "digits", 4)
        assert after.tasks == before.tasks


def test_a_sequential_test_starts_again_with_the_refined_task(tmp_path: Path, digits: Digits) -> None:
    sequential = replace(REFINING, drift=replace(REFINING.drift, decision_rule="sequential"))
    world = World(tmp_path, sequential)
    send(world, FIRST, digits)
    windows = [send(world, slice(*edges), digits) for edges in ((200, 800), (800, 890), (890, 980))]
    assert [window.state for window in windows] == [
        WindowState.PROMOTED,
        WindowState.SKIPPED,
        WindowState.SKIPPED,
    ]
    states = []
    for window in windows:
        report = world.store.window_record("digits", window.id).report
        assert report is not None
        assert report.monitor_state is not None
        assert report.monitor_state.scores is not None
        states.append((report.monitor_state.reference_version, report.monitor_state.scores.num_windows))
    assert states == [(1, 1), (2, 1), (2, 2)]


def test_every_version_of_a_refined_stream_verifies_and_names_its_own_rows(
    make_refined: Callable[[], World],
) -> None:
    world = make_refined()
    for number, task in zip((1, 2), world.store.tasks("digits"), strict=True):
        assert verify_version(world.store, world.artifacts, "digits", number).is_verified
        tasks = select_version_tasks(world.store.tasks("digits"), world.store.versions("digits"), number)
        assert tasks == (task,)
    in_use = dict(iter_used_digests(world.store, world.store.stream("digits")))
    assert world.store.tasks("digits")[1].holdout in in_use


class _KilledError(Exception):
    pass


@pytest.mark.parametrize("moment", range(4))
def test_killed_amid_a_refinement_the_window_ends_as_it_would_have(
    make_refined: Callable[[], World],
    tmp_path: Path,
    digits: Digits,
    monkeypatch: pytest.MonkeyPatch,
    moment: int,
) -> None:
    undisturbed, disturbed = make_refined(), World(tmp_path, REFINING)
    send(disturbed, FIRST, digits)
    calls = iter(range(100))
    advance: Callable[[Transition], Window] = disturbed.store.advance

    def killed(transition: Transition) -> Window:
        if next(calls) == moment:
            raise _KilledError
        return advance(transition)

    monkeypatch.setattr(disturbed.store, "advance", killed)
    disturbed.source.put("200.parquet", parquet(digits[0][200:800], digits[1][200:800]))
    with pytest.raises(_KilledError):
        disturbed.run()
    disturbed.clock.advance(120)
    disturbed.run()

    def outcome(world: World) -> object:
        windows = [(item.id, item.state, item.reason) for item in world.store.windows("digits")]
        tasks = [(task.version, task.head, task.holdout) for task in world.store.tasks("digits")]
        return windows, tasks, world.store.stream("digits").champion

    assert outcome(disturbed) == outcome(undisturbed)


def test_a_window_before_the_last_refinement_that_was_not_in_it_is_learned_from_later(
    tmp_path: Path, digits: Digits
) -> None:
    """As where its labels came late, or it waited for them."""
    world = World(tmp_path, replace(REFINING, refine=RefineConfig(min_rows=350)))
    send(world, FIRST, digits)
    unlabelled = world.send("200.parquet", digits[0][200:400], [None] * 200)
    assert unlabelled.state is WindowState.SKIPPED
    refined = send(world, slice(400, 800), digits)
    assert refined.state is WindowState.PROMOTED
    assert unlabelled.snapshot is not None
    labelled = replace(
        rows_at(world, unlabelled.snapshot), labels=object_column(digits[1][200:400])
    )  # as the join of late labels stores them
    with world.store._states.draft("digits") as state:
        state.windows["w2"] = replace(
            state.windows["w2"], labelled=200, snapshot=world.artifacts.put(to_parquet(labelled, SCHEMA))
        )
    window = send(world, slice(800, 1000), digits)
    refinement = plan_of(world, window).refinement
    assert refinement is not None
    assert refinement.windows == ("w2", "w4")


def test_rows_that_are_stored_no_more_do_not_count(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, replace(REFINING, refine=RefineConfig(min_rows=550)))
    send(world, FIRST, digits)
    skipped = send(world, slice(200, 400), digits)
    assert skipped.snapshot is not None
    send(world, slice(400, 600), digits)
    world.artifacts.remove(skipped.snapshot, world.clock.now())
    window = send(world, slice(600, 800), digits)
    assert window.state is WindowState.SKIPPED
    assert str(window.reason).endswith(
        "not refined: 400 of 550 new labelled rows (refine.min_rows) are stored still"
    )


def test_a_refinement_that_was_given_up_untrained_was_not_in_vain(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, REFINING)
    send(world, FIRST, digits)
    world.store.apply(refuse(REFINING), world.clock.now())
    rejected = send(world, slice(200, 400), digits)
    assert rejected.state is WindowState.REJECTED
    with world.store._states.draft("digits") as state:
        record = state.records["w2"]
        state.records["w2"] = replace(record, result=None, evaluation=None, gates=())
    world.store.apply(REFINING, world.clock.now())
    window = send(world, slice(400, 550), digits)
    assert window.state is WindowState.PROMOTED, window.reason  # 350 rows: not twice 200


def test_a_named_task_whose_labels_change_for_good_is_learned_anew(tmp_path: Path, digits: Digits) -> None:
    """Its earlier hold-out rows forbid it until there are far more new ones: each try has twice the rows."""
    job = replace(TASKED, refine=REFINING.refine, holdout=REFINING.holdout, baseline_comparison=NO_BASELINES)
    job = replace(job, growth=replace(job.growth, epochs=15))
    world = World(tmp_path, job)
    world.send("0.parquet", digits[0][:300], digits[1][:300], "a")

    def send_changed(rows: slice) -> Window:
        labels: list[int | None] = [int(str(label)) * 3 % 10 for label in digits[1][rows]]
        return world.send(f"{rows.start}.parquet", digits[0][rows], labels, "a")

    world.store.apply(refuse(job), world.clock.now())
    tried = [send_changed(slice(start, start + 200)) for start in (300, 500)]
    assert [window.state for window in tried] == [WindowState.REJECTED] * 2
    world.store.apply(job, world.clock.now())
    promoted = send_changed(slice(700, 1500))
    assert promoted.state is WindowState.PROMOTED, promoted.reason
    refinement, score = plan_of(world, promoted).refinement, evaluation_of(world, promoted).refinement
    assert refinement is not None
    assert score is not None
    assert (refinement.new_rows, refinement.failures, refinement.guarded_rows) == (1200, 2, 0)
    assert score.earlier.p_accuracy_drop < 1e-3
    assert score.both.accuracy_after > score.both.accuracy_before + 0.1
