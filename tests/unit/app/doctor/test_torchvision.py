"""Other torchvisions come first on the path of this process and of the one that tries the import."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from growlearn.app.doctor.finding import FindingState
from growlearn.app.doctor.torchvision import torchvision

Replace = Callable[..., None]


@pytest.fixture
def replace_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Replace:
    monkeypatch.syspath_prepend(tmp_path)
    path = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))

    def write(*, code: str | None = None, needs: str | None = None) -> None:
        if code is not None:
            (tmp_path / "torchvision").mkdir()
            (tmp_path / "torchvision" / "__init__.py").write_text(code)
        if needs is not None:
            (tmp_path / "torchvision-0.99.dist-info").mkdir()
            metadata = (
                f"Metadata-Version: 2.1\nName: torchvision\nVersion: 0.99\nRequires-Dist: torch ({needs})\n"
            )
            (tmp_path / "torchvision-0.99.dist-info" / "METADATA").write_text(metadata)

    return write


def test_the_pair_that_is_installed_is_known_and_imports() -> None:
    [finding] = torchvision()
    assert (finding.state, "beside torch" in finding.message) == (FindingState.OK, True)


def test_a_torchvision_that_cannot_be_imported_is_told_with_its_own_words(replace_it: Replace) -> None:
    replace_it(code="raise RuntimeError('operator torchvision::nms does not exist')")
    [finding] = torchvision()
    assert finding.state is FindingState.ERROR
    assert finding.message.endswith("RuntimeError: operator torchvision::nms does not exist")
    assert "constraints.txt" in str(finding.hint)


def test_a_torchvision_that_ends_its_process_does_not_end_this_one(replace_it: Replace) -> None:
    replace_it(code="import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    [finding] = torchvision()
    assert (finding.state, finding.message.endswith("ended with SIGSEGV")) == (FindingState.ERROR, True)


def test_a_pair_that_imports_but_does_not_go_together_is_a_warning(replace_it: Replace) -> None:
    replace_it(code="", needs="==9.9")
    [finding] = torchvision()
    assert (finding.state, "not a known pair" in finding.message) == (FindingState.WARNING, True)
    assert str(finding.hint).endswith("torchvision 0.99 goes with torch==9.9")
