from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from growlearn.domain.evaluation import Cell
from growlearn.domain.job import GateSpec
from growlearn.domain.worth import Contender, Means, Worth
from growlearn.evaluation.gates.worth import worth
from growlearn.evaluation.worth import weigh


def weighed(**right: int) -> Worth:
    """Contenders that have the first so many of 100 rows right."""
    answers = {Means[name.upper()]: np.arange(100) < count for name, count in right.items()}
    contenders = [
        Contender(
            means=means, cell=Cell(task="b", correct=int(each.sum()), rows=100), parameters=at, branches=1,
            latency_s=0.1, seconds=1.0,
        )
        for at, (means, each) in enumerate(answers.items())
    ]  # fmt: skip
    return weigh(contenders, answers, 0.05)


def test_what_beats_doing_nothing_passes(make_evidence: Any) -> None:
    said = worth(replace(make_evidence(), worth=weighed(nothing=80, branch=90)), GateSpec())
    assert said.passed
    assert said.figure < said.bound == 0.05
    assert said.reason.startswith("branch beats doing nothing by +10.00 points (+")


def test_the_reason_is_of_what_is_kept_though_a_dearer_way_is_surer(make_evidence: Any) -> None:
    said = worth(replace(make_evidence(), worth=weighed(nothing=50, head=90, branch=91)), GateSpec())
    assert said.passed
    assert said.reason.startswith("head beats doing nothing by +40.00 points (+")


def test_what_does_not_is_refused(make_evidence: Any) -> None:
    said = worth(replace(make_evidence(), worth=weighed(nothing=89, head=88, branch=91)), GateSpec())
    assert not said.passed
    assert said.figure >= said.bound == 0.025  # two were tested
    assert "branch does not beat doing nothing by +2.00 points" in said.reason


@pytest.mark.parametrize("found", [None, weighed(head=80, branch=81)])
def test_without_an_earlier_task_that_could_answer_there_is_nothing_to_beat(
    make_evidence: Any, found: Worth | None
) -> None:
    said = worth(replace(make_evidence(), worth=found), GateSpec())
    assert (said.passed, said.figure, said.bound) == (True, 0.0, 0.0)
    assert said.reason == "no earlier task could answer instead"
