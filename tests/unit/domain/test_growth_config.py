from __future__ import annotations

import pytest

from growlearn.domain.growth_config import GrowthConfig


def test_epochs_and_patience_are_resolved_by_the_rows_of_images() -> None:
    assert (GrowthConfig().max_epochs, GrowthConfig().max_patience) == (6, 3)
    tables = GrowthConfig().resolve(100, has_images=False)
    assert (tables.epochs, tables.patience, tables.batch_size) == (6, 3, "auto")
    few, many = (GrowthConfig().resolve(rows, has_images=True) for rows in (10, 1_000_000))
    assert (few.epochs, few.patience, few.batch_size) == (60, 20, 32)
    assert (many.epochs, many.patience, many.batch_size) == (18, 6, "auto")


def test_given_epochs_patience_and_batch_size_stay() -> None:
    given = GrowthConfig(epochs=4, patience=2, batch_size=7)
    assert given.resolve(100, has_images=True) == given
    assert GrowthConfig(epochs=30).resolve(100, has_images=True).patience == 10


def test_a_device_is_one_of_the_known_names() -> None:
    assert [GrowthConfig(device=name).device for name in ("auto", "cpu", "cuda", "cuda:3", "mps")][
        3
    ] == "cuda:3"
    for name in ("gpu", "cuda:", "cuda:-1", "CPU", "mps:0"):
        with pytest.raises(ValueError, match="device must be auto, cpu, cuda, cuda:N or mps"):
            GrowthConfig(device=name)
