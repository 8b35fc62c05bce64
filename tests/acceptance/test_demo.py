"""The first command that anybody runs, and the commands that it suggests."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="module")
def demo(make_home: Callable[[str], Any]) -> tuple[Any, str]:
    """The demo, run in an empty folder, and its output."""
    home = make_home("demo")
    output = home.growlearn("demo")
    home.environment["GROWLEARN_HOME"] = str(home.folder / "growlearn-demo")
    return home, output


def test_two_drifts_are_detected_and_trained_for_and_the_rest_is_left_alone(demo: tuple[Any, str]) -> None:
    home, output = demo
    windows = home.json("windows", "digits")["windows"]
    assert [(window["verdict"], window["state"]) for window in windows] == [
        ("first", "promoted"),
        ("stable", "skipped"),
        ("drift", "promoted"),
        ("known task", "skipped"),
        ("drift", "promoted"),
    ]
    matrix = home.json("matrix", "digits")
    assert (len(matrix["tasks"]), matrix["forgetting"]) == (3, 0)
    # A new task gets a branch, or a head alone where that does as well; the last bits of floats may decide.
    branches = [version["branches"] for version in home.json("versions", "digits")["versions"]]
    assert len(branches) == 3
    assert branches[0] == branches[1][:1] == ["b1"]
    assert branches[1] == branches[2][: len(branches[1])]
    assert "The story took" in output


def test_every_suggested_command_works(demo: tuple[Any, str]) -> None:
    home, output = demo
    commands = re.findall(r"^  growlearn (.+)$", output.partition("Where to look next")[2], re.M)
    assert [command.partition(" ")[0] for command in commands] == [
        "windows", "why", "drift", "evaluate", "predict", "rollback",
    ]  # fmt: skip
    for command in commands[:-1]:  # a rollback would be in the way of other tests
        assert home.growlearn(*command.split())


def test_its_newest_version_is_reproduced_bit_for_bit(demo: tuple[Any, str]) -> None:
    home, _ = demo
    assert home.growlearn("reproduce", "digits", "3").endswith("bit-equal\n")
