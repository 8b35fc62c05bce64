"""A file for a stream's source, written once whatever its content is called for."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from growlearn.adapters.scheduler.times import next_fire_times
from growlearn.adapters.sources import check_source_url
from growlearn.adapters.sources.deposit import choose_name_by_content, deposit_file
from growlearn.app.api.context import ApiContext
from growlearn.domain.stream import Stream


def deposit_once(
    context: ApiContext, stream: Stream, prefix: str, content: bytes, suffix: str
) -> dict[str, Any]:
    """Write a file named by its content; the answer's `created` is false where it was there already.

    Raises GrowLearnError where the source takes no such file, or it cannot be written.
    """
    source = stream.job.source
    name = choose_name_by_content(source, prefix, content, suffix)
    check_source_url(source.url, context.settings.protocols)
    return {
        "file": name,
        "sha256": sha256(content).hexdigest(),
        "created": deposit_file(source, name, content),
        "next_look": next_fire_times(stream.job.schedule, context.clock.now(), 1)[0].isoformat(),
    }
