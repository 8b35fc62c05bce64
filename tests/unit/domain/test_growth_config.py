from __future__ import annotations

from growlearn.domain.growth_config import GrowthConfig


def test_epochs_and_patience_are_resolved_by_the_rows_of_images() -> None:
    assert (GrowthConfig().max_epochs, GrowthConfig().max_patience) == (6, 3)
    tables = GrowthConfig().resolve(100, has_images=False)
    assert (tables.epochs, tables.patience, tables.batch_size) == (6, 3, "auto")
    few, many = (GrowthConfig().resolve(rows, has_images=True) for rows in (10, 1_000_000))
    assert (few.epochs, few.patience, few.batch_size) == (60, 20, 32)
    assert (many.epochs, many.patience, many.batch_size) == (14, 4, "auto")


def test_given_epochs_patience_and_batch_size_stay() -> None:
    given = GrowthConfig(epochs=4, patience=2, batch_size=7)
    assert given.resolve(100, has_images=True) == given
    assert GrowthConfig(epochs=30).resolve(100, has_images=True).patience == 10
