"""The environment of this process."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
import torch

import growlearn
from growlearn.growth import environment
from growlearn.growth.environment import capture_environment, use_threads


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A package in a folder of its own, with nothing cached."""
    package = tmp_path / "growlearn"
    package.mkdir()
    (package / "__init__.py").write_text("one = 1\n")
    monkeypatch.setattr(environment, "_PACKAGE", package)
    for name in ("_commit", "_code_sha256"):
        monkeypatch.setattr(environment, name, getattr(environment, name).__wrapped__)
    return package


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    process = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    )
    return process.stdout.strip()


def test_the_environment_is_that_of_this_process() -> None:
    captured = capture_environment()
    assert (captured.growlearn, captured.threads, captured.device) == (
        growlearn.__version__,
        torch.get_num_threads(),
        "cpu",
    )
    assert captured.packages["torch"] == torch.__version__
    assert {"numpy", "pyarrow", "safetensors", "avalanche-lib", "scikit-learn"} <= set(captured.packages)
    assert captured.cpu
    assert len(captured.code_sha256) == len(captured.packages_sha256) == 64
    assert capture_environment() == captured


def test_threads_are_set_for_the_block_and_recorded() -> None:
    before = torch.get_num_threads()
    with use_threads(before + 1):
        assert capture_environment().threads == before + 1
    assert torch.get_num_threads() == before


def test_two_blocks_at_once_leave_the_number_of_threads_as_it_was() -> None:
    before = torch.get_num_threads()
    has_begun, may_end = Event(), Event()

    def hold() -> int:
        with use_threads(before + 1):
            has_begun.set()
            may_end.wait(20)
            return torch.get_num_threads()

    def follow() -> int:
        with use_threads(before + 2):
            return torch.get_num_threads()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(hold)
        has_begun.wait(20)
        second = pool.submit(follow)
        may_end.set()
        assert (first.result(), second.result()) == (before + 1, before + 2)
    assert torch.get_num_threads() == before


def test_the_hash_covers_the_code_and_nothing_else(fresh: Path) -> None:
    before = capture_environment().code_sha256
    (fresh / "notes.txt").write_text("not code")
    (fresh / "_bundled" / "migrations").mkdir(parents=True)
    (fresh / "_bundled" / "migrations" / "env.py").write_text("only in a wheel")
    assert capture_environment().code_sha256 == before
    (fresh / "__init__.py").write_text("one = 2\n")
    assert capture_environment().code_sha256 != before


def test_outside_a_checkout_there_is_no_commit(fresh: Path) -> None:
    assert capture_environment().commit is None


def test_the_commit_is_that_of_the_checkout_not_of_an_enclosing_one(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(fresh.parent, "init", "-q")
    (fresh.parent / "work.txt").write_text("another project")
    git(fresh.parent, "add", "work.txt")
    git(fresh.parent, "commit", "-qm", "one")
    assert capture_environment().commit is None  # inside the checkout, but not tracked by it
    git(fresh.parent, "add", "growlearn")
    git(fresh.parent, "commit", "-qm", "two")
    monkeypatch.setenv("GIT_DIR", "/nowhere")  # as a hook of another repository sets it
    commit = capture_environment().commit
    monkeypatch.delenv("GIT_DIR")
    assert commit == git(fresh.parent, "rev-parse", "HEAD")


def test_without_git_there_is_no_commit(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(fresh))
    assert capture_environment().commit is None


def test_without_a_processor_name_the_machine_type_is_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environment, "_cpu_model", environment._cpu_model.__wrapped__)
    monkeypatch.setattr(environment, "_CPU_INFO", tmp_path / "absent")
    assert capture_environment().cpu
