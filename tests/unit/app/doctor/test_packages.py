"""Faults are real ones: distributions of other versions come first on the path."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

import pytest

from growlearn.app.doctor.finding import FindingState
from growlearn.app.doctor.packages import packages, python

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution with these metadata lines."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, version: str, *lines: str) -> None:
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        metadata = ("Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines)
        (folder / "METADATA").write_text("\n".join(metadata) + "\n")

    return write


def test_this_python_and_these_packages_are_in_range() -> None:
    assert [(finding.state, finding.message) for finding in python()] == [
        (FindingState.OK, platform.python_version())
    ]
    assert [finding.state for finding in packages()] == [FindingState.OK]


def test_a_python_that_is_too_old_is_told(install: Install) -> None:
    install("growlearn", "0", "Requires-Python: >=3.99")
    [finding] = python()
    assert (finding.state, finding.message.endswith(">=3.99 is required")) == (FindingState.ERROR, True)


def test_a_package_out_of_its_range_is_told_with_the_command_that_mends_it(install: Install) -> None:
    install("sqlalchemy", "1.4.54")
    outside, rest = packages()
    assert (outside.state, rest.state) == (FindingState.ERROR, FindingState.OK)
    assert outside.message == "sqlalchemy is 1.4.54, <2.2,>=2.1 is required"
    assert outside.hint == "run: pip install 'sqlalchemy<2.2,>=2.1'"


def test_a_package_that_is_missing_is_told_and_one_of_an_extra_is_not(install: Install) -> None:
    needs = ("Requires-Dist: no-such-thing>=2", "Requires-Dist: nor-this>=1; extra == 'more'")
    install("growlearn", "0", *needs)
    missing, rest = packages()
    assert (missing.state, missing.message) == (FindingState.ERROR, "no-such-thing is not installed")
    assert rest.message.startswith("0 packages in the required ranges")


def test_a_package_of_an_extra_out_of_its_range_is_a_warning(install: Install) -> None:
    install("growlearn", "0", "Requires-Dist: psycopg>=3.2; extra == 'postgres'")
    install("psycopg", "2.9")
    outside, _ = packages()
    assert (outside.state, outside.message) == (FindingState.WARNING, "psycopg is 2.9, >=3.2 is required")
