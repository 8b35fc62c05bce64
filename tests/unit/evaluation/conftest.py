from __future__ import annotations

from collections.abc import Callable

import pytest

from growlearn.domain.evaluation import Evaluation, TaskScore
from growlearn.domain.growth import GrowthResult
from growlearn.evaluation.gates.gate_input import GateInput

MakeGateInput = Callable[..., GateInput]


def evaluation(task: str, correct: dict[str, int], before: int = 0, chance: float = 0.1) -> Evaluation:
    """An evaluation from correct predictions of 100 rows by task."""
    task_scores = tuple(TaskScore(task=name, correct=count, rows=100) for name, count in correct.items())
    return Evaluation(
        task=task,
        task_scores=task_scores,
        initial=TaskScore(task=task, correct=before, rows=100),
        chance_level=chance,
    )


@pytest.fixture
def make_gate_input() -> MakeGateInput:
    """The gate input of a candidate with a new task `b` on a model with task `a`; counts are of 100 rows."""

    def make(
        now: dict[str, int] | None = None,
        past: tuple[dict[str, int], ...] = ({"a": 90},),
        before: int = 50,
        chance: float = 0.5,
        losses: tuple[float, float] = (0.7, 0.1),
        parameters: int = 1000,
    ) -> GateInput:
        initial_loss, best_loss = losses
        result = GrowthResult(
            branches=(),
            branch_parameters=(),
            head="h",
            initial_head="h",
            lineage=("b1", "b2"),
            epochs=(),
            best_epoch=1,
            initial_loss=initial_loss,
            best_loss=best_loss,
            prefix_losses=(),
            train_rows=1,
            validation_rows=1,
            seconds=0.0,
            peak_memory_bytes=0,
            threads=1,
            seed=0,
        )
        correct = {"a": 90, "b": 95} if now is None else now
        return GateInput(
            evaluation=evaluation("b", correct, before, chance),
            past_evaluations=tuple(evaluation(list(counts)[-1], counts) for counts in past),
            result=result,
            parameters=parameters,
        )

    return make
