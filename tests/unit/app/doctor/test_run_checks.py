from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.app.doctor import run_checks as run_checks_module
from growlearn.app.doctor.checks import INSTALLATION_CHECKS, SETTINGS_CHECKS, STORE_CHECKS
from growlearn.app.doctor.finding import Finding, FindingState, ok_finding
from growlearn.app.doctor.run_checks import run_check, run_checks
from growlearn.domain.errors import GrowLearnError
from growlearn.settings import Settings, read_settings

NAMES = [check.__name__ for check in (*INSTALLATION_CHECKS, *SETTINGS_CHECKS, *STORE_CHECKS)]


@pytest.fixture(autouse=True)
def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages have their own tests, and importing torch takes seconds."""
    monkeypatch.setattr(run_checks_module, "INSTALLATION_CHECKS", ())


def run_all(settings: Settings) -> list[Finding]:
    return list(run_checks(lambda: settings, ManualClock()))


def content(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_every_check_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_without_a_home_the_way_in_is_told_and_nothing_is_made(settings: Settings) -> None:
    findings = run_all(settings)
    assert [finding.check for finding in findings] == [
        "settings", "disk", "permissions", "device", "database", "mlflow",
    ]  # fmt: skip
    assert FindingState.ERROR not in [finding.state for finding in findings]
    assert findings[4].hint == "run: growlearn demo, or growlearn init DATA"
    assert list(settings.home.parent.iterdir()) == []


def test_every_check_of_a_record_is_made_under_its_own_name_and_changes_nothing(installation: Any) -> None:
    installation.grow()
    installation.skip()
    installation.store.close()
    before = content(installation.settings.home.parent)

    checks = {finding.check for finding in run_all(installation.settings)}

    assert checks == {"settings", *NAMES} - {check.__name__ for check in INSTALLATION_CHECKS}
    assert content(installation.settings.home.parent) == before


def test_a_check_that_raises_is_a_finding_and_the_others_are_made(
    installation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shaky(_: object) -> Iterator[Finding]:
        yield ok_finding("shaky", "so far, so good")
        raise ZeroDivisionError("by nothing\nat all")

    def clear(_: object) -> Iterator[Finding]:
        raise GrowLearnError("the moon is full", hint="wait")

    monkeypatch.setattr(run_checks_module, "SETTINGS_CHECKS", (shaky, clear))
    monkeypatch.setattr(run_checks_module, "STORE_CHECKS", (clear, shaky))
    findings = run_all(installation.settings)[1:]
    defect = "the check failed: ZeroDivisionError: by nothing at all"
    assert [(finding.check, finding.state, finding.message) for finding in findings] == [
        ("shaky", FindingState.OK, "so far, so good"),
        ("shaky", FindingState.ERROR, defect),
        ("clear", FindingState.ERROR, "the moon is full"),
        ("clear", FindingState.ERROR, "the moon is full"),
        ("shaky", FindingState.OK, "so far, so good"),
        ("shaky", FindingState.ERROR, defect),
    ]
    assert findings[2].hint == "wait"


def test_settings_that_cannot_be_read_are_a_finding(tmp_path: Path) -> None:
    (tmp_path / "growlearn.toml").write_text("hoome = 1\n")
    [finding] = run_checks(lambda: read_settings({}, tmp_path), ManualClock())
    assert (finding.check, finding.state) == ("settings", FindingState.ERROR)
    assert finding.hint == "did you mean 'home'?"


def test_a_database_that_is_no_record_leaves_the_rest_unseen_and_says_so(settings: Settings) -> None:
    settings.home.mkdir()
    (settings.home / "growlearn.db").write_text("not a database, but long enough to be read as one" * 20)
    findings = run_all(settings)
    assert [finding.check for finding in findings] == [
        "settings",
        "disk",
        "permissions",
        "device",
        "database",
        "mlflow",
        "record",
    ]
    assert findings[-1].message == f"not checked: {', '.join(check.__name__ for check in STORE_CHECKS)}"


def test_a_finding_of_no_check_at_all_is_never_raised() -> None:
    assert list(run_check("quiet", lambda: ())) == []
