from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Callable

import pytest

from growlearn.app import main


def test_the_end_of_a_command_looks_for_no_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []

    def register(function: Callable[[], None]) -> None:
        steps.append("frozen last" if function is gc.freeze else "another")

    monkeypatch.setattr(atexit, "register", register)
    monkeypatch.setattr(main, "app", lambda: steps.append("command"))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # put back afterwards
    main.main()
    assert steps == ["frozen last", "command"]
