"""The ports of a cycle, all in this process's memory but for a folder to train in."""

from __future__ import annotations

from pathlib import Path

from growlearn.adapters.engines.local import LocalEngine
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.evaluator import PlainEvaluator
from growlearn.adapters.memory.source import MemorySource
from growlearn.growth.model.network import load_network
from growlearn.ports import Clock, Ports, Store


def ports_around(
    folder: Path, clock: Clock, store: Store, artifacts: MemoryArtifacts, source: MemorySource
) -> Ports:
    """Ports of `worker-1`, whose every source is this one."""
    return Ports(
        clock=clock,
        store=store,
        artifacts=artifacts,
        engine=LocalEngine(artifacts, folder),
        evaluator=PlainEvaluator(artifacts, lambda manifest: load_network(manifest, artifacts.get)),
        open_source=lambda _: source,
        worker="worker-1",
        lease_s=60,
    )
