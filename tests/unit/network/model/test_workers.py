"""Branches and chunks of rows on threads: what the threads may not change."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from growlearn.domain.model_config import ModelConfig
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.execution import loop
from growlearn.network.model.execution.loop import LoopExecutor
from growlearn.network.model.execution.parts import BranchSet
from growlearn.network.model.execution.workers import WorkersExecutor, spread_over_workers

LINEAGE = ("b1", "b2", "b3")


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def make_branches() -> BranchSet:
    torch.manual_seed(0)
    branches = torch.nn.ModuleDict({name: ResidualBranch(ModelConfig(size="tiny")) for name in LINEAGE})
    return BranchSet(branches, dict.fromkeys(LINEAGE, "b1"), (LINEAGE,))


def test_workers_give_the_bits_of_the_loop_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_CHUNK_ELEMENTS", 7 * 5 * 32)  # several chunks, the last one shorter
    branches, tokens = make_branches(), {"b1": torch.randn(31, 5, 32)}
    torch.set_num_threads(1)
    expected = LoopExecutor(branches)(tokens, LINEAGE)
    torch.set_num_threads(2)
    workers = spread_over_workers(branches)
    assert isinstance(workers, WorkersExecutor)
    computed = workers(tokens, LINEAGE)
    assert all(torch.equal(a, b) for a, b in zip(computed, expected, strict=True))


def test_one_thread_is_the_loop() -> None:
    torch.set_num_threads(1)
    assert isinstance(spread_over_workers(make_branches()), LoopExecutor)


def test_a_worker_has_one_thread_and_all_others_as_many_as_before() -> None:
    torch.set_num_threads(2)
    workers = spread_over_workers(make_branches())
    assert isinstance(workers, WorkersExecutor)
    seen = [workers.pool.submit(torch.get_num_threads).result() for _ in range(4)]
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert [*seen, torch.get_num_threads()] == [1, 1, 1, 1, 2, 2]


def test_gradients_are_recorded_where_the_caller_records_them() -> None:
    torch.set_num_threads(2)
    workers, tokens = spread_over_workers(make_branches()), {"b1": torch.randn(3, 5, 32)}
    assert all(residual.requires_grad for residual in workers(tokens, LINEAGE))
    with torch.no_grad():
        assert not any(residual.requires_grad for residual in workers(tokens, LINEAGE))


def test_an_error_in_a_worker_is_the_callers() -> None:
    torch.set_num_threads(2)
    workers = spread_over_workers(make_branches())
    with pytest.raises(RuntimeError, match="shape"):
        workers({"b1": torch.randn(3, 5, 7)}, LINEAGE)
