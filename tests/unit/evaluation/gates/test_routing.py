from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.evaluation import Cell, Succession
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.evidence import Evidence
from growlearn.evaluation.gates.routing import routing


def routed(evidence: Evidence, before: tuple[int, ...] = (), **now: int) -> Evidence:
    """The candidate's answers without a task's name; before are those of the model grown from, to task a."""
    cells = tuple(Cell(task=name, correct=count, rows=100) for name, count in now.items())
    past = tuple(
        replace(each, routed=tuple(Cell(task="a", correct=count, rows=100) for count in before))
        for each in evidence.past
    )
    return replace(evidence, past=past, evaluation=replace(evidence.evaluation, routed=cells))


@pytest.mark.parametrize(("most", "passed"), [(0.04, False), (0.05, True)])
def test_an_earlier_task_may_lose_so_much_where_its_rows_do_not_say_it(
    make_evidence: Any, most: float, passed: bool
) -> None:
    said = routing(routed(make_evidence(), (88,), a=83, b=50), GateSpec(max_routed_loss=most))
    assert (round(said.figure, 6), said.bound, said.passed) == (0.05, most, passed)
    assert said.reason == "without its name task 'a': 83.00% right, 88.00% before"


def test_of_one_task_all_rows_were_its_own(make_evidence: Any) -> None:
    said = routing(routed(make_evidence(), a=80, b=50), GateSpec())
    assert said.passed
    assert said.reason.endswith("80.00% right, 90.00% before")


def test_named_tasks_are_not_routed(make_evidence: Any) -> None:
    said = routing(make_evidence(), GateSpec(max_routed_loss=0.0))
    assert (said.passed, said.figure, said.reason) == (True, 0.0, "no rows have to be routed")


def test_a_superseded_task_has_no_rows_to_lose_and_the_reason_says_whose_place_is_taken(
    make_evidence: Any,
) -> None:
    evidence = routed(make_evidence(), (88,), b=50)
    heirs = Succession(tasks=("a",), windows=("w3",), cells=(Cell(task="b", correct=190, rows=200),))
    evidence = replace(evidence, evaluation=replace(evidence.evaluation, succession=heirs))
    said = routing(evidence, GateSpec(max_routed_loss=0.0))
    assert said.passed
    assert said.reason == (
        f"no rows have to be routed; {evidence.evaluation.task!r} takes the place of 'a', "
        "as it answers 95.00% of w3 too"
    )
