"""The whole loop in memory where labels come after their rows, on real handwritten digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.app.views import status_view, windows_view
from growlearn.domain.drift import DriftKind
from growlearn.domain.drift_config import DriftConfig, RefineConfig
from growlearn.domain.job import LabelDelayConfig, RegistryConfig, ShadowPromotion
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import TrackerIds
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.pipeline.run import run_stream
from growlearn.registry.retention import plan_retention
from tests.unit.delayed_labels import DAY_S, DRIFTED, FIRST, JOB, LATER, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_drifted_window_waits_for_its_labels_and_is_trained_on_once_they_come(world: World) -> None:
    world.learn_first()
    world.send_rows(DRIFTED)
    (waiting,) = world.run()
    assert (waiting.state, waiting.verdict) == (WindowState.AWAITING_LABELS, Verdict.DRIFT)
    assert (waiting.reason or "").endswith("; waits for labels: no row has a label yet")
    assert world.store.count_pending("digits") == 0
    world.clock.advance(3 * DAY_S)
    world.send_labels(DRIFTED)
    (grown,) = world.run()

    assert (grown.id, grown.state, grown.verdict, grown.task) == (
        "w2", WindowState.PROMOTED, Verdict.DRIFT, "task-2",
    )  # fmt: skip
    assert [branch.window for branch in world.store.branches("digits")] == ["w1", "w2"]
    assert [(join.window, join.labels) for join in world.store.label_joins("digits")] == [("w2", 300)]


def test_labels_for_half_of_the_rows_suffice(world: World) -> None:
    world.learn_first()
    world.send_rows(DRIFTED)
    world.run()
    world.send_labels(DRIFTED[:150])
    (grown,) = world.run()
    assert (grown.state, grown.labelled) == (WindowState.PROMOTED, 150)
    champion = world.store.stream("digits").champion

    world.send_labels(DRIFTED[150:])

    assert world.run() == ()
    window = world.store.window("digits", "w2")
    assert (window.state, window.labelled) == (WindowState.PROMOTED, 300)
    assert world.store.stream("digits").champion == champion


def test_with_too_few_labels_the_window_waits_and_counts_them(world: World) -> None:
    world.learn_first()
    world.send_rows(DRIFTED)
    world.run()
    world.send_labels(DRIFTED[:20])
    assert world.run() == ()
    window = world.store.window("digits", "w2")
    assert (window.state, window.labelled, window.labels_required, window.labels_missing) == (
        WindowState.AWAITING_LABELS, 20, 59, 39,
    )  # fmt: skip
    view = status_view(world.store, "digits", world.clock.now())["streams"][0]
    assert (view["state"], view["awaiting_labels"], view["labels_missing"]) == ("waiting for labels", 1, 39)
    (view,) = windows_view(world.store, "digits", "w2")["windows"]
    assert (view["state"], view["labelled"], view["labels_missing"]) == ("awaiting_labels", 20, 39)


def test_a_stable_window_gets_its_labels_and_stays_skipped(world: World) -> None:
    world.learn_first()
    world.send_rows(DRIFTED, inverted=False)
    world.run()
    before = world.store.window("digits", "w2")
    assert (before.verdict, before.state) == (Verdict.STABLE, WindowState.SKIPPED)
    world.send_labels(DRIFTED)
    assert world.run() == ()
    after = world.store.window("digits", "w2")
    assert replace(before, snapshot=after.snapshot, labelled=300) == after
    assert after.snapshot != before.snapshot


def test_windows_after_a_waiting_one_continue_and_those_of_its_regime_follow_it(world: World) -> None:
    world.learn_first()
    world.send_rows(DRIFTED)
    world.send_rows(LATER)
    world.send_rows(range(900, 1100), inverted=False)
    world.run()
    assert world.states[1:] == [
        ("awaiting_labels", "drift"),
        ("awaiting_labels", "drift"),
        ("skipped", "stable"),
    ]

    world.send_labels(DRIFTED)
    handled = world.run()

    assert [window.id for window in handled] == ["w2", "w3"]
    assert world.states[1:] == [("promoted", "drift"), ("skipped", "stable"), ("skipped", "stable")]
    assert world.store.window("digits", "w3").task == "task-2"


def test_labels_of_a_later_window_alone_are_learned_and_the_earlier_one_recurs(world: World) -> None:
    world.learn_first()
    world.send_rows(DRIFTED)
    world.send_rows(LATER)
    world.run()
    world.send_labels(LATER)
    world.run()
    assert world.states[1:] == [("skipped", "known task"), ("promoted", "drift")]
    assert len(world.store.branches("digits")) == 2


def test_the_first_windows_of_a_stream_may_wait_too(world: World) -> None:
    world.send_rows(FIRST, inverted=False)
    world.send_rows(DRIFTED, inverted=False)
    world.run()
    assert world.states == [("awaiting_labels", "first"), ("awaiting_labels", "first")]
    world.send_labels(FIRST)
    world.run()
    assert world.states == [("promoted", "first"), ("skipped", "stable")]


def test_labels_that_came_before_their_rows_are_joined_before_judging(world: World) -> None:
    world.learn_first()
    world.send_labels(DRIFTED)
    assert world.run() == ()
    assert status_view(world.store, "digits", world.clock.now())["streams"][0]["pending_labels"] == 300
    world.send_rows(DRIFTED)
    (grown,) = world.run()
    assert (grown.state, grown.labelled) == (WindowState.PROMOTED, 300)


def test_after_the_timeout_a_window_is_skipped_with_the_reason_and_still_takes_labels(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, replace(JOB, label_delay=LabelDelayConfig(timeout="2d")))
    world.learn_first()
    world.send_rows(DRIFTED)
    world.run()
    world.clock.advance(2 * DAY_S)
    assert world.run() == ()
    world.clock.advance(1)
    (skipped,) = world.run()
    assert skipped.state is WindowState.SKIPPED
    assert "; not grown: no labels within 2d: no row has a label yet" in (skipped.reason or "")
    world.send_labels(DRIFTED)
    assert world.run() == ()
    assert world.store.window("digits", "w2").labelled == 300


def test_a_fraction_of_labels_is_waited_for_until_the_timeout(tmp_path: Path) -> None:
    world = World(
        tmp_path, replace(JOB, label_delay=LabelDelayConfig(timeout="2d", min_labelled_fraction=0.9))
    )
    world.learn_first()
    world.send_rows(DRIFTED, labelled=100)
    (waiting,) = world.run()
    assert (waiting.state, waiting.labels_missing) == (WindowState.AWAITING_LABELS, 170)
    assert "100 of 300 rows have labels, less than 90% (label_delay.min_labelled_fraction)" in (
        waiting.reason or ""
    )
    world.clock.advance(2 * DAY_S + 1)
    (grown,) = world.run()
    assert (grown.state, grown.labelled) == (WindowState.PROMOTED, 100)


def test_a_window_whose_columns_changed_while_it_waited_stops_nothing(world: World) -> None:
    world.send_rows(FIRST, inverted=False)
    world.run()
    other = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, id_column="id")
    world.store.apply(
        replace(JOB, schema=other, label_delay=LabelDelayConfig(timeout="1s")), world.clock.now()
    )
    world.clock.advance(2)
    (skipped,) = world.run()
    assert (skipped.state, skipped.verdict) == (WindowState.SKIPPED, Verdict.INCONCLUSIVE)
    assert "its rows were stored under other columns" in (skipped.reason or "")


def test_a_window_all_of_whose_rows_have_a_label_does_not_wait(world: World) -> None:
    world.send_rows(FIRST[:20], labelled=20, inverted=False)
    (skipped,) = world.run()
    assert skipped.state is WindowState.SKIPPED
    world.clock.advance(31 * DAY_S)
    world.send_rows(DRIFTED[:20], labelled=20)
    (skipped,) = world.run()
    assert "no labels within" not in (skipped.reason or "")


def test_without_an_id_column_nothing_waits(tmp_path: Path) -> None:
    world = World(tmp_path, replace(JOB, schema=replace(JOB.schema, id_column=None)))
    world.learn_first()
    world.send_rows(DRIFTED)
    (skipped,) = world.run()
    assert skipped.state is WindowState.SKIPPED
    assert "not grown: no row has a label yet" in (skipped.reason or "")


def test_with_labels_of_one_class_the_window_waits_on(world: World) -> None:
    world.learn_first()
    world.send_rows(DRIFTED)
    world.run()
    world.send("labels", {"id": list(DRIFTED[:100]), "label": [2] * 100})
    (waiting,) = world.run()
    assert (waiting.state, waiting.labelled, waiting.labels_missing) == (WindowState.AWAITING_LABELS, 100, 12)
    assert world.run() == ()  # the same is not tried again
    assert "every row has the label 2" in (world.store.window("digits", "w2").reason or "")


class _KilledError(Exception):
    pass


@pytest.mark.parametrize("name", ["record_ingest", "requeue", "advance"])
@pytest.mark.parametrize("done", [False, True])
def test_killed_before_or_after_a_write_it_ends_the_same_once(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, done: bool
) -> None:
    world.learn_first()
    world.send_rows(DRIFTED)
    world.run()
    world.send_labels(DRIFTED)
    write: Callable[..., object] = getattr(world.store, name)

    def killed(*arguments: object) -> object:
        if done:
            write(*arguments)
        raise _KilledError

    with monkeypatch.context() as patched:
        patched.setattr(world.store, name, killed)
        with pytest.raises(_KilledError):
            world.run()
    world.clock.advance(120)
    world.run("worker-2")
    assert world.states == [("promoted", "first"), ("promoted", "drift")]
    assert [branch.id for branch in world.store.branches("digits")] == ["b1", "b2"]
    assert [(join.window, join.labels) for join in world.store.label_joins("digits")] == [("w2", 300)]


def test_labels_that_come_while_the_window_starts_to_wait_are_not_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.learn_first()
    world.send_rows(DRIFTED)
    advance = world.store.advance

    def advance_with_labels(transition: object) -> Window:
        if getattr(transition, "target", None) is WindowState.AWAITING_LABELS:
            world.send_labels(DRIFTED)
            assert run_stream("digits", replace(world.ports, worker="other"), lambda _: None).windows == ()
        return advance(transition)  # type: ignore[arg-type]

    monkeypatch.setattr(world.store, "advance", advance_with_labels)
    world.run()
    assert world.states == [("promoted", "first"), ("promoted", "drift")]


def test_delayed_labels_of_skipped_windows_show_concept_drift(tmp_path: Path) -> None:
    world = World(tmp_path, replace(JOB, drift=DriftConfig(decision_rule="sequential", alpha=0.01)))
    world.learn_first()
    world.send_rows(range(300, 600), inverted=False)
    (like_before,) = world.run()
    assert like_before.verdict in (Verdict.STABLE, Verdict.WARN)
    assert like_before.labelled == 0
    world.send_labels(range(300, 600), shift=3)
    world.send_rows(range(600, 900), inverted=False)
    (drifted,) = world.run()
    assert (drifted.verdict, drifted.state) == (Verdict.DRIFT, WindowState.AWAITING_LABELS)
    report = world.store.window_record("digits", drifted.id).report
    assert report is not None
    assert report.kind is DriftKind.CONCEPT_DRIFT
    world.send_labels(range(600, 900), shift=3)
    (grown,) = world.run()
    assert (grown.id, grown.state) == (drifted.id, WindowState.REJECTED)
    assert "gates failed: routed_accuracy: " in (
        grown.reason or ""
    )  # the router cannot separate equal inputs


def test_correct_delayed_labels_raise_no_alarm_and_are_read_once(tmp_path: Path) -> None:
    world = World(tmp_path, replace(JOB, drift=DriftConfig(decision_rule="sequential", alpha=0.01)))
    world.learn_first()
    num_rows = []
    for start in (300, 500, 700):
        which = range(start, start + 200)
        world.send_rows(which, inverted=False)
        (window,) = world.run()
        assert window.verdict in (Verdict.STABLE, Verdict.WARN)
        report = world.store.window_record("digits", window.id).report
        assert report is not None
        assert report.monitor_state is not None
        risk = report.monitor_state.risk
        num_rows.append(0 if risk is None else risk.num_rows)
        world.send_labels(which)
    assert num_rows == [0, 200, 400]


def test_delayed_labels_complete_a_champion_challenger_comparison(tmp_path: Path) -> None:
    world = World(tmp_path, replace(JOB, registry=RegistryConfig(promote=ShadowPromotion(shadow_windows=1))))
    world.learn_first()
    world.send_rows(DRIFTED, labelled=300)
    world.send_rows(LATER)
    world.run()
    assert world.store.stream("digits").champion == 1
    world.send_labels(LATER)
    assert world.run() == ()
    stream = world.store.stream("digits")
    assert (stream.champion, stream.challenger) == (2, None)


def test_late_labels_of_rows_that_retention_removed_stop_nothing(tmp_path: Path) -> None:
    job = replace(
        JOB,
        drift=DriftConfig(alpha=0.01, decision_rule="sequential"),
        refine=RefineConfig(when="never"),
        keep="7d",
        keep_versions=20,
    )
    world = World(tmp_path, job)
    world.learn_first()
    world.send_rows(DRIFTED, inverted=False)
    world.run()
    world.clock.advance(25 * DAY_S)
    world.send_labels(DRIFTED)
    world.run()
    world.clock.advance(10 * DAY_S)
    for pending in world.store.outbox.pending("digits"):
        world.store.outbox.record_delivery(pending.id, TrackerIds(run_id="r"), world.clock.now())
    (retention,) = plan_retention(world.store, world.clock.now())
    assert world.store.window("digits", "w2").snapshot in retention.unneeded
    for digest in retention.unneeded:
        world.artifacts.remove(digest, world.clock.now())
    world.send_rows(LATER, inverted=False)
    (window,) = world.run()
    assert (window.id, window.state) == ("w3", WindowState.SKIPPED)
    report = world.store.window_record("digits", "w3").report
    assert report is not None
    assert report.monitor_state is not None
    assert report.monitor_state.delayed_label_windows == (2,)  # they are not asked for again


def test_a_shadow_trial_waits_for_more_than_a_label_a_window(tmp_path: Path) -> None:
    world = World(tmp_path, replace(JOB, registry=RegistryConfig(promote=ShadowPromotion(shadow_windows=1))))
    world.learn_first()
    world.send_rows(DRIFTED, labelled=300)
    world.send_rows(LATER)
    world.run()
    world.send_labels(LATER[:2])
    world.run()
    assert world.store.stream("digits").challenger == 2
    world.send_labels(LATER[2:])
    world.run()
    assert world.store.stream("digits").challenger is None
