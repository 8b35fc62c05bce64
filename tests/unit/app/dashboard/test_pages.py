"""What pages show of the record, and that docs/how-to/dashboard.md has every page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from unittest.mock import MagicMock

import pytest
from fastapi.routing import APIRoute

from growlearn.app.api.access import ROLE_KEY
from growlearn.app.api.build import build_api
from growlearn.app.dashboard.compare import choose_move
from growlearn.app.dashboard.overview import classify_alarm, find_missing_processes, sort_by_alarm
from growlearn.app.dashboard.static_files import load_static_files
from growlearn.app.dashboard.stream import list_pending
from growlearn.app.dashboard.templates import get_environment
from growlearn.app.dashboard.windows import sort_tests
from growlearn.domain.drift import DriftTestResult
from growlearn.domain.job import Schedule
from growlearn.domain.lineage import Version
from growlearn.domain.process import ProcessKind, ProcessRecord
from growlearn.domain.stream import Stream
from growlearn.domain.stream_overview import LatestVerdict, StreamStatus
from growlearn.domain.window import Verdict, Window, WindowState
from tests.unit.in_memory import JOB

PAGE = Path(__file__).parents[4] / "docs" / "how-to" / "dashboard.md"
AT = datetime(2026, 1, 1, tzinfo=UTC)
STATUS = StreamStatus(
    name="a", schedule=Schedule(), looked_at=None, champion=None, challenger=None, has_id_column=False,
    has_windows=True, has_active_lease=False, pending=0, awaiting_labels=0, labels_missing=0,
    pending_labels=0,
)  # fmt: skip


def verdict(kind: Verdict, state: WindowState = WindowState.REJECTED) -> LatestVerdict:
    return LatestVerdict(window="w1", verdict=kind, state=state)


@pytest.mark.parametrize(
    ("latest", "alarm"),
    [
        (None, None),
        (verdict(Verdict.STABLE), None),
        (verdict(Verdict.FIRST), None),
        (verdict(Verdict.KNOWN_TASK), None),
        (verdict(Verdict.WARN), "warn"),
        (verdict(Verdict.DRIFT), "alarm"),
        (verdict(Verdict.NEW_TASK, WindowState.GROWING), "alarm"),
        (verdict(Verdict.DRIFT, WindowState.PROMOTED), "handled"),
    ],
)
def test_an_alarm_is_drift_that_led_to_no_promotion(latest: LatestVerdict | None, alarm: str | None) -> None:
    assert classify_alarm(latest) == alarm


def test_streams_with_an_alarm_come_first() -> None:
    drifted = replace(STATUS, name="b", latest=verdict(Verdict.DRIFT))
    assert [row.status.name for row in sort_by_alarm([STATUS, drifted])] == ["b", "a"]


def test_missing_processes_are_named() -> None:
    worker = ProcessRecord(
        id="1", kind=ProcessKind.WORKER, host="h", pid=1, version="0", started_at=AT, heartbeat_at=AT
    )
    assert find_missing_processes([worker], AT) == (ProcessKind.SCHEDULER,)
    assert find_missing_processes([replace(worker, kind=ProcessKind.UP)], AT) == ()
    assert len(find_missing_processes([worker], AT + timedelta(hours=1))) == 2


def test_pending_windows_are_in_the_order_in_which_workers_take_them() -> None:
    states = (WindowState.SKIPPED, WindowState.ACCEPTED, WindowState.GROWING, WindowState.AWAITING_LABELS)
    windows = [
        Window(stream="s", number=n, state=state, source="x", discovered_at=AT, updated_at=AT)
        for n, state in enumerate(states, start=1)
    ]
    assert [(item.window.id, item.step) for item in list_pending(windows)] == [("w3", 2), ("w2", 0)]


def test_tests_without_a_p_value_come_last() -> None:
    test = DriftTestResult(
        detector="d", task="a", name="x", statistic=0, p_value=float("nan"), threshold=0.01,
        reference_rows=1, window_rows=1,
    )  # fmt: skip
    tests = [test, replace(test, name="weak", p_value=0.5), replace(test, name="strong", p_value=0.001)]
    assert [item.name for item in sort_tests(tests)] == ["strong", "weak", "x"]


@pytest.mark.parametrize(
    ("champion", "number", "move"),
    [(None, 1, "promote"), (2, 2, None), (2, 1, "rollback"), (2, 3, "promote"), (1, 2, "promote")],
)
def test_an_ancestor_is_rolled_back_to_and_others_are_promoted(
    champion: int | None, number: int, move: str | None
) -> None:
    parents = {1: None, 2: 1, 3: 1}
    versions = [SimpleNamespace(number=number, parent=parent) for number, parent in parents.items()]
    stream = Stream(job=JOB, created_at=AT, champion=champion)
    assert choose_move(stream, cast("list[Version]", versions), number) == move


def test_what_anybody_may_have_written_is_escaped_and_secrets_are_hidden() -> None:
    template = get_environment().from_string('<a title="{{ text }}">{{ text }}</a>')
    text = template.render(text='<script>"&s3://KEY:SECRET@bucket/in')
    assert "<script>" not in text
    assert "SECRET" not in text
    assert text.count("&lt;script&gt;&#34;&amp;s3://KEY:***@bucket/in") == 2


def test_htmx_is_the_file_that_npm_has_as_2_0_11() -> None:
    content = load_static_files()["htmx.min.js"].content
    assert sha256(content).hexdigest() == "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"


def test_the_page_of_the_documentation_has_every_page_with_its_role() -> None:
    context = MagicMock()
    context.access.authorize = lambda: None
    routes = [route for route in build_api(context).routes if isinstance(route, APIRoute)]
    served = {
        f"{method} {route.path}": (route.openapi_extra or {})[ROLE_KEY]
        for route in routes
        if not route.include_in_schema
        for method in route.methods or ()
    }
    documented = dict(re.findall(r"^\| `([A-Z]+ /[^`]*)` \| (\w+) \|", PAGE.read_text("utf-8"), re.MULTILINE))
    assert documented == served
    assert len(served) > 15
