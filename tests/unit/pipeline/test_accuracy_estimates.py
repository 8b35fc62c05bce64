"""An estimate is made before a window is judged, and compared with labels as they come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.domain.accuracy_estimate import AccuracyEstimate
from growlearn.evaluation.prequential import evaluate_prequentially
from growlearn.pipeline import accuracy_estimates
from growlearn.registry.decision_report import explain_window
from tests.unit.delayed_labels import DRIFTED, LATER, World


def estimates(world: World) -> dict[str, AccuracyEstimate]:
    return dict(world.store.accuracy_estimates("digits"))


def told(world: World, window: str) -> list[str]:
    sections = explain_window(world.store, "digits", window)
    return [line for section in sections if section.heading == "Estimated accuracy" for line in section.lines]


def test_every_window_has_an_estimate_that_is_compared_with_its_labels_as_they_come(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.learn_first()
    world.send_rows(LATER, inverted=False)
    world.send_rows(DRIFTED)
    world.run()
    before = estimates(world)
    assert [(each.window, each.version, each.rows) for each in before.values()] == [
        ("w2", 1, 300), ("w3", 1, 300),
    ]  # fmt: skip
    for each in before.values():
        assert each.low < each.accuracy < each.high
        assert (each.known_rows, each.is_right) == (0, None)
    assert [len(told(world, window)) for window in ("w1", "w2")] == [0, 1]

    world.send_labels(LATER[:20])
    world.run()
    few = estimates(world)["w2"]
    assert (few.known_rows, few.is_right) == (20, None)
    assert told(world, "w2")[1].endswith("open, with fewer than 30 labels.")

    world.send_labels(LATER[20:])
    world.run()
    compared = estimates(world)["w2"]
    assert replace(compared, known_rows=0, known_correct=0, known_low=None, known_high=None) == before["w2"]
    assert compared.known_low == pytest.approx(compared.low)
    scores = evaluate_prequentially(world.store, world.artifacts, "digits", lambda _: None).windows
    (score,) = [each for each in scores if each.window.id == "w2"]
    assert (compared.known_rows, compared.known_correct) == (score.rows, score.correct)
    assert told(world, "w2")[1].endswith(f"of these: {'right' if compared.is_right else 'wrong'}.")
    assert told(world, "w2")[2].endswith("of 1 estimates of this stream with labels were right.")


def test_a_bug_in_an_estimate_is_logged_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path)
    world.learn_first()

    def fail(*_: object) -> None:
        raise TypeError("no such thing")

    with monkeypatch.context() as patched:
        patched.setattr(accuracy_estimates, "estimate_accuracy", fail)
        world.send_rows(LATER, inverted=False)
        world.run()
        assert estimates(world) == {}
        assert "no such thing" in caplog.text
    world.send_rows(DRIFTED)
    world.run()
    world.send_labels(DRIFTED)
    with monkeypatch.context() as patched:
        patched.setattr(accuracy_estimates, "estimate_accuracy", fail)
        world.run()
        assert estimates(world)["w3"].known_rows == 0
    world.run()
    assert estimates(world)["w3"].known_rows == 300


def test_labels_that_were_compared_are_not_answered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    world.learn_first()
    world.send_rows(LATER, labelled=300, inverted=False)
    world.run()
    assert estimates(world)["w2"].known_rows == 300
    monkeypatch.setattr(accuracy_estimates, "_estimate", None)
    accuracy_estimates.compare_with_labels("digits", world.ports)
