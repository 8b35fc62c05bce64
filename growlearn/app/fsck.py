"""Verifies the whole record and the whole file store: every reference, and the hash of every file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from growlearn.adapters.files.artifacts import FileArtifacts, StoredFile
from growlearn.domain.corrupt_manifest import find_manifest_error
from growlearn.domain.errors import CorruptArtifact, GrowLearnError
from growlearn.domain.stream import Stream
from growlearn.ports import Store
from growlearn.registry.consistency import find_contradictions, load_stream_rows
from growlearn.registry.references import iter_recorded_digests

if TYPE_CHECKING:
    from sqlalchemy import Engine

OnProgress = Callable[[int, int], None]
"""Called with the files read and their number."""

_BACKUP_HINT = "bring it back from a backup of the artifacts, under the same name"
_DATABASE_HINT = "restore the database from a backup"


class DamageKind(StrEnum):
    """What is wrong."""

    MISSING_FILE = "missing file"  # the record refers to it
    CHANGED_FILE = "changed file"  # its content does not have the hash in its name
    CHANGED_MANIFEST = "changed manifest"
    DANGLING_ROW = "dangling row"  # it names a row that does not exist
    CONTRADICTION = "contradiction"  # two rows say different things
    UNREADABLE = "unreadable"  # the database, a row, or the folder of artifacts


@dataclass(frozen=True, kw_only=True)
class Damage:
    """One finding: what is wrong, what needs it, and the fix."""

    kind: DamageKind
    message: str
    hint: str
    stream: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """Everything found; files that no row refers to are no damage: a killed process leaves some."""

    streams: int
    references: int
    removed: int  # references to files that retention removed
    files: int
    bytes_read: int
    damage: Sequence[Damage]
    unreferenced: Sequence[StoredFile]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damage


@dataclass
class _References:
    """What needs each file, and the damage found while reading the record."""

    owners: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    damage: list[Damage] = field(default_factory=list)


def inspect_installation(
    store: Store,
    engine: Engine,
    artifacts: FileArtifacts,
    on_progress: OnProgress = lambda _done, _total: None,
) -> Inspection:
    """Read every row, then every file; changes nothing, and goes on after each damage it finds.

    The record is read first: a file stored meanwhile is unreferenced at worst, never missing.
    """
    damage = list(_inspect_database(engine))
    references = _References(damage=damage)
    try:
        streams = store.streams()
    except GrowLearnError as error:
        damage.append(_unreadable(error))
        streams = ()
    for stream in streams:
        _inspect_stream(store, stream, references)
    try:
        files = artifacts.list_files()
        bytes_read = _inspect_files(files, artifacts, references, on_progress)
    except GrowLearnError as error:
        damage.append(_unreadable(error))
        files, bytes_read = [], 0
    present = {file.sha256 for file in files}
    return Inspection(
        streams=len(streams),
        references=len(references.owners),
        removed=sum(digest in references.removed and digest not in present for digest in references.owners),
        files=len(files),
        bytes_read=bytes_read,
        damage=damage,
        unreferenced=[file for file in files if file.sha256 not in references.owners],
    )


def _inspect_database(engine: Engine) -> Iterator[Damage]:
    from growlearn.adapters.db.health import find_integrity_error, list_dangling_rows

    broken = find_integrity_error(engine, full=True)
    if broken is not None:
        yield Damage(
            kind=DamageKind.UNREADABLE, message=f"the database is damaged: {broken}", hint=_DATABASE_HINT
        )
    for rows in list_dangling_rows(engine):
        message = (
            f"{rows.count} rows of {rows.table} name a row of {rows.other} that does not exist, by "
            f"{', '.join(rows.columns)}; first {rows.example}"
        )
        yield Damage(kind=DamageKind.DANGLING_ROW, message=message, hint=_DATABASE_HINT)


def _inspect_stream(store: Store, stream: Stream, references: _References) -> None:
    name = stream.name
    try:
        for version in store.versions(name):
            error = find_manifest_error(version)
            if error is not None:
                references.damage.append(
                    Damage(
                        kind=DamageKind.CHANGED_MANIFEST,
                        message=error.message,
                        hint=_DATABASE_HINT,
                        stream=name,
                    )
                )
        for digest, where in iter_recorded_digests(store, stream):
            references.owners.setdefault(digest, where)
        references.removed.update(store.removed_files(name))
        for contradiction in dict.fromkeys(find_contradictions(load_stream_rows(store, stream))):
            message = f"stream {name!r}: {contradiction}"
            references.damage.append(
                Damage(kind=DamageKind.CONTRADICTION, message=message, hint=_DATABASE_HINT, stream=name)
            )
    except GrowLearnError as error:
        references.damage.append(_unreadable(error, name))


def _inspect_files(
    files: Sequence[StoredFile], artifacts: FileArtifacts, references: _References, on_progress: OnProgress
) -> int:
    """Hash every file, and note those that are missing; returns how many bytes were read."""
    there = {file.sha256: file for file in files if file.sha256 is not None}
    gone = [digest for digest in references.owners if digest not in there]
    digests = [*there, *(digest for digest in gone if digest not in references.removed)]
    bytes_read = 0
    for done, digest in enumerate(digests):
        on_progress(done, len(digests))
        owner = references.owners.get(digest)
        try:
            bytes_read += len(artifacts.view(digest))
        except CorruptArtifact as error:
            needed = "no row refers to it" if owner is None else f"needed by {owner}"
            references.damage.append(
                Damage(
                    kind=DamageKind.CHANGED_FILE if digest in there else DamageKind.MISSING_FILE,
                    message=f"{error.message}; {needed}",
                    hint=_BACKUP_HINT if owner is not None else "delete it",
                    sha256=digest,
                )
            )
    on_progress(len(digests), len(digests))
    return bytes_read


def _unreadable(error: GrowLearnError, stream: str | None = None) -> Damage:
    message = error.message if stream is None else f"stream {stream!r}: {error.message}"
    hint = error.hint or _DATABASE_HINT
    return Damage(kind=DamageKind.UNREADABLE, message=message, hint=hint, stream=stream)
