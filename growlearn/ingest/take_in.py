"""Every new file of a source, taken in one by one."""

from __future__ import annotations

from functools import partial

from growlearn.domain.errors import LostRace, StillWriting
from growlearn.domain.stream import Stream
from growlearn.domain.window import IngestedFile, SourceFile
from growlearn.ingest.ingest import ingest
from growlearn.ports import Artifacts, Clock, Source, Store

_TRIES = 3


def take_in(
    stream: Stream, source: Source, store: Store, artifacts: Artifacts, clock: Clock
) -> tuple[IngestedFile, ...]:
    """Take in what the source has that the stream has not seen; returns what each file became.

    A file seen before is taken in again only when its fingerprint changed. One that is still being
    written is left for the next tick. Raises GrowLearnError where the source cannot be listed.
    """
    seen = store.seen(stream.name)
    new = [file for file in source.files() if seen.get(file.url) != file.fingerprint]
    taken = (_take_one(stream, file, source, store, artifacts, clock) for file in new)
    return tuple(ingested for ingested in taken if ingested is not None)


def _take_one(
    stream: Stream, file: SourceFile, source: Source, store: Store, artifacts: Artifacts, clock: Clock
) -> IngestedFile | None:
    """None where the file is not whole yet, or another process took it in meanwhile."""
    for attempt in range(1, _TRIES + 1):
        windows = store.windows(stream.name)
        try:
            ingested = ingest(stream, file, partial(source.read, file), windows, artifacts, clock.now())
            return ingested if store.record_ingest(ingested) else None
        except StillWriting:
            return None
        except LostRace:  # another process gave this window number to another file: count again
            if attempt == _TRIES:
                raise
    return None
