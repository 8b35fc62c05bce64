from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.ingest.rows import Rows
from tests.unit.digits import Digits, load_digit_rows, load_shuffled_digits
from tests.unit.model_builder import MODEL, ModelBuilder


@pytest.fixture(scope="session")
def digits() -> Digits:
    return load_shuffled_digits()


@pytest.fixture(scope="session")
def digit_rows() -> Rows:
    return load_digit_rows()


@pytest.fixture
def builder(tmp_path: Path, digit_rows: Rows) -> ModelBuilder:
    """A builder of a model whose first task starts with one branch."""
    return ModelBuilder(tmp_path, digit_rows)


@pytest.fixture
def three_branch_builder(tmp_path: Path, digit_rows: Rows) -> ModelBuilder:
    """A builder of a model whose first task starts with three branches."""
    return ModelBuilder(tmp_path, digit_rows, replace(MODEL, num_initial_branches=3))
