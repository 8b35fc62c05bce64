"""One file of a source -> the windows it became."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from growlearn.domain.errors import GrowLearnError, UnreadableFile
from growlearn.domain.stream import Stream
from growlearn.domain.window import IngestedFile, SeenFile, SourceFile
from growlearn.ingest.batches import Batch, batches
from growlearn.ingest.flaws import bad_rows
from growlearn.ingest.gather import gather
from growlearn.ingest.intake import (
    Intake,
    Made,
    accepted,
    new_window,
    quarantined,
    start_intake,
    without_rows,
)
from growlearn.ingest.label_file import is_label_file
from growlearn.ingest.label_intake import take_labels, with_early
from growlearn.ingest.past import Past
from growlearn.ingest.table_rows import Parsed, load_chosen, parse_loaded
from growlearn.ports import Artifacts

Read = Callable[[], Mapping[str, bytes]]
"""Content of a file by relative path; raises UnreadableFile or NotReadable."""


def ingest(
    stream: Stream,
    file: SourceFile,
    read: Read,
    past: Past,
    artifacts: Artifacts,
    at: datetime,
) -> IngestedFile:
    """Read one file, check every row, and store what is good; `past` is what the stream has so far.

    A file that cannot be used becomes one quarantined window; one whose content was taken in before
    becomes none where it was only touched. Raises NotReadable where the file is not whole yet, and
    what the artifacts raise.
    """
    digest: str | None = None
    intake = start_intake(stream, file, past.windows, artifacts, at)
    try:
        blobs = _content(file, read)
        digest = content_hash(blobs)
        before = past.same_content(digest)
        made = _seen_before(before, file) if before is not None else _fresh(intake, blobs, past)
    except UnreadableFile as error:
        again = start_intake(
            stream, file, past.windows, artifacts, at
        )  # numbers given out meanwhile are free
        made = Made((quarantined(new_window(again), str(error), 0),), (), 0)
    numbers = {window.number for window in made.windows}
    return IngestedFile(
        stream=stream.name,
        file=file,
        sha256=digest,
        schema=stream.job.schema.digest,
        rows=made.rows,
        windows=made.windows,
        bad_rows=made.bad_rows,
        at=at,
        filled=tuple(window for window in past.windows if window.number in numbers),
        before=made.before,
        joining=made.joining,
        note=made.note,
    )


def _seen_before(before: SeenFile, file: SourceFile) -> Made:
    """A file that was only touched makes nothing; the same content by another name is refused."""
    if before.url != file.url:
        raise UnreadableFile(f"same content as {before.url.rpartition('/')[2]}, taken in before")
    return Made((), (), before.rows, before.windows)


def _fresh(intake: Intake, blobs: Mapping[str, bytes], past: Past) -> Made:
    with _understanding():
        loaded = load_chosen(blobs, intake.schema)
        if is_label_file(loaded.table.column_names, intake.schema):
            return take_labels(intake, loaded, past)
        parsed = parse_loaded(loaded, intake.schema, label_kind=past.label_kind)
    parsed, joining, note = with_early(intake, parsed, past)
    return replace(_of_rows(replace(intake, note=parsed.note), parsed), joining=joining, note=note)


def _of_rows(intake: Intake, parsed: Parsed) -> Made:
    parts = [_windows(intake, batch) for batch in batches(parsed)]
    return Made(
        tuple(window for part in parts for window in part.windows),
        tuple(sorted((bad for part in parts for bad in part.bad_rows), key=lambda bad: bad.row)),
        sum(part.rows for part in parts),
    )


def _windows(intake: Intake, batch: Batch) -> Made:
    """Windows of one task's rows by the job's rule."""
    if intake.stream.job.window.rows is not None:
        return gather(intake, batch, intake.stream.job.window.rows)
    window = new_window(intake, batch.task)
    kept_out = bad_rows(batch.flaws, window.id)
    if len(batch.rows) == 0:
        return Made((without_rows(window, batch.flaws),), kept_out, 0)
    window = replace(window, quarantined_rows=len(batch.flaws))
    return Made((accepted(intake, window, batch.rows, batch.flaws),), kept_out, len(batch.rows))


def content_hash(blobs: Mapping[str, bytes]) -> str:
    """sha256 of a file's bytes; of the sorted names and hashes where there are several files."""
    if len(blobs) == 1:
        return sha256(next(iter(blobs.values()))).hexdigest()
    listing = "".join(f"{sha256(blob).hexdigest()}  {name}\n" for name, blob in sorted(blobs.items()))
    return sha256(listing.encode(errors="surrogateescape")).hexdigest()


def _content(file: SourceFile, read: Read) -> Mapping[str, bytes]:
    if file.refused:
        raise UnreadableFile(f"{file.url.rpartition('/')[2]} {file.refused}; it was not opened")
    return read()


@contextmanager
def _understanding() -> Iterator[None]:
    """Set aside even a file that trips us, so that it cannot stop those behind it."""
    try:
        yield
    except (GrowLearnError, MemoryError):
        raise
    except Exception as error:
        raise UnreadableFile(
            f"the file could not be understood: {type(error).__name__}: {error}",
            cure="this should not happen: please report it with the file",
        ) from error
