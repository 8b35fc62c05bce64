"""Where new data arrives: whether each stream's source can be listed."""

from __future__ import annotations

from collections.abc import Iterator

from growlearn.app.doctor.finding import Finding, counted, ok, wrong
from growlearn.app.doctor.premises import Record
from growlearn.domain.errors import GrowLearnError


def sources(record: Record) -> Iterator[Finding]:
    """How many files stand ready in each stream's source, or why it cannot be listed."""
    from growlearn.adapters.sources import open_source

    for stream in record.store.streams():
        spec = stream.job.source
        try:
            files = open_source(spec, record.clock).files()
        except GrowLearnError as error:
            yield wrong("sources", f"stream {stream.name!r}: {error.what}", error.cure)
        else:
            yield ok("sources", f"stream {stream.name!r}: {counted(len(files), 'file')} ready in {spec.url}")
