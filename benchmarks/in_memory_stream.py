"""The whole loop in memory, fed with arrays: what benchmarks of the product's decisions share."""

from __future__ import annotations

import io
import tempfile
from dataclasses import replace
from pathlib import Path

import fashion_mnist
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from growlearn.adapters.engines.local import LocalEngine
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.evaluator import NumpyEvaluator
from growlearn.adapters.memory.source import MemorySource
from growlearn.adapters.memory.store import MemoryStore
from growlearn.app.data_profile import profile_data
from growlearn.app.job_template import render_job_file
from growlearn.app.jobfile import read_job
from growlearn.app.resolve_encoder import resolve_encoder
from growlearn.domain.job import Job
from growlearn.domain.window import Window, WindowState
from growlearn.ingest.rows import Rows
from growlearn.network.model_cache import ModelCache
from growlearn.pipeline.context import Ports
from growlearn.pipeline.run import run_stream
from growlearn.registry.version_tree import get_version
from growlearn.serving.predictor import Predictor


class InMemoryStream:
    """A stream of a job, and everything around it."""

    def __init__(self, job: Job) -> None:
        self.source, self.store = MemorySource(), MemoryStore()
        self.artifacts, clock = MemoryArtifacts(), ManualClock()
        self.job = resolve_encoder(job, None, lambda: self.artifacts)
        models = ModelCache(self.artifacts)
        self.ports = Ports(
            clock=clock, store=self.store, models=models,
            engine=LocalEngine(self.artifacts, Path(tempfile.mkdtemp())),
            evaluator=NumpyEvaluator(models),
            open_source=lambda _: self.source, worker="w", lease_s=60,
        )  # fmt: skip
        self.store.apply(self.job, clock.now())

    def learn(self, images: fashion_mnist.Array, labels: npt.NDArray[np.integer], task: str | None) -> Window:
        """Take a window in, and do what the job says."""
        columns = {"image": pa.array(images.reshape(len(images), -1).tolist()), "label": labels}
        if task is not None:
            columns["task"] = [task] * len(labels)
        sink = io.BytesIO()
        pq.write_table(pa.table(columns), sink)
        number = len(self.store.windows(self.job.name)) + 1
        return self.deliver(f"{number:03}.parquet", sink.getvalue())

    def deliver(self, file: str, content: bytes) -> Window:
        """Take one file in as a window, and do what the job says."""
        self.source.put(file, content)
        return run_stream(self.job.name, self.ports, lambda _: None).windows[-1]

    def count_trainings(self, window: Window) -> int:
        """One for a window that was trained on, one more for what was trained beside it and dropped."""
        selection = self.store.window_record(window.stream, window.id).model_selection
        dropped = selection is not None and selection.dropped_seconds > 0
        return (window.state in (WindowState.PROMOTED, WindowState.REJECTED)) + dropped

    def answer(self, rows: Rows) -> fashion_mnist.Array:
        """The champion's answers to rows that name no task."""
        return self.champion().predict_rows(rows)[0].astype(np.int64)

    def champion(self) -> Predictor:
        """The model in use."""
        number = self.store.stream(self.job.name).champion
        assert number is not None, "the first window makes a champion"
        return Predictor(get_version(self.store.versions(self.job.name), number).manifest, self.artifacts.get)


def draft_job(name: str, file: str, content: bytes, label: str, seed: int) -> Job:
    """The job that init writes for a stream's first file, with a seed."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / file).write_bytes(content)
        job_file = folder / f"{name}.yaml"
        job_file.write_text(render_job_file(name, profile_data(folder / file, label)), encoding="utf-8")
        job = read_job(job_file, folder)
    return replace(job, growth=replace(job.growth, seed=seed))
