"""Training on a Ray cluster: one task a plan, side by side, on whichever node has room.

Nothing large passes through Ray: a task gets a plan of some kilobytes, which names its rows and weights by
their hashes, and gives back a result of that size. What a task writes are files named by their content; only
the worker that holds the window's claim writes to the record.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from growlearn.adapters.engines.protocol import ChildFailure, ChildMessage
from growlearn.adapters.engines.scratch import Plan
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.errors import GrowLearnError, Unavailable
from growlearn.domain.growth import HEARTBEAT, GrowthPlan, GrowthResult, Progress, number_progress
from growlearn.ports import ProgressCallback
from growlearn.registry.json_codec import from_json, to_json

_log = logging.getLogger(__name__)
_HEARTBEAT_S = 0.5
_CONNECT_TIMEOUT_S = 10
_MAX_RETRIES = 3
"""How often Ray starts a task again whose node or process died; one that failed is not started again."""

TrainOnNode = Callable[[bytes, int, ProgressCallback], bytes]
"""Trains one plan (JSON), for the window's claim of that number; returns a `ChildMessage` (JSON)."""


@dataclass(frozen=True, kw_only=True)
class TaskResources:
    """What one training reserves on its node; 0 of memory is no reservation."""

    cpus: int = 1
    gpus: float = 0.0
    memory_bytes: int = 0


@dataclass(frozen=True)
class RayEngine:
    """Runs `train`, which every node must be able to import, on the cluster at `address`."""

    train: TrainOnNode
    address: str
    resources: TaskResources = field(default_factory=TaskResources)
    claim: int = 0

    def for_claim(self, claim: int) -> RayEngine:
        """The same engine, whose tasks use the scratch folders of one claim."""
        return replace(self, claim=claim)

    def run(self, plans: Sequence[GrowthPlan], on_progress: ProgressCallback) -> Sequence[GrowthResult]:
        """Train the plans side by side, as far as the cluster has room."""
        return [result for result in self._train(plans, on_progress) if isinstance(result, GrowthResult)]

    def consolidate(self, plan: ConsolidationPlan, on_progress: ProgressCallback) -> ConsolidationResult:
        """Distil the plan's branches in one task."""
        (result,) = self._train([plan], on_progress)
        assert isinstance(result, ConsolidationResult)
        return result

    def _train(
        self, plans: Sequence[Plan], on_progress: ProgressCallback
    ) -> list[GrowthResult | ConsolidationResult]:
        on_progress(HEARTBEAT)  # raises where the work is no longer wanted, before anything is started
        ray = connect_to_ray(self.address)
        _warn_without_room(ray, self.resources)
        with _as_engine_errors(ray), _open_mailbox(ray) as mailbox:
            task = ray.remote(
                num_cpus=self.resources.cpus,
                num_gpus=self.resources.gpus,
                memory=self.resources.memory_bytes or None,
                max_retries=_MAX_RETRIES,
                max_calls=1,  # its memory, and its GPU's, is freed when it ends
            )(_run_task)
            references = [
                task.remote(self.train, to_json(plan, Plan), self.claim, index, mailbox)
                for index, plan in enumerate(plans)
            ]
            return _collect(ray, references, mailbox, on_progress)


def connect_to_ray(address: str) -> Any:
    """The module `ray`, connected to the cluster; raises Unavailable where none answers."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before the import
    try:
        import ray  # noqa: PLC0415 - seconds, and only where used
    except ImportError as error:
        raise GrowLearnError(
            f"engine ray cannot be used: {error}", hint="pip install growlearn[ray]"
        ) from error
    if not ray.is_initialized():
        handler = signal.getsignal(signal.SIGTERM)
        try:
            _require_listener(address)
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, RuntimeError, ValueError) as error:  # ConnectionError is an OSError
            raise Unavailable(
                f"no Ray cluster answers at {address!r}: {' '.join(str(error).split())}",
                hint="start one on this machine (ray start), or correct GROWLEARN_RAY_ADDRESS",
            ) from error
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)  # Ray takes it over
    return ray


def _require_listener(address: str) -> None:
    """Raise OSError where nobody listens at HOST:PORT: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), _CONNECT_TIMEOUT_S).close()


def _warn_without_room(ray: Any, resources: TaskResources) -> None:
    """Say why a training waits that fits on no node as the cluster is now; one may be added."""
    wanted = {"CPU": resources.cpus, "GPU": resources.gpus, "memory": resources.memory_bytes}
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(all(node.get(name, 0) >= amount for name, amount in wanted.items()) for node in nodes):
        told = ", ".join(f"{amount:g} {name}" for name, amount in wanted.items() if amount)
        _log.warning("no node of the Ray cluster has %s; the training waits for one", told)


@contextmanager
def _as_engine_errors(ray: Any) -> Iterator[None]:
    """A task whose node or process died too often may succeed later; one that raised would raise again."""
    try:
        yield
    except ray.exceptions.RayTaskError as error:
        raise GrowLearnError(f"a training on the Ray cluster failed: {error.cause!r}") from error
    except ray.exceptions.RayError as error:
        raise Unavailable(
            f"a training on the Ray cluster was lost: {' '.join(str(error).split())}",
            hint="see ray status and the logs of its nodes; the window is tried again",
        ) from error


class Mailbox:
    """Progress of all tasks on its way to the driver; an actor on the driver's own node."""

    def __init__(self) -> None:
        self._messages: list[tuple[int, bytes]] = []

    def add(self, index: int, message: bytes) -> None:
        """Progress (JSON) of the task of that number."""
        self._messages.append((index, message))

    def take(self) -> list[tuple[int, bytes]]:
        """Everything since the last call."""
        taken, self._messages = self._messages, []
        return taken


@contextmanager
def _open_mailbox(ray: Any) -> Iterator[Any]:
    """A mailbox where the driver is: the death of another node does not take it along."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415 - as above

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    mailbox = ray.remote(num_cpus=0, scheduling_strategy=here)(Mailbox).remote()
    try:
        yield mailbox
    finally:
        ray.kill(mailbox)


def _run_task(train: TrainOnNode, plan: bytes, claim: int, index: int, mailbox: Any) -> bytes:
    """A task, on its node."""

    def report(progress: Progress) -> None:
        if progress != HEARTBEAT:
            mailbox.add.remote(index, to_json(progress, Progress))

    return train(plan, claim, report)


def _collect(
    ray: Any, references: Sequence[Any], mailbox: Any, on_progress: ProgressCallback
) -> list[GrowthResult | ConsolidationResult]:
    """The results in the order of the tasks, however they end; the first failure ends all."""
    forward = [number_progress(on_progress, index, len(references)) for index in range(len(references))]
    results: dict[Any, GrowthResult | ConsolidationResult] = {}
    waiting = list(references)
    try:
        while waiting:
            done, waiting = ray.wait(waiting, timeout=_HEARTBEAT_S)
            results |= {reference: _open_result(ray.get(reference)) for reference in done}
            for index, message in ray.get(mailbox.take.remote()):
                forward[index](from_json(message, Progress))
            on_progress(HEARTBEAT)
    except BaseException:
        for reference in waiting:  # not those that have ended: Ray 2.60 aborts this process for it
            ray.cancel(reference, force=True)
        raise
    return [results[reference] for reference in references]


def _open_result(content: bytes) -> GrowthResult | ConsolidationResult:
    message = from_json(content, ChildMessage)
    if isinstance(message, ChildFailure):
        raise (Unavailable if message.retryable else GrowLearnError)(message.reason, hint=message.hint)
    assert isinstance(message, GrowthResult | ConsolidationResult)
    return message
