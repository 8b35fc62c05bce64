"""The driver of a Ray cluster: `python -m growlearn.app.ray_driver` and its arguments.

They are SCRATCH THREADS DEVICE ADDRESS GPUS MEMORY_BYTES. It stands where a training process stands, and
reads the same two lines: when the worker ends it, Ray ends its tasks. A process of its own, because Ray ends
the process that loses its cluster.
"""

from __future__ import annotations

import sys
from functools import partial

from growlearn.adapters.engines.ray_engine import RayEngine, TaskResources
from growlearn.adapters.engines.subprocess_engine import run_child
from growlearn.app.ray_task import NodeSettings, train_on_node
from growlearn.app.training_process import open_child
from growlearn.settings import Settings


def build_driver_command(settings: Settings) -> list[str]:
    """The command that starts this process."""
    return [
        sys.executable,
        "-m",
        "growlearn.app.ray_driver",
        str(settings.scratch),
        str(settings.threads),
        settings.device,
        settings.ray_address,
        str(settings.ray_gpus),
        str(settings.ray_memory_bytes),
    ]


def run_driver(arguments: list[str]) -> int:
    """Train one batch of plans on the cluster; returns the exit status."""
    scratch, threads, device, address, gpus, memory_bytes = arguments
    output, addresses = open_child()
    node = NodeSettings(addresses=tuple(addresses), scratch=scratch, threads=int(threads), device=device)
    resources = TaskResources(cpus=int(threads), gpus=float(gpus), memory_bytes=int(memory_bytes))
    engine = RayEngine(partial(train_on_node, node), address, resources)
    return run_child(engine.for_claim, sys.stdin.buffer, output, side_by_side=True)


if __name__ == "__main__":
    sys.exit(run_driver(sys.argv[1:]))
