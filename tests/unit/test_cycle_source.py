"""What becomes of windows whose source is gone: the loop in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.adapters.memory.source import MemorySource
from growlearn.cycle import run_stream
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.growth import Progress
from growlearn.domain.job import SourceSpec
from growlearn.domain.window import WindowState
from tests.unit.test_cycle import Images, World, digits, parquet

__all__ = ["digits"]  # a fixture


def test_a_source_that_is_gone_holds_up_no_window_taken_in_before(
    tmp_path: Path, digits: tuple[Images, list[int | None]]
) -> None:
    images, labels = digits
    world = World(tmp_path)
    world.source.put("1.parquet", parquet(images[:400], labels[:400]))

    def stops(told: Progress) -> None:
        if told.stage == "training":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stream("digits", world.ports, stops)

    def gone(_: SourceSpec) -> MemorySource:
        raise GrowLearnError("source folder does not exist", cure="mount it")

    with pytest.raises(GrowLearnError, match="source folder does not exist"):
        run_stream("digits", replace(world.ports, open_source=gone), lambda _: None)
    assert world.store.window("digits", "w1").state is WindowState.PROMOTED
