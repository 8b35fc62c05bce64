"""The image's recipe and scripts, as checkers of such files see them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
Check = Callable[..., str]


def test_the_dockerfile_follows_the_rules_of_hadolint(check: Check) -> None:
    check("hadolint", DOCKER / "Dockerfile")


@pytest.mark.parametrize("script", sorted(DOCKER.rglob("*.sh")), ids=lambda path: path.name)
def test_a_script_follows_the_rules_of_shellcheck(script: Path, check: Check) -> None:
    check("shellcheck", script)


def test_python_files_are_never_a_package() -> None:
    """Else `import docker`, as MLflow does it, would find this folder."""
    assert list(DOCKER.rglob("__init__.py")) == []


def test_a_build_is_sent_what_it_copies_and_nothing_else() -> None:
    sent = [line[1:] for line in read_lines(ROOT / ".dockerignore") if line.startswith("!")]
    assert read_lines(ROOT / ".dockerignore")[0] == "*"
    assert all((ROOT / name).exists() for name in sent)
    recipe = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", recipe, re.MULTILINE)
    assert [name for line in copied for name in line.split() if name not in (*sent, ".")] == []


def test_every_base_is_the_argument() -> None:
    recipe = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", recipe, re.MULTILINE)
    names = {name for _, name in stages}
    assert {base for base, _ in stages if base not in names} == {"${BASE}"}


def test_the_image_runs_as_a_user_by_number() -> None:
    """By number: Kubernetes cannot tell whether a name is root."""
    recipe = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (.*)$", recipe, re.MULTILINE) == ["10001:10001"]


def read_lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
