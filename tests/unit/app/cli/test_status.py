"""status --watch where it is no terminal: a line for each change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from growlearn.app.cli.status import WATCH_INTERVAL_S, watch_status
from growlearn.domain.errors import DatabaseUnavailable


def stream(name: str, state: str, pending: int = 0, **more: Any) -> dict[str, Any]:
    view = {"name": name, "state": state, "champion": None, "canary": None, "share_percent": None}
    return {**view, "pending": pending, **more}


def watch(looks: list[Any]) -> None:
    """Look so often; the last wait is ended by Ctrl-C."""
    remaining: Iterator[Any] = iter(looks)
    waits: list[float] = []

    def load() -> dict[str, Any]:
        look = next(remaining)
        if isinstance(look, Exception):
            raise look
        return {"streams": look, "processes": []}

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == len(looks):
            raise KeyboardInterrupt

    watch_status(load, wait)
    assert waits == [WATCH_INTERVAL_S] * len(looks)


@pytest.fixture
def read(capsys: pytest.CaptureFixture[str]) -> Callable[[], tuple[list[str], list[str]]]:
    """The lines of stdout and stderr without their times."""

    def lines() -> tuple[list[str], list[str]]:
        out, err = capsys.readouterr()
        return [line[20:] for line in out.splitlines()], [line[20:] for line in err.splitlines()]

    return lines


def test_each_stream_has_a_line_and_then_one_for_each_change(
    read: Callable[[], tuple[list[str], list[str]]],
) -> None:
    first = [stream("a", "idle"), stream("b", "working", 2)]
    then = [stream("a", "idle"), stream("b", "waiting for labels", awaiting_labels=1, labels_missing=9)]
    watch([first, first, then, first])
    working = "b: working, no champion, 2 pending"
    waiting = "b: waiting for labels, no champion, 0 pending, waiting for labels 1 (9 labels)"
    assert read() == (["a: idle, no champion, 0 pending", working, waiting, working], [])


def test_an_outage_is_told_once_and_ends_nothing(read: Callable[[], tuple[list[str], list[str]]]) -> None:
    away = DatabaseUnavailable("no route to postgresql://ann:pw@db")
    watch([away, away, [stream("a", "idle")]])
    out, err = read()
    assert out == ["a: idle, no champion, 0 pending"]
    assert err == ["error: no route to postgresql://ann:***@db"]
