"""A stream that was grown twice and then consolidated, in memory, on real handwritten digits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.job import BaselineComparisonConfig
from tests.unit.consolidated import JOB, World


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
