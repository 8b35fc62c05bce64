"""The decision report: every number is in the record, and every decision is reported."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from growlearn.app.why import explain_decision, why_view
from growlearn.domain.accuracy_estimate import count_right
from growlearn.domain.decision_log import LogEntry, ReportSection
from growlearn.domain.errors import GrowLearnError, NotFound
from growlearn.domain.growth import BranchInit, GrowthPlan, SearchTrial
from growlearn.domain.job import HoldoutFraction, RegistryConfig
from growlearn.domain.stream import Message, MessageKind
from growlearn.domain.window import Verdict
from growlearn.registry.decision_report import explain_version, explain_window
from growlearn.registry.promotion import promote_version, rollback_version
from tests.unit.consolidated import World as FullWorld
from tests.unit.digits import Digits
from tests.unit.in_memory import JOB, NO_BASELINES, World, copy_store


def text(sections: Sequence[ReportSection]) -> str:
    return "\n".join(line for section in sections for line in (section.heading, *section.lines))


def grow(folder: Path, digits: Digits, **changes: Any) -> World:
    """A first task, more of the same, and scrambled images."""
    images, labels = digits
    world = World(folder, replace(JOB, holdout=HoldoutFraction(fraction=0.3), **changes))
    world.send("1.parquet", images[:400], labels[:400])
    world.send("2.parquet", images[400:600], labels[400:600])
    scrambled = images.reshape(len(images), -1)[:, np.random.default_rng(3).permutation(64)]
    world.send("3.parquet", scrambled.reshape(images.shape)[600:1200], labels[600:1200])
    return world


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, digits: Digits) -> World:
    """A stream that several tests read and none changes."""
    return grow(tmp_path_factory.mktemp("grown"), digits)


@pytest.fixture(scope="module")
def pending(tmp_path_factory: pytest.TempPathFactory, digits: Digits) -> World:
    """The same, where a person promotes; nobody changes it either."""
    manual = RegistryConfig(promote="manual")
    folder = tmp_path_factory.mktemp("pending")
    return grow(folder, digits, registry=manual, baseline_comparison=NO_BASELINES)


def test_a_version_s_report_runs_from_its_window_to_its_outcome(grown: World) -> None:
    sections = explain_version(grown.store, "digits", 2)

    assert [section.heading for section in sections] == [
        "Window", "Estimated accuracy", "Drift", "Plan", "Model selection", "Training", "Evaluation",
        "Gates", "Decision", "Outcome", "Provenance",
    ]  # fmt: skip
    report = text(sections)
    assert "w3: 600 rows from 3.parquet" in report
    assert "Verdict: drift" in report
    assert "Probe accuracy of each start:" in report
    assert "no_change: " in report
    assert "by worker-1: promoted." in report
    assert "champion version 1 -> version 2, by gates." in report
    assert "It is the champion now." in report
    assert explain_window(grown.store, "digits", "w3") == sections


def test_a_skipped_window_says_why(grown: World) -> None:
    report = text(explain_window(grown.store, "digits", "w2"))
    assert "Verdict: stable" in report
    assert "nothing was trained." in report
    assert "Outcome" not in report


def test_later_alias_changes_are_in_the_report(grown: World) -> None:
    store = copy_store(grown.store)
    stream, versions = store.stream("digits"), store.versions("digits")
    moves, base = rollback_version(stream, versions, 1, "ann", "bad labels", grown.clock.now())
    store.change_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))

    second, first = (text(explain_version(store, "digits", number)) for number in (2, 1))
    assert "champion version 2 -> version 1, by ann (bad labels)." in second
    assert "The champion now is version 1." in second
    assert "It is the champion now." in first


def test_a_pending_version_says_who_promoted_it(pending: World) -> None:
    store = copy_store(pending.store)
    assert "waiting for approval." in text(explain_version(store, "digits", 1))
    stream, versions = store.stream("digits"), store.versions("digits")
    moves, base = promote_version(stream, versions, 1, "ann", "looks good", pending.clock.now())
    store.change_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))
    assert "champion none -> version 1, by ann (looks good)." in text(explain_version(store, "digits", 1))


def test_every_number_of_a_report_is_in_the_record(grown: World) -> None:
    """Each number is one of the record's, in one of the formats of the report."""
    estimates = grown.store.accuracy_estimates("digits")
    compared = count_right(estimates.values())
    for which in ("1", "2", "w1", "w2", "w3"):
        explanation = explain_decision(grown.store, "digits", which)
        view = why_view(grown.store, explanation)
        window = grown.store.window("digits", explanation.window)
        known = {form for number in _numbers(view["entries"]) for form in _formats(number)}
        known |= {form for number in (window.rows, len(view["entries"])) for form in _formats(number)}
        if explanation.window in estimates:
            estimate = estimates[explanation.window]
            of_estimate = [*_numbers(asdict(estimate)), *_numbers(asdict(compared))]
            of_estimate += [95, estimate.known_accuracy or 0]  # per cent of its interval
            known |= {form for number in of_estimate for form in _formats(number)}
        known |= set(re.findall(r"[\d.]+", json.dumps(view["entries"], default=str) + repr(window)))
        reported = _numbers_in(text(explanation.sections))
        assert len(reported) > 10
        assert [number for number in reported if number not in known] == []


def _numbers_in(report: str) -> list[str]:
    report = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "", report)
    report = re.sub(r"[0-9a-f]{16,}", "", report)
    numbers = re.findall(r"(?<![\w-])[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?", report)  # not in task-1
    return [number.replace(",", "").lstrip("+") for number in numbers]


def _numbers(content: Any) -> list[float]:
    """Every number in nested JSON, with the lengths of lists and the accuracies of counts."""
    if isinstance(content, dict):
        inner = [n for value in content.values() for n in _numbers(value)]
        if {"correct", "rows"} <= set(content):
            inner.append(content["correct"] / content["rows"])
        return inner
    if isinstance(content, list):
        return [len(content), *(n for value in content for n in _numbers(value))]
    return [float(content)] if isinstance(content, int | float) and not isinstance(content, bool) else []


def _formats(number: float) -> list[str]:
    formats = (".4g", ".3g", ".2g", ".0f", ".1f", ".2f", ".4f", "g")
    scales = (number, 100 * number, 1000 * number)
    return [format(scale, form).lstrip("+") for scale in scales for form in formats] + [
        format(100 * number, "+.2f").lstrip("+")
    ]


def test_the_default_is_the_champion_and_without_one_the_newest_window(grown: World, pending: World) -> None:
    assert explain_decision(grown.store, "digits", None).version == 2
    assert explain_decision(grown.store, "digits", "v1").window == "w1"
    assert explain_decision(pending.store, "digits", None).window == "w3"


@pytest.mark.parametrize(
    ("which", "message"), [("9", "no version 9"), ("w9", "no window 'w9'"), ("x", "no window 'x'")]
)
def test_an_unknown_version_or_window_is_named(grown: World, which: str, message: str) -> None:
    with pytest.raises(NotFound, match=message):
        explain_decision(grown.store, "digits", which)


def test_a_stream_without_windows_says_so(tmp_path: Path) -> None:
    with pytest.raises(GrowLearnError, match="stream 'digits' has no window yet"):
        explain_decision(World(tmp_path).store, "digits", None)


def test_values_that_are_no_numbers_are_written_as_text(
    grown: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = SearchTrial(
        learning_rate=1.0,
        seed=1,
        init=BranchInit.SCRATCH,
        parent_task=None,
        epochs=1,
        loss=math.inf,
        accuracy=math.nan,
    )

    def with_trial(entry: LogEntry) -> LogEntry:
        if entry.transition is None or not isinstance(entry.transition.plan, GrowthPlan):
            return entry
        return replace(
            entry, transition=replace(entry.transition, plan=replace(entry.transition.plan, trials=(trial,)))
        )

    entries = tuple(map(with_trial, grown.store.decision_log("digits")))

    def decision_log(stream: str, window: str | None = None) -> tuple[LogEntry, ...]:
        return tuple(entry for entry in entries if window in (None, entry.window))

    monkeypatch.setattr(grown.store, "decision_log", decision_log)
    content = json.dumps(
        why_view(grown.store, explain_decision(grown.store, "digits", None)), allow_nan=False
    )
    assert '"loss": "Infinity", "accuracy": "NaN"' in content


def test_a_consolidation_reports_its_plan(tmp_path: Path) -> None:
    world = FullWorld(tmp_path)
    world.send("a", "b")
    world.run()
    full = next(window for window in world.store.windows("digits") if window.verdict is Verdict.FULL)
    report = text(explain_window(world.store, "digits", full.id))
    assert f"{full.id} has no rows: the model had no room for another branch." in report
    assert re.search(r"Distil version \d+ with its \d branch(es)? into 1: b\d\.", report)
