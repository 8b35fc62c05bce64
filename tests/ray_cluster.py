"""A Ray cluster of two nodes on this machine, of one CPU each."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

_NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}


class TwoNodes:
    """Its head, where this process is, and one more node."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self._second = cluster.add_node(**_NODE)

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def count_used_cpus(self) -> int:
        """CPUs that tasks reserve; somebody must be connected."""
        ray: Any = import_module("ray")
        used: int = round(ray.cluster_resources()["CPU"] - ray.available_resources().get("CPU", 0))
        return used

    def wait_until_idle(self) -> None:
        """Until no task runs; the next one then runs where the driver is."""
        end = time.monotonic() + 180
        while self.count_used_cpus():
            assert time.monotonic() < end, "a task went on without its driver"
            time.sleep(0.2)

    def replace_second(self) -> None:
        """Kill the second node, and whatever runs there; another one comes up afterwards."""
        self._cluster.remove_node(self._second, allow_graceful=False)
        self._second = self._cluster.add_node(**_NODE)


@contextmanager
def start_two_nodes() -> Iterator[TwoNodes]:
    """The cluster, to which nobody is connected yet."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before the import
    ray: Any = import_module("ray")  # seconds, and few tests need it
    cluster = import_module("ray.cluster_utils").Cluster(
        initialize_head=True, head_node_args={**_NODE, "include_dashboard": False}
    )
    try:
        yield TwoNodes(cluster)
    finally:
        ray.shutdown()
        cluster.shutdown()
