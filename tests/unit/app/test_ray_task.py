from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from growlearn import __version__
from growlearn.adapters.engines.protocol import ChildFailure, ChildMessage
from growlearn.adapters.engines.subprocess_engine import SubprocessEngine
from growlearn.adapters.memory.store import MemoryStore
from growlearn.app.composition import build_ports
from growlearn.app.ray_task import NodeSettings, train_on_node
from growlearn.registry.json_codec import from_json
from growlearn.settings import read_settings


@pytest.fixture(autouse=True)
def _mask_of_this_test_alone() -> Iterator[None]:
    mask = os.umask(0o022)
    yield
    os.umask(mask)


def test_a_node_of_another_version_is_told_before_it_reads_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = NodeSettings(addresses=("in",), scratch="s", threads=1, device="cpu", version="0.0.1")
    for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "PYTORCH_ENABLE_MPS_FALLBACK"):
        monkeypatch.setenv(name, "1")  # restored at the end
    told = from_json(train_on_node(settings, b"no plan", 1, lambda _: None), ChildMessage)
    assert told == ChildFailure(
        reason=f"a node of the Ray cluster has growlearn {__version__}, and its worker 0.0.1",
        hint="install the same version on every node",
    )


@pytest.mark.parametrize(("engine", "module"), [("local", "training_process"), ("ray", "ray_driver")])
def test_the_setting_chooses_what_trains(tmp_path: Path, engine: str, module: str) -> None:
    settings = read_settings({"GROWLEARN_ENGINE": engine, "GROWLEARN_THREADS": "1"}, tmp_path)
    chosen = build_ports(settings, MemoryStore()).engine
    assert isinstance(chosen, SubprocessEngine)
    assert f"growlearn.app.{module}" in chosen.command
