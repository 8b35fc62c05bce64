"""What a drift window of a two-task stream reads: each weight and each snapshot once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from growlearn.domain.window import Verdict
from growlearn.ingest.rows import from_parquet
from growlearn.network import model_cache
from growlearn.network.model.network import load_network
from tests.unit.digits import Digits, rotate
from tests.unit.in_memory import World, parquet

MAX_FULL_LOADS, MAX_DECODES = 4, 6


@pytest.fixture
def two_tasks(tmp_path: Path, digits: Digits) -> World:
    """A stream that has learned two tasks, and rows of a third in its source."""
    images, labels = digits
    world = World(tmp_path)
    world.send("1.parquet", images[:400], labels[:400])
    window = world.send("2.parquet", 255 - images[400:800], labels[400:800])
    assert window.verdict is Verdict.DRIFT
    world.source.put("3.parquet", parquet(rotate(images[800:1200]), labels[800:1200]))
    return world


def test_a_drift_window_opens_each_model_and_each_snapshot_once(
    two_tasks: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_loads, decoded, read = 0, 0, Counter[str]()

    def count_loads(
        manifest: Any, read_artifact: Callable[[str], bytes], open_models: Any = (), *device: Any
    ) -> Any:
        nonlocal full_loads

        def count_reads(sha256: str) -> bytes:
            read[sha256] += 1
            return read_artifact(sha256)

        full_loads += not open_models
        return load_network(manifest, count_reads, open_models, *device)

    def count_decodes(content: bytes, schema: Any) -> Any:
        nonlocal decoded
        decoded += 1
        return from_parquet(content, schema)

    monkeypatch.setattr(model_cache, "load_network", count_loads)
    monkeypatch.setattr(model_cache, "from_parquet", count_decodes)
    (window,) = two_tasks.run()

    assert window.verdict is Verdict.DRIFT
    assert 1 <= full_loads <= MAX_FULL_LOADS
    assert 1 <= decoded <= MAX_DECODES
    assert set(read.values()) == {1}, "no weight is read twice"
