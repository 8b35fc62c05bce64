from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator

import pytest

from tests.ray_cluster import TwoNodes, start_two_nodes


@pytest.fixture(scope="session")
def ray_nodes(need: Callable[[str, bool], None]) -> Iterator[TwoNodes]:
    """A Ray cluster of two nodes of one CPU each."""
    need("ray", importlib.util.find_spec("ray") is not None)
    with start_two_nodes() as nodes:
        yield nodes
