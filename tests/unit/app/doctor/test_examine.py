from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.app.doctor import examine as examination
from growlearn.app.doctor.checks import OF_THE_INSTALLATION, OF_THE_PREMISES, OF_THE_RECORD
from growlearn.app.doctor.examine import examine, made
from growlearn.app.doctor.finding import Finding, State, ok
from growlearn.domain.errors import GrowLearnError
from growlearn.settings import Settings, read_settings

NAMES = [check.__name__ for check in (*OF_THE_INSTALLATION, *OF_THE_PREMISES, *OF_THE_RECORD)]


@pytest.fixture(autouse=True)
def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages have tests of their own, and importing torch takes seconds."""
    monkeypatch.setattr(examination, "OF_THE_INSTALLATION", ())


def found(settings: Settings) -> list[Finding]:
    return list(examine(lambda: settings, ManualClock()))


def content(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_every_check_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_without_a_home_the_way_in_is_told_and_nothing_is_made(settings: Settings) -> None:
    findings = found(settings)
    assert [each.check for each in findings] == ["settings", "disk", "database", "mlflow"]
    assert State.WRONG not in [each.state for each in findings]
    assert findings[2].cure == "run: growlearn demo, or growlearn init DATA"
    assert list(settings.home.parent.iterdir()) == []


def test_every_check_of_a_record_is_made_under_its_own_name_and_changes_nothing(installation: Any) -> None:
    installation.grow()
    installation.settle()
    installation.store.close()
    before = content(installation.settings.home.parent)

    checks = {each.check for each in found(installation.settings)}

    assert checks == {"settings", *NAMES} - {check.__name__ for check in OF_THE_INSTALLATION}
    assert content(installation.settings.home.parent) == before


def test_a_check_that_raises_is_a_finding_and_the_others_are_made(
    installation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shaky(_: object) -> Iterator[Finding]:
        yield ok("shaky", "so far, so good")
        raise ZeroDivisionError("by nothing\nat all")

    def clear(_: object) -> Iterator[Finding]:
        raise GrowLearnError("the moon is full", cure="wait")

    monkeypatch.setattr(examination, "OF_THE_PREMISES", (shaky, clear))
    monkeypatch.setattr(examination, "OF_THE_RECORD", (clear, shaky))
    findings = found(installation.settings)[1:]
    defect = "could not be looked at: ZeroDivisionError: by nothing at all"
    assert [(each.check, each.state, each.found) for each in findings] == [
        ("shaky", State.OK, "so far, so good"),
        ("shaky", State.WRONG, defect),
        ("clear", State.WRONG, "the moon is full"),
        ("clear", State.WRONG, "the moon is full"),
        ("shaky", State.OK, "so far, so good"),
        ("shaky", State.WRONG, defect),
    ]
    assert findings[2].cure == "wait"


def test_settings_that_cannot_be_read_are_a_finding(tmp_path: Path) -> None:
    (tmp_path / "growlearn.toml").write_text("hoome = 1\n")
    [finding] = examine(lambda: read_settings({}, tmp_path), ManualClock())
    assert (finding.check, finding.state) == ("settings", State.WRONG)
    assert finding.cure == "did you mean 'home'?"


def test_a_database_that_is_no_record_leaves_the_rest_unseen_and_says_so(settings: Settings) -> None:
    settings.home.mkdir()
    (settings.home / "growlearn.db").write_text("not a database, but long enough to be read as one" * 20)
    findings = found(settings)
    assert [each.check for each in findings] == ["settings", "disk", "database", "mlflow", "record"]
    assert findings[-1].found == f"not looked at: {', '.join(check.__name__ for check in OF_THE_RECORD)}"


def test_a_finding_of_no_check_at_all_is_never_raised() -> None:
    assert list(made("quiet", lambda: ())) == []
