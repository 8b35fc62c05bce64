"""Checks that each stream's source can be listed."""

from __future__ import annotations

from collections.abc import Iterator

from growlearn.app.doctor.context import StoreContext
from growlearn.app.doctor.finding import Finding, error_finding, ok_finding, pluralize
from growlearn.domain.errors import GrowLearnError


def sources(context: StoreContext) -> Iterator[Finding]:
    """How many files are ready in each stream's source, or why it cannot be listed."""
    from growlearn.adapters.sources import open_source

    for stream in context.store.streams():
        config = stream.job.source
        try:
            files = open_source(config, context.clock, context.settings.protocols).files()
        except GrowLearnError as error:
            yield error_finding("sources", f"stream {stream.name!r}: {error.message}", error.hint)
        else:
            yield ok_finding(
                "sources", f"stream {stream.name!r}: {pluralize(len(files), 'file')} ready in {config.url}"
            )
