"""A stream whose model reaches its branch budget, in memory, on real handwritten digits."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import load_digits

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.source import MemorySource
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.growth_config import ConsolidationConfig, GrowthConfig
from growlearn.domain.job import BaselineComparisonConfig, GateConfig, Job, SourceConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.window import Window, WindowState
from growlearn.pipeline.run import run_stream
from tests.unit.digits import SCHEMA
from tests.unit.in_memory import make_ports

PAIRS = {"a": (0, 1), "b": (2, 3), "c": (4, 5)}
JOB = Job(
    name="digits",
    source=SourceConfig(url="memory"),
    schema=replace(SCHEMA, task="task"),
    model=ModelConfig(embed_dim=16, num_heads=2, patch_size=2, max_branches=2),
    growth=GrowthConfig(epochs=5, batch_size=16, validation_fraction=0.2, augmentation="none"),
    gates=GateConfig(min_gain=-1.0),
    baseline_comparison=BaselineComparisonConfig(baselines=()),  # every task gets a branch of its own
    retain="all",
    consolidation=ConsolidationConfig(target_branches=1, max_accuracy_drop=0.1, epochs=8),
)


class World:
    """A stream and everything around it, in memory."""

    def __init__(self, folder: Path, job: Job = JOB) -> None:
        self.clock, self.store, self.artifacts = ManualClock(), MemoryStore(), MemoryArtifacts()
        self.source = MemorySource()
        self.ports = make_ports(folder, self.clock, self.store, self.artifacts, self.source)
        self.store.apply(job, self.clock.now())

    def send(self, *tasks: str) -> None:
        """Send a file per task; nothing is ingested yet."""
        bunch = load_digits()
        for task in tasks:
            rows = np.flatnonzero(np.isin(bunch.target, PAIRS[task]))[:200]
            columns = {
                "image": (bunch.images[rows] * 15.9375).astype(np.uint8).reshape(len(rows), -1).tolist(),
                "label": bunch.target[rows].tolist(),
                "task": [task] * len(rows),
            }
            sink = io.BytesIO()
            pq.write_table(pa.table(columns), sink)
            self.source.put(f"{task}.parquet", sink.getvalue())

    def run(self, on_progress: Any = lambda _: None) -> list[tuple[str, WindowState]]:
        return [(window.id, window.state) for window in run_stream("digits", self.ports, on_progress).windows]

    def window(self, name: str) -> Window:
        return self.store.window("digits", name)
