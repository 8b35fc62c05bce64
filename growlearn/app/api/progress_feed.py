"""The windows in progress as server-sent events: one look at the record a second for all who listen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from growlearn.app.api.http_layer import Log
from growlearn.app.api.json_response import encode_json
from growlearn.app.api.problems import RETRY_AFTER_S, Problem
from growlearn.app.progress_view import progress_view
from growlearn.domain.redaction import redact, redact_values
from growlearn.ports import Clock, Store

EVENTS_TYPE = "text/event-stream"
MAX_LISTENERS = 200
_LOOK_S = 1.0
_KEEP_ALIVE_S = 15.0  # proxies end a connection that is silent for a minute
_KEEP_ALIVE = b": nothing new\n\n"
_RETRY = b"retry: 2000\n\n"  # milliseconds until a browser that was cut off comes back
_HEADERS = {"X-Accel-Buffering": "no"}  # nginx would hold events back


def read_progress(store: Store, clock: Clock) -> bytes:
    """The windows in progress now, as JSON."""
    return encode_json(redact_values(progress_view(store, clock.now())))


class ProgressFeed:
    """What those who listen in this process are sent: the whole listing, whenever it has changed.

    `look` returns the listing as JSON; `stopping` is set when the server begins to stop.
    """

    def __init__(self, look: Callable[[], bytes], stopping: asyncio.Event, log: Log) -> None:
        self._look = look
        self._stopping = stopping
        self._log = log
        self._num_listeners = 0
        self._looking = asyncio.Lock()
        self._latest = b""
        self._changed = asyncio.Event()  # another one after each change

    async def run(self) -> None:
        """Look again and again while anybody listens, until cancelled."""
        is_away = False
        while True:
            await asyncio.sleep(_LOOK_S)
            if not self._num_listeners:
                continue
            try:
                await self.refresh()
                is_away = False
            except Exception as error:  # a database that is away for a moment ends no stream
                if not is_away:
                    self._log("progress not read", {"reason": redact(str(error))})
                is_away = True

    async def refresh(self) -> None:
        """Look now, and wake who listens where the listing has changed; raises what `look` does."""
        async with self._looking:
            latest = await run_in_threadpool(self._look)
            if latest != self._latest:
                self._latest = latest
                changed, self._changed = self._changed, asyncio.Event()
                changed.set()

    async def open(self, is_allowed: Callable[[], Awaitable[bool]]) -> EventStream:
        """An answer that goes on until the client leaves, the server stops, or `is_allowed` says no.

        Raises Problem where too many listen already, and what `look` does.
        """
        if self._num_listeners >= MAX_LISTENERS:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{MAX_LISTENERS} clients listen to this process already",
                "ask for the listing instead: GET /api/v1/progress",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        self._num_listeners += 1
        try:
            await self.refresh()
        except BaseException:
            self._leave()
            raise
        return EventStream(self._listen(is_allowed), self._leave)

    def _leave(self) -> None:
        self._num_listeners -= 1

    async def _listen(self, is_allowed: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
        yield _RETRY
        sent, sent_at = b"", time.monotonic()
        while not self._stopping.is_set() and await is_allowed():
            changed = self._changed
            if self._latest != sent:
                sent, sent_at = self._latest, time.monotonic()
                yield format_event(sent)
            elif time.monotonic() - sent_at > _KEEP_ALIVE_S:
                sent_at = time.monotonic()
                yield _KEEP_ALIVE
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), _LOOK_S)


class EventStream(StreamingResponse):
    """Server-sent events; `on_end` is called once, however the answer ends."""

    media_type = EVENTS_TYPE

    def __init__(self, events: AsyncIterator[bytes], on_end: Callable[[], None]) -> None:
        super().__init__(events, headers=_HEADERS)
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what comes until it ends."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._on_end()


def format_event(data: bytes) -> bytes:
    r"""One event of JSON, which has no line breaks.

    >>> format_event(b"{}")
    b'event: progress\ndata: {}\n\n'
    """
    return b"event: progress\ndata: " + data + b"\n\n"
