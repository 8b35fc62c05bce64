from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from growlearn.app.garbage import collect_rarely, exempt_imports


@pytest.fixture(autouse=True)
def _unfreeze() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_what_existed_before_is_no_longer_looked_at() -> None:
    kept = [{"number": number} for number in range(1000)]
    exempt_imports()

    assert gc.get_freeze_count() > len(kept)
    assert len(gc.get_objects()) < 1000


def test_cycles_made_later_are_collected_soon() -> None:
    collect_rarely()
    exempt_imports()
    before = gc.get_stats()[2]["collections"]
    for _ in range(200_000):
        cycle: list[object] = []
        cycle.append(cycle)

    assert gc.get_stats()[2]["collections"] > before
    assert len(gc.get_objects()) < 50_000


def test_objects_that_stay_are_looked_at_less_often() -> None:
    def count_collections() -> int:
        before: int = gc.get_stats()[0]["collections"]
        kept = [[number] for number in range(100_000)]
        after: int = gc.get_stats()[0]["collections"]
        assert len(kept) == 100_000
        return after - before

    gc.set_threshold(700, 10, 10)  # a command that ran in this process may have changed it
    often = count_collections()
    collect_rarely()
    assert count_collections() < often / 5
