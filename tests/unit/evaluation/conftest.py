from __future__ import annotations

from collections.abc import Callable

import pytest

from growlearn.domain.evaluation import Cell, Evaluation
from growlearn.domain.growth import GrowthResult
from growlearn.evaluation.gates.evidence import Evidence

MakeEvidence = Callable[..., Evidence]


def evaluation(task: str, correct: dict[str, int], before: int = 0, chance: float = 0.1) -> Evaluation:
    """Right answers of 100 rows by task."""
    cells = tuple(Cell(task=name, correct=count, rows=100) for name, count in correct.items())
    return Evaluation(task=task, cells=cells, before=Cell(task=task, correct=before, rows=100), chance=chance)


@pytest.fixture
def make_evidence() -> MakeEvidence:
    """Evidence on a candidate that grew task `b` on a model that knew `a`; counts are of 100 rows."""

    def make(
        now: dict[str, int] | None = None,
        past: tuple[dict[str, int], ...] = ({"a": 90},),
        before: int = 50,
        chance: float = 0.5,
        losses: tuple[float, float] = (0.7, 0.1),
        parameters: int = 1000,
    ) -> Evidence:
        birth_loss, best_loss = losses
        result = GrowthResult(
            branches=(),
            branch_parameters=(),
            head="h",
            birth_head="h",
            lineage=("b1", "b2"),
            epochs=(),
            best_epoch=1,
            birth_loss=birth_loss,
            best_loss=best_loss,
            prefix_losses=(),
            train_rows=1,
            validation_rows=1,
            seconds=0.0,
            peak_memory_bytes=0,
            threads=1,
            seed=0,
        )
        grown = {"a": 90, "b": 95} if now is None else now
        return Evidence(
            evaluation=evaluation("b", grown, before, chance),
            past=tuple(evaluation(list(each)[-1], each) for each in past),
            result=result,
            parameters=parameters,
        )

    return make
