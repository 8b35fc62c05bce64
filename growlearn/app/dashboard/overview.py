"""The first page: every stream at a glance, those that want attention first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import FastAPI, Request
from starlette.responses import Response

from growlearn.app.api.context import ApiContext
from growlearn.app.dashboard.pagination import take_page
from growlearn.app.dashboard.routing import PageNumber, add_page
from growlearn.app.dashboard.templates import render
from growlearn.app.views import describe_stream_state
from growlearn.domain.api_key import Role
from growlearn.domain.process import ProcessKind, ProcessRecord, is_any_alive
from growlearn.domain.stream_overview import LatestVerdict, StreamStatus
from growlearn.domain.window import Verdict, WindowState

PAGE_SIZE = 100
_IN_PROGRESS_SHOWN = 10
_ALARMS = (Verdict.DRIFT, Verdict.NEW_TASK)


@dataclass(frozen=True)
class OverviewRow:
    """One stream as the page shows it; `alarm` is None, `warn`, `handled` or `alarm`."""

    status: StreamStatus
    state: str
    alarm: str | None


def add_pages(app: FastAPI, context: ApiContext) -> None:
    """Add it."""

    def overview(request: Request, page: PageNumber = 1) -> Response:
        now = context.clock.now()
        rows = sort_by_alarm(context.store.stream_statuses(now))
        in_progress = context.store.windows_in_progress(now)
        return render(
            request,
            "overview.html",
            now=now,
            page=take_page(rows, page, PAGE_SIZE),
            num_alarms=sum(row.alarm == "alarm" for row in rows),
            num_working=sum(row.status.has_active_lease for row in rows),
            num_pending=sum(row.status.pending for row in rows),
            in_progress=in_progress[:_IN_PROGRESS_SHOWN],
            num_more_in_progress=len(in_progress[_IN_PROGRESS_SHOWN:]),
            missing=find_missing_processes(context.store.processes(), now),
        )

    add_page(app, "GET", "/", Role.VIEWER, overview)


def sort_by_alarm(statuses: Sequence[StreamStatus]) -> list[OverviewRow]:
    """Every stream, by name, those with an alarm first."""
    rows = [
        OverviewRow(status, describe_stream_state(status), classify_alarm(status.latest))
        for status in statuses
    ]
    return sorted(rows, key=lambda row: row.alarm != "alarm")


def classify_alarm(latest: LatestVerdict | None) -> str | None:
    """What the newest verdict asks of a person: drift that led to a promotion is handled."""
    if latest is None or latest.verdict not in (*_ALARMS, Verdict.WARN):
        return None
    if latest.verdict is Verdict.WARN:
        return "warn"
    return "handled" if latest.state is WindowState.PROMOTED else "alarm"


def find_missing_processes(processes: Sequence[ProcessRecord], now: datetime) -> tuple[ProcessKind, ...]:
    """The kinds of process without which streams do not go on, and of which none runs."""
    needed = (ProcessKind.SCHEDULER, ProcessKind.WORKER)
    return tuple(kind for kind in needed if not is_any_alive(processes, kind, now))
