from __future__ import annotations

import pytest

from growlearn.domain.growth import GrowthResult


@pytest.mark.parametrize(
    ("birth", "best", "reduced"), [(1.0, 0.9, True), (1.0, 1.0, False), (1.0, 1.1, False)]
)
def test_only_a_smaller_loss_is_a_reduction(birth: float, best: float, reduced: bool) -> None:
    result = GrowthResult(
        branches=(),
        branch_parameters=(),
        head="0" * 64,
        birth_head="0" * 64,
        lineage=("b1",),
        epochs=(),
        best_epoch=0,
        birth_loss=birth,
        best_loss=best,
        prefix_losses=(),
        train_rows=1,
        validation_rows=1,
        seconds=0.0,
        peak_memory_bytes=0,
        threads=1,
        seed=0,
    )
    assert result.reduced_loss is reduced
