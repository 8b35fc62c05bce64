"""The receiver of the page about alerts, given what is really sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from growlearn.adapters.webhook.send import sign
from tests.docs.blocks import ROOT, find_runnable_blocks

BODY = b'{"kind": "drift"}'


@pytest.fixture
def is_genuine() -> Callable[[bytes, str, str], bool]:
    names: dict[str, Any] = {}
    for block in find_runnable_blocks(ROOT / "docs" / "how-to" / "alerts.md"):
        exec(compile(block.text, block.name, "exec"), names)
    check: Callable[[bytes, str, str], bool] = names["is_genuine"]
    return check


def test_what_was_sent_is_taken_and_nothing_else(is_genuine: Callable[[bytes, str, str], bool]) -> None:
    now = datetime.now(UTC)
    header = sign(BODY, "s3cret", now)
    assert is_genuine(BODY, header, "s3cret")
    assert not is_genuine(BODY + b" ", header, "s3cret")
    assert not is_genuine(BODY, header, "other")
    assert not is_genuine(BODY, header.replace("v1=", "v1=0"), "s3cret")
    assert not is_genuine(BODY, sign(BODY, "s3cret", now - timedelta(minutes=6)), "s3cret")
