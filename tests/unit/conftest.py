from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from growlearn.domain.job import BaselineComparisonConfig
from growlearn.ingest.rows import Rows
from tests.unit.consolidated import JOB, World
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


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Versions 1 and 2 with a branch more each, and 3 with both distilled into one; read only."""
    world = World(
        tmp_path_factory.mktemp("grown"),
        replace(JOB, baseline_comparison=BaselineComparisonConfig(baselines=())),
    )
    world.send("a", "b")
    world.run()
    return world


class PatchedStore:
    """A store with some of its methods replaced."""

    def __init__(self, store: Any, **methods: Any) -> None:
        self._store = store
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        original = getattr(self._store, name)
        return self._methods.get(name, original)


@pytest.fixture
def patched_store() -> type[PatchedStore]:
    return PatchedStore
