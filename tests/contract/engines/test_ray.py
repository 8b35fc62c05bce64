"""What a cluster adds: a node that dies, a driver that is ended, and no cluster at all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from growlearn.adapters.engines.local import LocalEngine
from growlearn.adapters.engines.protocol import ChildMessage
from growlearn.adapters.engines.ray_engine import RayEngine, TaskResources, connect_to_ray
from growlearn.adapters.engines.scratch import Plan
from growlearn.adapters.engines.subprocess_engine import SubprocessEngine
from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.app.ray_driver import build_driver_command
from growlearn.app.ray_task import NodeSettings, train_on_node
from growlearn.app.training_process import build_training_environment
from growlearn.domain.errors import GrowLearnError, Unavailable
from growlearn.domain.growth import HEARTBEAT, GrowthPlan, Progress
from growlearn.ingest.rows import Rows
from growlearn.registry.json_codec import to_json
from growlearn.settings import read_settings
from tests.conftest import find_free_port
from tests.ray_cluster import TwoNodes
from tests.unit.model_builder import ModelBuilder

pytestmark = pytest.mark.timeout(900)  # Ray's processes give way to all others: most of it is waiting


@pytest.fixture
def plan(tmp_path: Path, digit_rows: Rows) -> GrowthPlan:
    """A plan whose rows lie in the store that `node` names."""
    builder = ModelBuilder(tmp_path, digit_rows)
    builder.artifacts = FileArtifacts(tmp_path / "artifacts")  # type: ignore[assignment]
    return builder.plan(builder.only(0, 1))


@pytest.fixture
def node(tmp_path: Path) -> NodeSettings:
    store, scratch = str(tmp_path / "artifacts"), str(tmp_path / "scratch")
    return NodeSettings(addresses=(store,), scratch=scratch, threads=1, device="cpu")


def test_a_node_that_dies_amid_a_training_loses_nothing(
    ray_nodes: TwoNodes, node: NodeSettings, plan: GrowthPlan, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"

    def train(plan: bytes, claim: int, report: Callable[[Progress], None]) -> bytes:
        def wait_for_gate(progress: Progress) -> None:
            report(progress)
            while progress != HEARTBEAT and not gate.exists():
                time.sleep(0.05)

        return train_on_node(node, plan, claim, wait_for_gate)

    begun: set[str] = set()

    def kill_when_both_train(progress: Progress) -> None:
        begun.update([] if progress == HEARTBEAT else [progress.stage])
        if len(begun) == 2 and not gate.exists():
            ray_nodes.replace_second()
            gate.touch()

    plans = [plan, replace(plan, seed=7)]
    results = RayEngine(train, ray_nodes.address).run(plans, kill_when_both_train)
    assert gate.exists()
    expected = LocalEngine(FileArtifacts(tmp_path / "artifacts"), tmp_path / "here").run(
        plans, lambda _: None
    )
    assert [result.head for result in results] == [result.head for result in expected]
    messages = [to_json(each, Plan) for each in plans], [to_json(each, ChildMessage) for each in results]
    assert max(map(len, (*messages[0], *messages[1]))) < 100_000  # bytes that pass through Ray


class _StoppedError(Exception):
    pass


def test_a_driver_trains_and_ends_its_tasks_when_it_is_ended(
    ray_nodes: TwoNodes, node: NodeSettings, plan: GrowthPlan, tmp_path: Path
) -> None:
    connect_to_ray(ray_nodes.address)  # to count what the driver's tasks use
    environ = {
        "GROWLEARN_HOME": str(tmp_path),
        "GROWLEARN_RAY_ADDRESS": ray_nodes.address,
        "GROWLEARN_THREADS": "1",
        "GROWLEARN_DEVICE": "cpu",
    }
    command = build_driver_command(read_settings(environ, tmp_path))
    engine = SubprocessEngine(command, build_training_environment(1), addresses=node.addresses)
    (result,) = engine.for_claim(1).run([plan], lambda _: None)
    artifacts = FileArtifacts(tmp_path / "artifacts")
    (expected,) = LocalEngine(artifacts, tmp_path / "here").run([plan], lambda _: None)
    assert result.head == expected.head

    endless = replace(plan, growth=replace(plan.growth, epochs=100_000, patience=100_000))

    def stop(progress: Progress) -> None:
        if progress != HEARTBEAT:
            assert ray_nodes.count_used_cpus() == 1
            raise _StoppedError

    with pytest.raises(_StoppedError):
        engine.for_claim(2).run([endless], stop)
    ray_nodes.wait_until_idle()


def test_no_cluster_at_the_address_is_told(plan: GrowthPlan, tmp_path: Path) -> None:
    away = f"127.0.0.1:{find_free_port()}"
    environ = {"GROWLEARN_HOME": str(tmp_path), "GROWLEARN_RAY_ADDRESS": away}
    engine = SubprocessEngine(build_driver_command(read_settings(environ, tmp_path)), addresses=("in",))
    with pytest.raises(Unavailable, match=rf"no Ray cluster answers at '{away}': .*\(start one on this"):
        engine.run([plan], lambda _: None)


def test_a_task_that_raises_is_a_failure_and_not_tried_again(ray_nodes: TwoNodes, plan: GrowthPlan) -> None:
    def fail(plan: bytes, claim: int, report: Any) -> bytes:
        raise RuntimeError(f"claim {claim}")

    with pytest.raises(GrowLearnError, match=r"failed: RuntimeError\('claim 3'\)") as told:
        RayEngine(fail, ray_nodes.address).for_claim(3).run([plan], lambda _: None)
    assert not isinstance(told.value, Unavailable)


def test_a_training_that_no_node_has_room_for_says_why_it_waits(
    ray_nodes: TwoNodes, plan: GrowthPlan, caplog: pytest.LogCaptureFixture
) -> None:
    def stop(_: Progress) -> None:
        if caplog.messages:
            raise _StoppedError

    engine = RayEngine(lambda *_: b"", ray_nodes.address, TaskResources(cpus=2, gpus=0.5))
    with pytest.raises(_StoppedError):
        engine.run([plan], stop)
    (message,) = caplog.messages
    assert message == "no node of the Ray cluster has 2 CPU, 0.5 GPU; the training waits for one"
