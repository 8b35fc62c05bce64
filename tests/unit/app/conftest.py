"""A stream that was grown twice and then consolidated, in memory, on real handwritten digits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.job import WorthSpec
from tests.unit.test_consolidating import JOB, World


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Versions 1 and 2 with a branch more each, and 3 with both distilled into one; only to be looked at."""
    world = World(tmp_path_factory.mktemp("grown"), replace(JOB, worth=WorthSpec(rivals=())))
    world.send("a", "b")
    world.run()
    return world


class Retold:
    """A store that tells some things otherwise than it has them."""

    def __init__(self, store: Any, **told: Any) -> None:
        self._store = store
        self._told = told

    def __getattr__(self, name: str) -> Any:
        return self._told.get(name, getattr(self._store, name))


@pytest.fixture
def retold() -> type[Retold]:
    return Retold
