"""The models that this process answers with: champions are swapped while requests go on."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import torch

from growlearn.domain.errors import GrowLearnError, NotFound, Unavailable
from growlearn.domain.execution import Execution
from growlearn.domain.job import Job
from growlearn.domain.lineage import Version
from growlearn.domain.redaction import redact
from growlearn.domain.stream import Alias, Stream
from growlearn.ingest.rows import Rows, make_dummy_row
from growlearn.network.model_cache import ModelCache
from growlearn.pipeline.verify import Verification, describe_verification, verify_version
from growlearn.ports import Artifacts, Store
from growlearn.registry.version_tree import get_version, select_version_tasks
from growlearn.serving.batch_invariance import measure_shared_rows
from growlearn.serving.micro_batches import MicroBatcher
from growlearn.serving.predictor import Predictor

MAX_QUEUED_ROWS = 65_536
_PROBE_ROWS = 32

T = TypeVar("T")
Log = Callable[[str, dict[str, object]], None]
"""Called with an event's name and its fields."""


class ChangedAnswers(Unavailable):
    """A version's answers are not those stored with it."""


@dataclass(frozen=True, eq=False)
class ServedModel:
    """One open version, and what answers with it."""

    stream: str
    version: int
    batcher: MicroBatcher
    verification: Verification


class ServedModels:
    """Opens versions when they are asked for, after their stored answers were checked.

    The `max_models` asked for last stay open, champions before others. It belongs to one event loop. A
    request keeps the model that it began with, so a swap drops none. All models compute in one thread,
    because the check of a version needs the number of threads that it was trained with, and that is the
    process's.
    """

    def __init__(
        self,
        store: Store,
        artifacts: Artifacts,
        log: Log,
        *,
        execution: Execution,
        device: torch.device,
        threads: int,
        max_models: int,
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._log = log
        self._execution = execution
        self._device = device
        self._max_models = max_models
        self._compute = ThreadPoolExecutor(1, "answer", torch.set_num_threads, (threads,))
        self._load = ThreadPoolExecutor(1, "load", torch.set_num_threads, (threads,))
        self._open: OrderedDict[tuple[str, int], ServedModel] = OrderedDict()
        self._opening: dict[tuple[str, int], asyncio.Task[ServedModel]] = {}
        self._aliases: dict[str, dict[Alias, int | None]] = {}
        self._jobs: dict[str, Job] = {}  # of the same streams
        self._refused: dict[str, int] = {}  # champions whose answers are not those stored, by stream
        self._created_at: dict[str, datetime] = {}  # a stream made anew under an old name has other versions
        self._refreshing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def close(self) -> None:
        """Wait for what is computed now."""
        for executor in (self._load, self._compute):
            executor.shutdown(wait=True, cancel_futures=True)

    async def compute_in_background(self, compute: Callable[[], T]) -> T:
        """The result of a computation in the models' thread; an answer waits while one is computed."""
        return await asyncio.get_running_loop().run_in_executor(self._compute, compute)

    @property
    def champions(self) -> dict[str, int]:
        """The version that answers as champion, by stream."""
        return {name: number for name, at in self._aliases.items() if (number := at.get(Alias.CHAMPION))}

    @property
    def refused(self) -> dict[str, int]:
        """By stream, the champion that was refused, while the one before it still answers."""
        return dict(self._refused)

    def job(self, stream: str) -> Job:
        """The job of a stream that an alias was asked of, as it was at the last look."""
        return self._jobs[stream]

    async def get(self, stream: str, which: Alias | int) -> ServedModel:
        """The model of an alias or a version; raises NotFound, or GrowLearnError where it cannot answer."""
        if isinstance(which, int):
            return await self.open(stream, which)
        number = self._aliases.get(stream, {}).get(which)
        if number is None:
            await self.refresh(stream)
            number = self._aliases[stream].get(which)
        if number is None:
            hint = f"name a version; see: growlearn versions {stream}"
            raise GrowLearnError(f"stream {stream!r} has no {which} yet", hint=hint)
        return await self.open(stream, number)

    async def open(self, stream: str, number: int) -> ServedModel:
        """One version, opened and checked once; raises GrowLearnError where its answers have changed."""
        key = (stream, number)
        if key in self._open:
            self._open.move_to_end(key)
            return self._open[key]
        if key not in self._opening:
            self._opening[key] = asyncio.create_task(self._open_new(key))
        return await asyncio.shield(self._opening[key])

    async def _open_new(self, key: tuple[str, int]) -> ServedModel:
        loop = asyncio.get_running_loop()
        try:
            await self._read_stream(key[0])
            predictor, shared_rows, verification = await loop.run_in_executor(
                self._load, self._load_version, *key
            )
        finally:
            del self._opening[key]
        batcher = MicroBatcher(
            predictor, self._compute, max_shared_rows=shared_rows, max_queued_rows=MAX_QUEUED_ROWS
        )
        self._open[key] = model = ServedModel(*key, batcher, verification)
        self._close_unused(key)
        check = describe_verification(verification)
        self._log(
            "model opened", {"stream": key[0], "version": key[1], "check": check, "shared_rows": shared_rows}
        )
        return model

    def _close_unused(self, newest: tuple[str, int]) -> None:
        """Close those asked for longest ago, versions before champions; `newest` may become a champion."""
        champions = set(self.champions.items())
        others = [key for key in self._open if key != newest]
        others.sort(key=champions.__contains__)
        for key in others[: max(0, len(self._open) - self._max_models)]:
            del self._open[key]

    def _load_version(self, stream: str, number: int) -> tuple[Predictor, int, Verification]:
        """Open a version, check its answers, and measure how many rows may share a batch."""
        versions = self._store.versions(stream)
        version = get_version(versions, number)
        predictor = Predictor(version.manifest, self._artifacts.get, self._execution, self._device)
        verification = verify_version(
            self._store,
            self._artifacts,
            stream,
            number,
            run=lambda compute: self._compute.submit(compute).result(),
        )
        if not may_answer(verification):
            note = describe_verification(verification)
            raise ChangedAnswers(f"version {number} of stream {stream!r} does not answer: {note}")
        return predictor, measure_shared_rows(predictor, self._load_probe(versions, version)), verification

    def _load_probe(self, versions: Sequence[Version], version: Version) -> Rows:
        schema, cache = version.manifest.schema, ModelCache(self._artifacts)
        tasks = select_version_tasks(self._store.tasks(version.stream), versions, version.number)
        try:
            rows = cache.rows(tasks[-1].reference_rows, schema)
        except (GrowLearnError, IndexError):
            rows = make_dummy_row(schema)
        probe = rows.sample(_PROBE_ROWS)
        return Rows(probe.inputs, probe.labels, None, probe.row_hashes)

    async def refresh(self, stream: str) -> None:
        """Take up where a stream's aliases stand; a champion that may not answer leaves the one before it.

        Raises NotFound, and GrowLearnError where a first champion cannot be opened.
        """
        async with self._refreshing[stream]:  # else what was read first could be taken up last
            await self._refresh(stream)

    async def _refresh(self, stream: str) -> None:
        stored = await self._read_stream(stream)
        before = self._aliases.get(stream, {})
        targets = {Alias.CHAMPION: stored.champion, Alias.CHALLENGER: stored.challenger}
        new = targets[Alias.CHAMPION]
        if new is not None and new != before.get(Alias.CHAMPION):
            try:
                await self.open(stream, new)
            except GrowLearnError as error:
                if before.get(Alias.CHAMPION) is None:
                    raise
                if self._refused.get(stream) != new:
                    self._log(
                        "champion refused", {"stream": stream, "version": new, "reason": redact(str(error))}
                    )
                self._refused[stream] = new
                self._aliases[stream] = {**targets, Alias.CHAMPION: before[Alias.CHAMPION]}
                return
            self._log(
                "champion swapped",
                {"stream": stream, "before": before.get(Alias.CHAMPION), "version": new},
            )
        self._refused.pop(stream, None)
        self._aliases[stream] = targets

    async def _read_stream(self, stream: str) -> Stream:
        """A stream as it is stored; where it was deleted, or made anew since, its models are forgotten."""
        try:
            stored = await asyncio.get_running_loop().run_in_executor(None, self._store.stream, stream)
        except NotFound:
            self._forget(stream)
            raise
        if self._created_at.get(stream, stored.created_at) != stored.created_at:
            self._forget(stream)
        self._created_at[stream], self._jobs[stream] = stored.created_at, stored.job
        return stored

    def _forget(self, stream: str) -> None:
        for known in (self._aliases, self._refused, self._created_at):
            known.pop(stream, None)
        for key in [key for key in self._open if key[0] == stream]:
            del self._open[key]

    async def watch(self, poll_s: float) -> None:
        """Follow the aliases of every stream that was asked for, until cancelled."""
        while True:
            await asyncio.sleep(poll_s)
            for stream in list(self._created_at):
                await self.try_refresh(stream)

    async def try_refresh(self, stream: str) -> None:
        """Take up where the aliases of a stream that was asked for stand; a line says where that fails."""
        try:
            await (self.refresh(stream) if stream in self._aliases else self._read_stream(stream))
        except NotFound:
            self._log("stream deleted", {"stream": stream})
        except Exception as error:  # an unreachable database must not end the watch
            self._log("aliases not read", {"stream": stream, "reason": redact(str(error))})


def may_answer(verification: Verification) -> bool:
    """Whether a version's answers are those stored with it, or differ only because its machine was another.

    One without stored answers, or whose check rows were removed, may answer: it is the champion all the same.
    """
    return verification.is_proven or not verification.changed_tasks
