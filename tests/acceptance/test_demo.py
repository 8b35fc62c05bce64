"""The first command that anybody runs, and what it leads to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="module")
def shown(make_shared_home: Callable[[str], Any]) -> tuple[Any, str]:
    """The demo, run in an empty folder, and what it said."""
    home = make_shared_home("demo")
    said = home.growlearn("demo")
    home.environment["GROWLEARN_HOME"] = str(home.folder / "growlearn-demo")
    return home, said


def test_two_drifts_are_noticed_and_grown_for_and_the_rest_is_left_alone(shown: tuple[Any, str]) -> None:
    home, said = shown
    windows = home.json("windows", "digits")["windows"]
    assert [(window["verdict"], window["state"]) for window in windows] == [
        ("first", "promoted"),
        ("stable", "settled"),
        ("drift", "promoted"),
        ("known task", "settled"),
        ("drift", "promoted"),
    ]
    assert len(home.json("lineage", "digits")["branches"]) >= 2  # no head alone will do for all
    assert home.json("matrix", "digits")["forgetting"] == 0
    assert "The story took" in said


def test_it_says_how_to_look_further(shown: tuple[Any, str]) -> None:
    home, said = shown
    commands = re.findall(r"^  growlearn (.+)$", said.partition("Where to look next")[2], re.M)
    assert [command.partition(" ")[0] for command in commands] == [
        "windows", "why", "drift", "evaluate", "predict", "rollback",
    ]  # fmt: skip
    for command in commands[:-1]:  # a rollback would be in the way of other tests
        assert home.growlearn(*command.split())


def test_its_newest_version_comes_out_the_same_again(shown: tuple[Any, str]) -> None:
    home, _ = shown
    assert home.growlearn("reproduce", "digits", "3").endswith("bit-equal\n")
