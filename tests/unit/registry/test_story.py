"""The story that the ledger tells: true to the record, and leaving nothing out that was decided."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from growlearn.app.why import ask_why, why_view
from growlearn.domain.errors import GrowLearnError, UnknownName
from growlearn.domain.growth import Birth, GrowthPlan, Trial
from growlearn.domain.job import RegistrySpec
from growlearn.domain.ledger import Chapter, Entry
from growlearn.domain.stream import Message, MessageKind
from growlearn.domain.window import Verdict
from growlearn.registry.promotion import promote, rollback
from growlearn.registry.story import story_of_version, story_of_window
from tests.unit.test_consolidating import World as FullWorld
from tests.unit.test_cycle import JOB, Images, World, digits

__all__ = ["digits"]  # a fixture
Digits = tuple[Images, list[int | None]]


def text(chapters: Sequence[Chapter]) -> str:
    return "\n".join(line for chapter in chapters for line in (chapter.heading, *chapter.lines))


def grown(folder: Path, digits: Digits, **changes: Any) -> World:
    """A first task, more of the same, and inverted images."""
    images, labels = digits
    world = World(folder, replace(JOB, holdout=0.3, **changes))
    world.send("1.parquet", images[:600], labels[:600])
    world.send("2.parquet", images[600:800], labels[600:800])
    scrambled = images.reshape(len(images), -1)[:, np.random.default_rng(3).permutation(64)]
    world.send("3.parquet", scrambled.reshape(images.shape)[800:1500], labels[800:1500])
    return world


def test_a_version_tells_from_what_came_to_what_became_of_it(tmp_path: Path, digits: Digits) -> None:
    world = grown(tmp_path, digits)

    chapters = story_of_version(world.store, "digits", 2)

    assert [chapter.heading for chapter in chapters] == [
        "What came", "What was found", "What was planned", "Was it worth it",
        "How the candidate was trained", "What it answers", "What the gates said", "What was decided",
        "What became of it", "Written down by",
    ]  # fmt: skip
    said = text(chapters)
    assert "w3: 700 rows from 3.parquet" in said
    assert "Verdict: drift" in said
    assert "Starts considered, by a probe:" in said
    assert "nothing: " in said
    assert "by worker-1: promoted." in said
    assert "champion version 1 -> version 2, by gates." in said
    assert "It is the champion now." in said
    assert story_of_window(world.store, "digits", "w3") == chapters


def test_a_window_of_which_nothing_came_says_why(tmp_path: Path, digits: Digits) -> None:
    said = text(story_of_window(grown(tmp_path, digits).store, "digits", "w2"))
    assert "Verdict: stable" in said
    assert "nothing was grown." in said
    assert "What became of it" not in said


def test_what_people_did_later_belongs_to_the_story(tmp_path: Path, digits: Digits) -> None:
    world = grown(tmp_path, digits)
    stream, versions = world.store.stream("digits"), world.store.versions("digits")
    moves, base = rollback(stream, versions, 1, "ann", "bad labels", world.clock.now())
    world.store.move_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))

    second, first = (text(story_of_version(world.store, "digits", number)) for number in (2, 1))
    assert "champion version 2 -> version 1, by ann (bad labels)." in second
    assert "The champion now is version 1." in second
    assert "It is the champion now." in first


def test_a_held_version_says_who_promoted_it(tmp_path: Path, digits: Digits) -> None:
    world = grown(tmp_path, digits, registry=RegistrySpec(promote="manual"))
    assert "held for a person to promote." in text(story_of_version(world.store, "digits", 1))
    stream, versions = world.store.stream("digits"), world.store.versions("digits")
    moves, base = promote(stream, versions, 1, "ann", "looks good", world.clock.now())
    world.store.move_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))
    assert "champion none -> version 1, by ann (looks good)." in text(
        story_of_version(world.store, "digits", 1)
    )


def test_every_number_of_a_story_is_in_the_record(tmp_path: Path, digits: Digits) -> None:
    """Each figure told is one of the record's, printed in one of the ways that stories print figures."""
    world = grown(tmp_path, digits)
    for which in ("1", "2", "w1", "w2", "w3"):
        asked = ask_why(world.store, "digits", which)
        view = why_view(world.store, asked)
        window = world.store.window("digits", asked.window)
        known = {w for number in _numbers(view["entries"]) for w in _ways(number)}
        known |= {w for number in (window.rows, len(view["entries"])) for w in _ways(number)}
        known |= set(re.findall(r"[\d.]+", json.dumps(view["entries"], default=str) + repr(window)))
        told = _told_in(text(asked.chapters))
        assert len(told) > 10
        assert [number for number in told if number not in known] == []


def _told_in(said: str) -> list[str]:
    said = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "", said)
    said = re.sub(r"[0-9a-f]{16,}", "", said)
    found = re.findall(
        r"(?<![\w-])[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?", said
    )  # not in names such as task-1
    return [number.replace(",", "").lstrip("+") for number in found]


def _numbers(content: Any) -> list[float]:
    """Every number below, with the lengths of lists, and the shares that counts make."""
    if isinstance(content, dict):
        inner = [n for value in content.values() for n in _numbers(value)]
        if {"correct", "rows"} <= set(content):
            inner.append(content["correct"] / content["rows"])
        return inner
    if isinstance(content, list):
        return [len(content), *(n for value in content for n in _numbers(value))]
    return [float(content)] if isinstance(content, int | float) and not isinstance(content, bool) else []


def _ways(number: float) -> list[str]:
    formats = (".4g", ".3g", ".2g", ".0f", ".1f", ".2f", ".4f", "g")
    scales = (number, 100 * number, 1000 * number)
    return [format(scale, each).lstrip("+") for scale in scales for each in formats] + [
        format(100 * number, "+.2f").lstrip("+")
    ]


def test_without_a_name_the_champion_is_meant_and_else_the_newest_window(
    tmp_path: Path, digits: Digits
) -> None:
    world = grown(tmp_path, digits)
    assert ask_why(world.store, "digits", None).version == 2
    assert ask_why(world.store, "digits", "v1").window == "w1"
    held = grown(tmp_path / "held", digits, registry=RegistrySpec(promote="manual"))
    assert ask_why(held.store, "digits", None).window == "w3"


@pytest.mark.parametrize(
    ("which", "said"), [("9", "no version 9"), ("w9", "no window 'w9'"), ("x", "no window 'x'")]
)
def test_what_is_not_there_is_named(tmp_path: Path, digits: Digits, which: str, said: str) -> None:
    images, labels = digits
    world = World(tmp_path)
    with pytest.raises(GrowLearnError, match="nothing has come into stream 'digits' yet"):
        ask_why(world.store, "digits", None)
    world.send("1.parquet", images[:300], labels[:300])
    with pytest.raises(UnknownName, match=said):
        ask_why(world.store, "digits", which)


def test_figures_that_are_no_numbers_are_written_as_words(
    tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    world.send("1.parquet", digits[0][:300], digits[1][:300])
    trial = Trial(
        learning_rate=1.0, seed=1, birth=Birth.OWN, parent=None, epochs=1, loss=math.inf, accuracy=math.nan
    )

    def tried(entry: Entry) -> Entry:
        if entry.step is None or not isinstance(entry.step.plan, GrowthPlan):
            return entry
        return replace(entry, step=replace(entry.step, plan=replace(entry.step.plan, trials=(trial,))))

    ledger = tuple(map(tried, world.store.ledger("digits")))
    monkeypatch.setattr(world.store, "ledger", lambda _: ledger)
    told = json.dumps(why_view(world.store, ask_why(world.store, "digits", None)), allow_nan=False)
    assert '"loss": "Infinity", "accuracy": "NaN"' in told


def test_a_consolidation_tells_what_was_planned(tmp_path: Path) -> None:
    world = FullWorld(tmp_path)
    world.send("a", "b")
    world.run()
    full = next(window for window in world.store.windows("digits") if window.verdict is Verdict.FULL)
    said = text(story_of_window(world.store, "digits", full.id))
    assert f"{full.id} brought no rows: the model had no room for another branch." in said
    assert re.search(r"Distil version \d+ with its \d branch(es)? into 1: b\d\.", said)
