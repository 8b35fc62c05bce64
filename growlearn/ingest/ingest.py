"""One file of a source -> the windows it became."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from growlearn.domain.errors import GrowLearnError, UnreadableFile
from growlearn.domain.stream import Stream
from growlearn.domain.window import BadRow, IngestedFile, SourceFile, Window
from growlearn.ingest.batches import batches
from growlearn.ingest.flaws import Flaw, bad_rows
from growlearn.ingest.gather import gather
from growlearn.ingest.intake import Intake, accepted, new_window, quarantined, start_intake, without_rows
from growlearn.ingest.table_rows import Parsed, parse
from growlearn.ports import Artifacts

Read = Callable[[], Mapping[str, bytes]]
"""Content of a file by relative path; raises UnreadableFile or StillWriting."""


def ingest(
    stream: Stream,
    file: SourceFile,
    read: Read,
    windows: Sequence[Window],
    artifacts: Artifacts,
    at: datetime,
) -> IngestedFile:
    """Read one file, check every row, and store what is good; `windows` are all the stream has so far.

    A file that cannot be used becomes one quarantined window. Raises StillWriting where the file is
    not whole yet, and what the artifacts raise.
    """
    digest: str | None = None
    intake = start_intake(stream, file, windows, artifacts, at)
    kept_out: tuple[BadRow, ...] = ()
    try:
        blobs = _content(file, read)
        digest = content_hash(blobs)
        parsed = _parse(blobs, stream)
        made, flaws = _windows(replace(intake, note=parsed.note), parsed)
        kept_out = bad_rows(flaws)
    except UnreadableFile as error:
        again = start_intake(stream, file, windows, artifacts, at)  # numbers given out meanwhile are free
        made = [quarantined(new_window(again), str(error), 0)]
    numbers = {window.number for window in made}
    return IngestedFile(
        stream=stream.name,
        file=file,
        sha256=digest,
        windows=tuple(made),
        bad_rows=kept_out,
        at=at,
        filled=tuple(window for window in windows if window.number in numbers),
    )


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


def _parse(blobs: Mapping[str, bytes], stream: Stream) -> Parsed:
    """Parse, and set aside even a file that trips us, so that it cannot stop those behind it."""
    try:
        return parse(blobs, stream.job.schema)
    except (GrowLearnError, MemoryError):
        raise
    except Exception as error:
        raise UnreadableFile(
            f"the file could not be understood: {type(error).__name__}: {error}",
            cure="this should not happen: please report it with the file",
        ) from error


def _windows(intake: Intake, parsed: Parsed) -> tuple[list[Window], Mapping[int, Flaw]]:
    """Windows by the job's rule, and every bad row of the file."""
    size = intake.stream.job.window.rows
    made: list[Window] = []
    flaws = dict(parsed.flaws)
    for batch in batches(parsed):
        if size is not None:
            touched, repeated = gather(intake, batch, size)
            made += touched
            flaws |= repeated
        elif len(batch.rows) == 0:
            made.append(without_rows(new_window(intake, batch.task), batch.flaws))
        else:
            window = replace(new_window(intake, batch.task), quarantined_rows=len(batch.flaws))
            made.append(accepted(intake, window, batch.rows, batch.flaws))
    return made, flaws
