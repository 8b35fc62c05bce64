"""The facts of this process, looked up for real."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch

import growlearn
from growlearn.growth import circumstances
from growlearn.growth.circumstances import circumstances_here, threads


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A package of ours in a folder of its own, of which nothing is known yet."""
    package = tmp_path / "growlearn"
    package.mkdir()
    (package / "__init__.py").write_text("one = 1\n")
    monkeypatch.setattr(circumstances, "_PACKAGE", package)
    for name in ("_commit", "_code_sha256"):
        monkeypatch.setattr(circumstances, name, getattr(circumstances, name).__wrapped__)
    return package


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_facts_are_those_of_this_process() -> None:
    here = circumstances_here()
    assert (here.growlearn, here.threads, here.device) == (
        growlearn.__version__,
        torch.get_num_threads(),
        "cpu",
    )
    assert here.packages["torch"] == torch.__version__
    assert {"numpy", "pyarrow", "safetensors", "avalanche-lib", "scikit-learn"} <= set(here.packages)
    assert here.cpu
    assert len(here.code_sha256) == len(here.packages_sha256) == 64
    assert circumstances_here() == here


def test_threads_are_set_for_a_while_and_told() -> None:
    before = torch.get_num_threads()
    with threads(before + 1):
        assert circumstances_here().threads == before + 1
    assert torch.get_num_threads() == before


def test_the_hash_is_of_the_code_and_of_nothing_else(fresh: Path) -> None:
    before = circumstances_here().code_sha256
    (fresh / "notes.txt").write_text("not code")
    (fresh / "_bundled" / "migrations").mkdir(parents=True)
    (fresh / "_bundled" / "migrations" / "env.py").write_text("only in a wheel")
    assert circumstances_here().code_sha256 == before
    (fresh / "__init__.py").write_text("one = 2\n")
    assert circumstances_here().code_sha256 != before


def test_outside_a_checkout_there_is_no_commit(fresh: Path) -> None:
    assert circumstances_here().commit is None


def test_the_commit_is_that_of_the_checkout_not_of_one_that_happens_to_lie_around(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(fresh.parent, "init", "-q")
    (fresh.parent / "work.txt").write_text("somebody's own")
    git(fresh.parent, "add", "work.txt")
    git(fresh.parent, "commit", "-qm", "one")
    assert circumstances_here().commit is None  # installed into it, not part of it
    git(fresh.parent, "add", "growlearn")
    git(fresh.parent, "commit", "-qm", "two")
    monkeypatch.setenv("GIT_DIR", "/nowhere")  # as a hook of another repository sets it
    found = circumstances_here().commit
    monkeypatch.delenv("GIT_DIR")
    assert found == git(fresh.parent, "rev-parse", "HEAD")


def test_without_git_there_is_no_commit(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(fresh))
    assert circumstances_here().commit is None


def test_a_machine_that_does_not_name_its_processor_tells_its_kind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(circumstances, "_cpu", circumstances._cpu.__wrapped__)
    monkeypatch.setattr(circumstances, "_CPU_INFO", tmp_path / "absent")
    assert circumstances_here().cpu
