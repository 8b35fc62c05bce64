"""Whether a window is told apart from a task: the table of decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.drift import Score
from growlearn.domain.drift_spec import DriftSpec
from growlearn.drift.decisions import DECISIONS, Grounds
from growlearn.drift.harm import harm_of
from growlearn.drift.reference import Reference

SPEC = DriftSpec(min_effect=0.1, min_harm=0.05)


def score(detector: str, p_value: float, effect: float = 0.5) -> Score:
    return Score(
        detector=detector,
        task="a",
        name="all outputs",
        statistic=effect,
        p_value=p_value,
        threshold=0.01,
        reference_rows=200,
        window_rows=200,
        effect=effect,
    )


@pytest.fixture
def grounds(make_side: Any) -> Grounds:
    side = make_side()
    sides = Reference(task="a", reference=side, window=side)
    return Grounds(reference=sides, scores=(score("a", 0.5),), harm=None, harm_threshold=0.01)


FOUND, NOT_FOUND = score("a", 0.001), score("b", 0.5)


@pytest.mark.parametrize(
    ("decision", "scores", "moved"),
    [
        ("any", (NOT_FOUND,), False),
        ("any", (FOUND, NOT_FOUND), True),
        ("majority", (FOUND, NOT_FOUND), False),
        ("majority", (FOUND, score("c", 0.001), NOT_FOUND), True),
        ("majority", (FOUND, FOUND, NOT_FOUND), False),  # two findings of one detector are one voice
    ],
)
def test_scores_decide(grounds: Grounds, decision: str, scores: tuple[Score, ...], moved: bool) -> None:
    assert DECISIONS[decision](replace(grounds, scores=scores), SPEC).moved is moved


@pytest.mark.parametrize("decision", ["any", "majority"])
def test_a_significant_trifle_is_no_drift(grounds: Grounds, decision: str) -> None:
    trifle = (score("a", 1e-9, effect=0.09),)
    assert not DECISIONS[decision](replace(grounds, scores=trifle), SPEC).moved


@pytest.mark.parametrize("decision", ["any", "majority"])
@pytest.mark.parametrize(("wrong", "harmed"), [(0, False), (5, False), (60, True)])
def test_labels_tell_harm(grounds: Grounds, make_side: Any, decision: str, wrong: int, harmed: bool) -> None:
    harm = harm_of(make_side(400), make_side(200, wrong=wrong), 30)
    decided = DECISIONS[decision](replace(grounds, harm=harm), SPEC)
    assert (decided.moved, decided.harmed) == (False, harmed)


def test_a_significant_but_small_harm_is_none(grounds: Grounds, make_side: Any) -> None:
    harm = harm_of(make_side(4000), make_side(4000, wrong=100), 30)
    assert harm is not None
    assert harm.p_value < 1e-6
    assert not DECISIONS["any"](replace(grounds, harm=harm), SPEC).harmed


def test_evidence_is_carried_and_told(grounds: Grounds, make_outputs: Any, make_side: Any) -> None:
    def side(seed: int, lean: float) -> Any:
        outputs = make_outputs(seed, lean=lean, rows=600)
        return replace(make_side(600, labelled=0), outputs=outputs)

    sides = Reference(task="a", reference=side(0, 0.0), window=side(1, 0.0))
    first = DECISIONS["anytime"](replace(grounds, reference=sides), SPEC)
    assert not first.moved
    assert first.carried is not None
    assert first.carried.scores is not None
    assert first.carried.scores.windows == 1
    later = replace(sides, carried=first.carried, window=side(2, 2.0))
    second = DECISIONS["anytime"](replace(grounds, reference=later), SPEC)
    assert second.moved
    assert second.told is not None
    assert "2 windows" in second.told
