"""Ingest every new file of a source, one by one."""

from __future__ import annotations

import logging
from functools import partial

from growlearn.domain.errors import ConcurrentUpdate, TemporarilyUnreadable
from growlearn.domain.growth import Progress
from growlearn.domain.stream import Stream
from growlearn.domain.window import IngestResult, SourceFile
from growlearn.ingest.history import IngestHistory, load_history, should_ingest
from growlearn.ingest.ingest import ingest_file
from growlearn.ports import Artifacts, Clock, ProgressCallback, Source, Store

_log = logging.getLogger(__name__)
_MAX_ATTEMPTS = 3


def ingest_new_files(
    stream: Stream,
    source: Source,
    store: Store,
    artifacts: Artifacts,
    clock: Clock,
    on_progress: ProgressCallback = lambda _: None,
) -> tuple[IngestResult, ...]:
    """Ingest the files of the source that the stream has not ingested yet; returns one result a file.

    A known file is ingested again only when its fingerprint changed, or when none of it was usable and the
    schema has changed since. A file that cannot be read at the moment is left for the next tick. Raises
    GrowLearnError where the source cannot be listed.
    """
    latest = {file.url: file for file in store.ingested_files(stream.name)}
    schema = stream.job.schema.digest
    new_files = [file for file in source.files() if should_ingest(file, latest.get(file.url), schema)]
    results: list[IngestResult] = []
    history: IngestHistory | None = None
    for done, file in enumerate(new_files):
        on_progress(
            Progress(stage="reading files", done=done, total=len(new_files), note=file.url.rpartition("/")[2])
        )
        history = history or load_history(stream.name, store)
        result = _ingest_with_retries(stream, file, source, store, artifacts, clock, history)
        results += [] if result is None else [result]
        history = None if result is None else history.with_file(result)
    return tuple(results)


def _ingest_with_retries(
    stream: Stream,
    file: SourceFile,
    source: Source,
    store: Store,
    artifacts: Artifacts,
    clock: Clock,
    history: IngestHistory,
) -> IngestResult | None:
    """None where the file is not readable yet, or another process ingested it meanwhile."""
    for attempt in range(1, _MAX_ATTEMPTS + 1):
        try:
            result = ingest_file(stream, file, partial(source.read, file), history, artifacts, clock.now())
            return result if store.record_ingest(result) else None
        except TemporarilyUnreadable as reason:
            # A person should know about an unmounted disk, but not about a file still being written.
            level = logging.WARNING if isinstance(reason.__cause__, OSError) else logging.INFO
            _log.log(level, "%s; left for the next tick", reason)
            return None
        except ConcurrentUpdate:  # another process used this window number: count again
            if attempt == _MAX_ATTEMPTS:
                raise
            history = load_history(stream.name, store)
    return None
