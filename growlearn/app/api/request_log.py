"""The request log of one API process: answered rows wait for a while, then become a file of their source."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from itertools import takewhile

from growlearn.adapters.sources import check_source_url
from growlearn.adapters.sources.deposit import choose_name, deposit_file
from growlearn.app.api.http_layer import Log
from growlearn.app.api.metrics import ApiMetrics
from growlearn.app.api.served_models import ServedModel
from growlearn.app.backoff import Backoff, back_off
from growlearn.domain.job import Job
from growlearn.domain.redaction import redact
from growlearn.domain.schema import Schema
from growlearn.domain.serving_config import RequestLogConfig
from growlearn.ports import Clock
from growlearn.serving.json_values import Record
from growlearn.serving.micro_batches import Answered
from growlearn.serving.request_log import (
    DropReason,
    LoggedRows,
    RowId,
    encode_log,
    make_new_ids,
    select_rows,
    take_logged_rows,
)

MAX_WAITING_ROWS = 65_536
MAX_WAITING_BYTES = 256 * 2**20
_PART_BYTES = 4096  # of the arrays of one request, beside what they hold
_BEAT_S = 0.25
_FIRST_RETRY_S, _MAX_RETRY_S = 1.0, 60.0
_HASH_DIGITS = 12

Deposit = Callable[[Job, str, bytes], None]
"""Writes content as a file of the job's source, under a name with this stem."""


def deposit_log_file(protocols: Collection[str], job: Job, stem: str, content: bytes) -> None:
    """Write a Parquet file into the job's source; raises GrowLearnError where that cannot or may not be."""
    check_source_url(job.source.url, protocols)
    deposit_file(job.source, choose_name(job.source, stem, ".parquet"), content)


@dataclass(frozen=True, eq=False)
class _Part:
    """The logged rows of one request, under the job as it was then; `num_bytes` is about what they hold."""

    job: Job
    logged: LoggedRows
    num_bytes: int


@dataclass(frozen=True, eq=False)
class _File:
    """Encoded rows until they are written; a second try has the same name, so there is one file."""

    job: Job
    stem: str
    content: bytes
    num_rows: int
    num_bytes: int


@dataclass(frozen=True, eq=False)
class _Compared:
    """Two schemas, whether they have the same inputs and task column, and bytes of the inputs of a row."""

    schema: Schema
    model_schema: Schema
    reads_same_columns: bool
    row_bytes: int


@dataclass
class _Waiting:
    """What one stream has answered that is in no file yet, of `num_rows` rows in all."""

    parts: list[_Part] = field(default_factory=list)
    file: _File | None = None
    backoff: Backoff | None = None
    num_rows: int = 0
    num_bytes: int = 0

    def append(self, part: _Part) -> None:
        """Let it wait too."""
        self.parts.append(part)
        self.num_rows += len(part.logged)
        self.num_bytes += part.num_bytes

    def remove(self, num_rows: int, num_bytes: int) -> None:
        """So much waits no longer."""
        self.num_rows -= num_rows
        self.num_bytes -= num_bytes

    def is_due(self, now: datetime) -> bool:
        """Whether a file is to be written now."""
        if self.backoff is not None and not self.backoff.is_over(now):
            return False
        if self.file is not None or not self.parts:
            return self.file is not None
        config = self.parts[-1].job.serving.request_log or RequestLogConfig()
        age_s = (now - self.parts[0].logged.at).total_seconds()
        is_half_full = self.num_rows >= MAX_WAITING_ROWS // 2 or self.num_bytes >= MAX_WAITING_BYTES // 2
        return is_half_full or self.num_rows >= config.flush_rows or age_s >= config.flush_every_s


class RequestLog:
    """Takes answered rows without waiting, and writes them from a thread of its own.

    It belongs to one event loop. At most 65,536 rows, or about 256 MiB, of a stream wait for their file; the
    others are dropped and counted. So is what an error forbids: no answer waits or fails because of the log.
    """

    def __init__(self, clock: Clock, metrics: ApiMetrics, log: Log, deposit: Deposit) -> None:
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._deposit = deposit
        self._new_id = make_new_ids()
        self._compared: dict[tuple[str, int], _Compared] = {}  # by stream and version
        self._waiting: dict[str, _Waiting] = {}
        self._writer = ThreadPoolExecutor(1, "request-log")
        self._stopping = asyncio.Event()

    def add(
        self, job: Job, model: ServedModel, records: Sequence[Record], answered: Answered, num_bytes: int
    ) -> Sequence[RowId | None] | None:
        """Log the answered rows of a request of so many bytes; never raises.

        Returns the id of each record, None for one that is not logged; None where the job asks for no log.
        """
        if job.serving.request_log is None:
            return None
        try:
            return self._add(job, job.serving.request_log, model, records, answered, num_bytes)
        except Exception:  # an answer must not fail because of its log
            self._drop(job.name, DropReason.FAILED, len(answered.parsed.positions))
            self._log_bug(job.name)
            return [None] * len(records)

    def _add(
        self,
        job: Job,
        config: RequestLogConfig,
        model: ServedModel,
        records: Sequence[Record],
        answered: Answered,
        num_bytes: int,
    ) -> Sequence[RowId | None]:
        assert answered.answers is not None
        compared = self._compare(job.schema, model)
        selection = select_rows(
            records,
            answered.parsed,
            job.schema,
            config.sample,
            self._new_id,
            reads_same_columns=compared.reads_same_columns,
        )
        for reason, count in selection.dropped.items():
            self._drop(job.name, reason, count)
        num_rows = len(selection.indices)
        if not num_rows:
            return selection.ids
        num_bytes += _PART_BYTES + num_rows * compared.row_bytes
        waiting = self._waiting.setdefault(job.name, _Waiting())
        if (
            waiting.num_rows + num_rows > MAX_WAITING_ROWS
            or waiting.num_bytes + num_bytes > MAX_WAITING_BYTES
        ):
            self._drop(job.name, DropReason.BUFFER_FULL, num_rows)
            return [None] * len(records)
        logged = take_logged_rows(
            selection, answered.parsed, answered.answers, model.version, self._clock.now()
        )
        waiting.append(_Part(job, logged, num_bytes))
        return selection.ids

    def _compare(self, schema: Schema, model: ServedModel) -> _Compared:
        """What of two schemas a request needs; computed once, not at each request."""
        its_schema = model.batcher.predictor.manifest.schema
        key = (model.stream, model.version)
        known = self._compared.get(key)
        if known is None or known.schema is not schema or known.model_schema is not its_schema:
            same = (schema.inputs, schema.task) == (its_schema.inputs, its_schema.task)
            known = _Compared(schema, its_schema, same, schema.row_bytes)
            self._compared[key] = known
        return known

    async def run(self) -> None:
        """Write files as they come due; ends once all rows are written or given up, after `close`."""
        while not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), _BEAT_S)
            except TimeoutError:
                now = self._clock.now()
                for stream, waiting in list(self._waiting.items()):
                    while waiting.is_due(now):
                        await self._write_file(stream, waiting)
        for stream, waiting in self._waiting.items():
            while waiting.num_rows and await self._write_file(stream, waiting):
                pass
            self._drop(stream, DropReason.FAILED, waiting.num_rows)
        self._writer.shutdown(wait=True)

    def close(self) -> None:
        """Let `run` write all that waits, and end."""
        self._stopping.set()

    async def _write_file(self, stream: str, waiting: _Waiting) -> bool:
        """Write the next file; False where that cannot be done now, so it goes on waiting."""
        if waiting.file is None:
            await self._encode(stream, waiting)
        file = waiting.file
        if file is None:
            return True  # its rows were dropped
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._writer, self._deposit, file.job, file.stem, file.content
            )
        except Exception as error:  # the folder may be there again soon
            if waiting.backoff is None:
                self._log("request log not written", {"stream": stream, "reason": redact(str(error))})
            waiting.backoff = back_off(waiting.backoff, self._clock.now(), _FIRST_RETRY_S, _MAX_RETRY_S)
            return False
        waiting.file, waiting.backoff = None, None
        waiting.remove(file.num_rows, file.num_bytes)
        self._metrics.count_logged_rows(stream, file.num_rows)
        return True

    async def _encode(self, stream: str, waiting: _Waiting) -> None:
        """Make the next file of the parts that have one job; parts that cannot be encoded are dropped."""
        job = waiting.parts[0].job
        parts = list(takewhile(lambda part: _writes_alike(part.job, job), waiting.parts))
        num_rows, num_bytes = sum(len(part.logged) for part in parts), sum(part.num_bytes for part in parts)
        encode = partial(encode_log, [part.logged for part in parts], job.schema)
        try:
            content = await asyncio.get_running_loop().run_in_executor(self._writer, encode)
            stem = _make_stem(parts[0].logged.at, content)
            waiting.file = _File(job, stem, content, num_rows, num_bytes)
        except Exception:  # a bug in one file must not stop the others
            waiting.remove(num_rows, num_bytes)
            self._drop(stream, DropReason.FAILED, num_rows)
            self._log_bug(stream)
        del waiting.parts[: len(parts)]

    def _drop(self, stream: str, reason: DropReason, num_rows: int) -> None:
        if num_rows:
            self._metrics.count_unlogged_rows(stream, reason, num_rows)

    def _log_bug(self, stream: str) -> None:
        self._log("error", {"stream": stream, "traceback": redact(traceback.format_exc())})


def _writes_alike(job: Job, other: Job) -> bool:
    """Whether rows of both jobs may share a file: equal jobs may still scale the pixels they write."""
    return job == other and job.schema.pixel_scales == other.schema.pixel_scales


def _make_stem(at: datetime, content: bytes) -> str:
    """Of a file's name: so that files are listed in the order of their rows, and no two have one name."""
    return f"served-{at:%Y%m%dT%H%M%S.%fZ}-{sha256(content).hexdigest()[:_HASH_DIGITS]}"
