"""Checks that each stream's source can be listed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from growlearn.app.doctor.context import StoreContext
from growlearn.app.doctor.finding import Finding, error_finding, ok_finding, pluralize, warning_finding
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.process import ProcessKind, is_any_alive
from growlearn.domain.stream import Stream
from growlearn.domain.window import SourceFile
from growlearn.ports import Store


def sources(context: StoreContext) -> Iterator[Finding]:
    """How many files are ready in each stream's source and how many unread, or why it cannot be listed.

    Unread files are a warning where no scheduler or no worker runs.
    """
    from growlearn.adapters.sources import open_source

    now, known = context.clock.now(), context.store.processes()
    served = all(is_any_alive(known, kind, now) for kind in (ProcessKind.SCHEDULER, ProcessKind.WORKER))
    for stream in context.store.streams():
        config = stream.job.source
        try:
            settings, known_files = context.settings, context.store.ingested_files(stream.name)
            source = open_source(config, context.clock, settings.protocols, settings.connections)
            files = source.files(known_files)
        except GrowLearnError as error:
            yield error_finding("sources", f"stream {stream.name!r}: {error.message}", error.hint)
        else:
            unread = count_unread(context.store, stream, files)
            message = f"stream {stream.name!r}: {pluralize(len(files), 'file')} ready in {config.url}"
            if unread and not served:
                hint = f"run: growlearn up, or growlearn run {stream.name}"
                yield warning_finding("sources", f"{message}, {unread} of them unread", hint)
            else:
                yield ok_finding("sources", f"{message}, {unread} of them unread" if unread else message)


def count_unread(store: Store, stream: Stream, files: Sequence[SourceFile]) -> int:
    """How many files of a source its stream would ingest at its next look."""
    from growlearn.ingest.history import should_ingest

    latest = {file.url: file for file in store.ingested_files(stream.name)}
    return sum(should_ingest(file, latest.get(file.url), stream.job.schema.digest) for file in files)
