from __future__ import annotations

from pathlib import Path

import pytest

from growlearn.app.doctor.context import CheckContext
from growlearn.app.doctor.finding import FindingState
from growlearn.app.doctor.permissions import permissions


@pytest.fixture(autouse=True)
def folder(context: CheckContext, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = context.settings.home.parent
    monkeypatch.chdir(folder)
    return folder


def test_a_home_that_is_not_there_yet_is_fine(context: CheckContext) -> None:
    [finding] = permissions(context)
    assert finding.state is FindingState.OK


def test_a_home_for_this_user_alone_is_fine(context: CheckContext) -> None:
    context.settings.home.mkdir(mode=0o700)
    [finding] = permissions(context)
    assert (finding.state, finding.message) == (
        FindingState.OK,
        f"{context.settings.home} is for this user alone",
    )


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o755])
def test_a_home_that_others_may_enter_is_told_with_the_fix(mode: int, context: CheckContext) -> None:
    context.settings.home.mkdir()
    context.settings.home.chmod(mode)
    [finding] = permissions(context)
    assert finding.state is FindingState.WARNING
    assert f"chmod 700 {context.settings.home}" in str(finding.hint)


@pytest.mark.parametrize(
    ("text", "mode", "is_told"),
    [
        ('database_url = "postgresql://ann:secret@db/x"', 0o644, True),
        ('database_url = "postgresql://ann:secret@db/x"', 0o600, False),
        ("threads = 4", 0o644, False),
    ],
)
def test_a_settings_file_with_a_password_is_for_this_user_alone(
    text: str, mode: int, is_told: bool, folder: Path, context: CheckContext
) -> None:
    context.settings.home.mkdir(mode=0o700)
    (folder / "growlearn.toml").write_text(text)
    (folder / "growlearn.toml").chmod(mode)
    [finding] = permissions(context)
    assert (finding.state is FindingState.WARNING) is is_told
    assert "secret" not in finding.message
