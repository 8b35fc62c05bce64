"""Ingest every new file of a source, one by one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from growlearn.domain.errors import ConcurrentUpdate, TemporarilyUnreadable, VanishedFile
from growlearn.domain.file_limits import DEFAULT_LIMITS, FileLimits
from growlearn.domain.growth import Progress
from growlearn.domain.stream import Stream
from growlearn.domain.window import IngestResult, SourceFile
from growlearn.ingest.history import IngestHistory, find_label_kind, load_history, should_ingest
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
    limits: FileLimits = DEFAULT_LIMITS,
    on_file: Callable[[IngestResult], None] = lambda _: None,
) -> tuple[IngestResult, ...]:
    """Ingest the files of the source that the stream has not ingested yet; returns one result a file.

    `on_file` gets each result as soon as it is recorded.

    A known file is ingested again only when its fingerprint changed, or when none of it was usable and the
    schema has changed since. A file that cannot be read at the moment, or for which there is not enough
    memory, is left for the next tick. Raises GrowLearnError where the source cannot be listed.
    """
    known = store.ingested_files(stream.name)
    latest = {file.url: file for file in known}
    schema = stream.job.schema.digest
    new_files = [file for file in source.files(known) if should_ingest(file, latest.get(file.url), schema)]
    results: list[IngestResult] = []
    history: IngestHistory | None = None
    for done, file in enumerate(new_files):
        on_progress(
            Progress(stage="reading files", done=done, total=len(new_files), note=file.url.rpartition("/")[2])
        )
        history = history or load_history(stream.name, store)
        if history.label_kind is None:
            kind = find_label_kind(history.windows, stream.job.schema.label, artifacts)
            history = replace(history, label_kind=kind)
        read_file = partial(_ingest_file, stream, file, source, artifacts, clock, limits)
        result = _ingest_with_retries(stream, file, store, history, read_file)
        if result is not None:
            results.append(result)
            on_file(result)
        history = None if result is None else history.with_file(result)
        if result is None and file.taken_once:
            break  # what comes after it is listed again by where it ends
    return tuple(results)


def _ingest_file(
    stream: Stream,
    file: SourceFile,
    source: Source,
    artifacts: Artifacts,
    clock: Clock,
    limits: FileLimits,
    history: IngestHistory,
) -> IngestResult:
    return ingest_file(stream, file, partial(source.read, file), history, artifacts, clock.now(), limits)


def _ingest_with_retries(
    stream: Stream,
    file: SourceFile,
    store: Store,
    history: IngestHistory,
    read_file: Callable[[IngestHistory], IngestResult],
) -> IngestResult | None:
    """None where the file is not readable yet, or another process ingested it meanwhile."""
    for attempt in range(1, _MAX_ATTEMPTS + 1):
        try:
            result = read_file(history)
            return result if store.record_ingest(result) else None
        except TemporarilyUnreadable as reason:
            # A person should know about an unmounted disk, but not about a file still being written.
            is_noteworthy = isinstance(reason, VanishedFile) or isinstance(reason.__cause__, OSError)
            _log.log(logging.WARNING if is_noteworthy else logging.INFO, "%s; left for the next tick", reason)
            return None
        except MemoryError:  # the file may be sound: what else this computer does may have taken the memory
            name = file.url.rpartition("/")[2]
            _log.warning("%s needs more memory than there is now; left for the next tick", name)
            return None
        except ConcurrentUpdate:  # another process used this window number: count again
            if attempt == _MAX_ATTEMPTS:
                raise
            history = load_history(stream.name, store)
    return None
