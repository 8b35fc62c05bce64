"""A stream whose labels come after their rows, in memory, on real handwritten digits."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.source import MemorySource
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import BaselineComparisonConfig, GateConfig, Job, SourceConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.window import Window
from growlearn.pipeline.run import run_stream
from tests.unit.digits import SCHEMA, load_shuffled_digits
from tests.unit.in_memory import make_ports

DAY_S = 86_400.0
JOB = Job(
    name="digits",
    source=SourceConfig(url="memory"),
    schema=replace(SCHEMA, id_column="id"),
    model=ModelConfig(embed_dim=16, num_heads=2, patch_size=2),
    growth=GrowthConfig(
        epochs=4, batch_size=16, learning_rate=5e-3, validation_fraction=0.2, augmentation="none"
    ),
    drift=DriftConfig(alpha=0.001),
    gates=GateConfig(min_gain=-1.0, max_negative_flip_rate=1.0),  # a few rows decide nothing
    baseline_comparison=BaselineComparisonConfig(baselines=()),  # each drift gets its branch
)
FIRST, DRIFTED, LATER = range(300), range(300, 600), range(600, 900)


class World:
    """A stream with an id column and its ports; row i of the digits has the id i."""

    def __init__(self, folder: Path, job: Job = JOB) -> None:
        self.images, labels = load_shuffled_digits()
        self.labels = [int(label or 0) for label in labels]
        self.clock, self.store, self.source = ManualClock(), MemoryStore(), MemorySource()
        self.artifacts = MemoryArtifacts()
        self.ports = make_ports(folder, self.clock, self.store, self.artifacts, self.source)
        self.store.apply(job, self.clock.now())

    def send_rows(self, which: range, *, labelled: int = 0, inverted: bool = True) -> None:
        """Send a file of rows, the first `labelled` of them with their labels."""
        images = self.images[which] if not inverted else 255 - self.images[which]
        known = [self.labels[i] if n < labelled else None for n, i in enumerate(which)]
        columns = {"image": pa.array(images.reshape(len(which), -1).tolist()), "id": list(which)}
        self.send(f"rows {which}", {**columns, "label": pa.array(known, pa.int64())})

    def send_labels(self, which: range, shift: int = 0) -> None:
        """Send a file of labels, each increased by `shift` modulo ten."""
        labels = [(self.labels[i] + shift) % 10 for i in which]
        self.send(f"labels {which}", {"id": list(which), "label": labels})

    def send(self, name: str, columns: dict[str, object]) -> None:
        sink = io.BytesIO()
        pq.write_table(pa.table(columns), sink)
        self.source.put(f"{len(self.source.files()):03} {name}.parquet", sink.getvalue())

    def run(self, worker: str = "worker-1") -> tuple[Window, ...]:
        return run_stream("digits", replace(self.ports, worker=worker), lambda _: None).windows

    def learn_first(self) -> None:
        self.send_rows(FIRST, labelled=300, inverted=False)
        self.run()

    @property
    def states(self) -> list[tuple[str, str | None]]:
        return [
            (window.state.value, window.verdict and window.verdict.value)
            for window in self.store.windows("digits")
        ]
