"""Every new file of a source, taken in one by one."""

from __future__ import annotations

import logging
from functools import partial

from growlearn.domain.errors import LostRace, NotReadable
from growlearn.domain.growth import Progress
from growlearn.domain.stream import Stream
from growlearn.domain.window import IngestedFile, SourceFile
from growlearn.ingest.ingest import ingest
from growlearn.ingest.past import Past, is_new, past_of
from growlearn.ports import Artifacts, Clock, Report, Source, Store

_log = logging.getLogger(__name__)
_TRIES = 3


def take_in(
    stream: Stream,
    source: Source,
    store: Store,
    artifacts: Artifacts,
    clock: Clock,
    report: Report = lambda _: None,
) -> tuple[IngestedFile, ...]:
    """Take in what the source has that the stream has not seen; returns what each file became.

    A file seen before is taken in again only when its fingerprint changed, or when nothing of it
    could be used and the schema has changed since. One that cannot be read just now is left for the
    next tick. Raises GrowLearnError where the source cannot be listed.
    """
    latest = {file.url: file for file in store.seen(stream.name)}
    schema = stream.job.schema.digest
    new = [file for file in source.files() if is_new(file, latest.get(file.url), schema)]
    taken: list[IngestedFile] = []
    past: Past | None = None
    for done, file in enumerate(new):
        report(Progress(stage="reading files", done=done, total=len(new), note=file.url.rpartition("/")[2]))
        past = past or past_of(stream.name, store)
        ingested = _take_one(stream, file, source, store, artifacts, clock, past)
        taken += [] if ingested is None else [ingested]
        past = None if ingested is None else past.then(ingested)
    return tuple(taken)


def _take_one(
    stream: Stream,
    file: SourceFile,
    source: Source,
    store: Store,
    artifacts: Artifacts,
    clock: Clock,
    past: Past,
) -> IngestedFile | None:
    """None where the file is not readable yet, or another process took it in meanwhile."""
    for attempt in range(1, _TRIES + 1):
        try:
            ingested = ingest(stream, file, partial(source.read, file), past, artifacts, clock.now())
            return ingested if store.record_ingest(ingested) else None
        except NotReadable as reason:
            # A disk that is away is for a person to know; a file still being written is not.
            level = logging.WARNING if isinstance(reason.__cause__, OSError) else logging.INFO
            _log.log(level, "%s; left for the next tick", reason)
            return None
        except LostRace:  # another process gave this window number to another file: count again
            if attempt == _TRIES:
                raise
            past = past_of(stream.name, store)
    return None
