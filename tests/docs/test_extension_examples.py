"""The detector and the gate of the page on writing one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from growlearn.domain.evaluation import GateResult, TaskScore
from tests.docs.blocks import ROOT, find_runnable_blocks


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the page's blocks define; the detector's own assertions hold."""
    defined: dict[str, Any] = {}
    for block in find_runnable_blocks(ROOT / "docs" / "how-to" / "write-a-detector.md"):
        exec(compile(block.text, block.name, "exec"), defined)
    return defined


def test_the_detector_keeps_its_error_rate(names: dict[str, Any]) -> None:
    rejected = 0
    for seed in range(200):
        (result,) = names["confidence"](names["draw"](2 * seed, 2.0), names["draw"](2 * seed + 1, 2.0), 0.05)
        rejected += result.rejected
    assert 1 <= rejected <= 22  # of 200 at 0.05; more, or none, has a probability below 1e-3


@pytest.mark.parametrize(("rows", "passed"), [(29, False), (30, True)])
def test_the_gate_judges_the_task_with_the_fewest_rows(
    names: dict[str, Any], rows: int, passed: bool
) -> None:
    scores = (TaskScore(task="a", correct=1, rows=rows), TaskScore(task="b", correct=1, rows=400))
    gate_input = SimpleNamespace(evaluation=SimpleNamespace(task_scores=scores))
    result: GateResult = names["enough_rows"](gate_input, None)
    assert (result.passed, result.value) == (passed, rows)
    assert "'a'" in result.reason
