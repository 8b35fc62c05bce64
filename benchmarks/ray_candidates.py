"""Eight candidates of one growth: side by side on a Ray cluster of two nodes, and one after the other.

Both nodes are on this machine, of one CPU each; the other side is one child process of one thread.
Handwritten digits; the plans differ in their seeds alone, and both sides train the same bits. The wall time
is all of it: connecting to the cluster, starting processes, importing torch. Ray: pip install -e '.[ray]'.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from results import publish
from sklearn.datasets import load_digits

from growlearn.adapters.engines.subprocess_engine import SubprocessEngine
from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.app.ray_driver import build_driver_command
from growlearn.app.training_process import build_training_command, build_training_environment
from growlearn.domain.growth import BranchInit, GrowthPlan
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.lineage import Manifest
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema, sort_labels
from growlearn.ingest.rows import Rows, hash_rows, object_column, split_rows, to_parquet
from growlearn.ports import Engine
from growlearn.settings import read_settings

SCHEMA = Schema(inputs={"image": InputColumn(type=InputType.IMAGE, shape=(1, 8, 8))}, label="label")


def main() -> None:
    """Train all candidates in both ways, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, two_nodes() as address:
        plans = make_plans(Path(folder), options.candidates, options.epochs)
        alone_s, alone = run(make_process(Path(folder)), plans)
        cluster_s, together = run(make_driver(Path(folder), address), plans)
    assert [result.head for result in alone] == [result.head for result in together], "other bits"
    trained_s = sum(result.seconds for result in alone)
    table = [
        "| way | wall s | times faster | training alone, s, summed |",
        "| --- | --- | --- | --- |",
        f"| one after the other, one process | {alone_s:.1f} | 1 | {trained_s:.1f} |",
        f"| side by side, two nodes of Ray | {cluster_s:.1f} | {alone_s / cluster_s:.2f} |"
        f" {sum(result.seconds for result in together):.1f} |",
    ]
    note = f"{options.candidates} candidates of {options.epochs} epochs, one thread each, one run; equal bits"
    publish("ray_candidates", "Candidates on a Ray cluster of two nodes", table, note)


def run(engine: Engine, plans: list[GrowthPlan]) -> tuple[float, Any]:
    """Seconds of wall time, and the results."""
    begun_s = time.perf_counter()
    results = engine.for_claim(1).run(plans, lambda _: None)
    return time.perf_counter() - begun_s, results


def make_plans(folder: Path, candidates: int, epochs: int) -> list[GrowthPlan]:
    """First growths of all digits that differ in their seeds; their rows are stored."""
    images, labels = load_digits(return_X_y=True)
    inputs = {"image": (images * 15.9375).astype(np.uint8).reshape(-1, 1, 8, 8)}
    rows = Rows(inputs, object_column(labels.tolist()), None, hash_rows(inputs, SCHEMA))
    parts, store = split_rows(rows, 0.2, 0.1), FileArtifacts(folder / "artifacts")
    empty = Manifest(stream="digits", schema=SCHEMA, model=ModelConfig(), branches=(), tasks=())
    plan = GrowthPlan(
        stream="digits", window="w1", task="task-1", classes=sort_labels(rows.labels), parent_manifest=empty,
        parent_version=None, parent_task=None, lineage=(), init=BranchInit.SCRATCH,
        init_head_from_parent=False, new_branches=("b1",), train=store.put(to_parquet(parts.train, SCHEMA)),
        validation=store.put(to_parquet(parts.validation, SCHEMA)),
        holdout=store.put(to_parquet(parts.holdout, SCHEMA)),
        growth=GrowthConfig(epochs=epochs, patience=epochs), seed=0,
    )  # fmt: skip
    return [replace(plan, seed=seed) for seed in range(candidates)]


def make_process(folder: Path) -> Engine:
    """A child process of one thread."""
    command = build_training_command(folder / "scratch", 1, "cpu")
    return SubprocessEngine(command, build_training_environment(1), addresses=(str(folder / "artifacts"),))


def make_driver(folder: Path, address: str) -> Engine:
    """The driver of a cluster, each of whose trainings has one thread."""
    environ = {
        "GROWLEARN_HOME": str(folder), "GROWLEARN_RAY_ADDRESS": address, "GROWLEARN_THREADS": "1",
        "GROWLEARN_DEVICE": "cpu",
    }  # fmt: skip
    command = build_driver_command(read_settings(environ, folder))
    return SubprocessEngine(command, build_training_environment(1), addresses=(str(folder / "artifacts"),))


@contextmanager
def two_nodes() -> Iterator[str]:
    """The address of a cluster of two nodes of one CPU each on this machine."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before the import
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    node: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        cluster.add_node(**node)
        yield cluster.address
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
