"""A stream of handwritten digits in this process's memory; only training writes to a folder."""

from __future__ import annotations

import copy
import io
from dataclasses import replace
from pathlib import Path
from threading import RLock

import pyarrow as pa
import pyarrow.parquet as pq

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.evaluator import NumpyEvaluator
from growlearn.adapters.memory.source import MemorySource
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import BaselineComparisonConfig, HoldoutFraction, Job, SourceConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.window import Window
from growlearn.network.model_cache import ModelCache
from growlearn.pipeline.context import Ports
from growlearn.pipeline.run import run_stream
from growlearn.ports import Clock, Store
from tests.unit.digits import SCHEMA, Images
from tests.unit.training_cache import CachingEngine

JOB = Job(
    name="digits",
    source=SourceConfig(url="memory"),
    schema=SCHEMA,
    model=ModelConfig(embed_dim=16, num_heads=2, patch_size=2),
    growth=GrowthConfig(
        epochs=6, batch_size=32, learning_rate=5e-3, validation_fraction=0.2, augmentation="none"
    ),
    drift=DriftConfig(alpha=0.001),
    holdout=HoldoutFraction(fraction=0.15),
)
TASKED = replace(JOB, schema=replace(JOB.schema, task="task"))
NO_BASELINES = BaselineComparisonConfig(baselines=())
"""For streams whose candidates are not what is tested: each growth is one training, of its branch."""


def parquet(images: Images, labels: list[int | None], task: str | None = None) -> bytes:
    columns = {
        "image": pa.array(images.reshape(len(images), -1).tolist()),
        "label": pa.array(labels, pa.int64()),
    }
    if task is not None:
        columns["task"] = pa.array([task] * len(images))
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def make_ports(
    folder: Path, clock: Clock, store: Store, artifacts: MemoryArtifacts, source: MemorySource
) -> Ports:
    """The ports of `worker-1`: every source it opens is `source`, each plan is trained once a process."""
    models = ModelCache(artifacts)
    return Ports(
        clock=clock,
        store=store,
        engine=CachingEngine(artifacts, folder),
        evaluator=NumpyEvaluator(models),
        models=models,
        open_source=lambda _: source,
        worker="worker-1",
        lease_s=60,
    )


def copy_store(store: MemoryStore) -> MemoryStore:
    """A store that holds the same; its changes do not affect the other one."""
    return copy.deepcopy(store, {id(store._lock): RLock()})


class World:
    """A stream and everything around it, in memory."""

    def __init__(self, folder: Path, job: Job = JOB) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore()
        self.artifacts = MemoryArtifacts()
        self.source = MemorySource()
        self.ports = make_ports(folder, self.clock, self.store, self.artifacts, self.source)
        self.store.apply(job, self.clock.now())

    def run(self) -> tuple[Window, ...]:
        return run_stream("digits", self.ports, lambda _: None).windows

    def send(self, name: str, images: Images, labels: list[int | None], task: str | None = None) -> Window:
        self.source.put(name, parquet(images, labels, task))
        (window,) = self.run()
        return window
