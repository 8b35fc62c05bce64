"""What a file is for labels that come apart from their rows, in a stream whose schema names a key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from growlearn.domain.labels import EarlyLabels, Joining
from growlearn.ingest.early import fill_from_early, kept_early, unexpired, without_early
from growlearn.ingest.flaws import bad_rows
from growlearn.ingest.formats import Loaded
from growlearn.ingest.intake import Intake, Made, new_window, told, without_rows
from growlearn.ingest.joining import Joined, join_labels
from growlearn.ingest.label_file import read_labels
from growlearn.ingest.past import Past
from growlearn.ingest.table_rows import Parsed


def take_labels(intake: Intake, loaded: Loaded, past: Past) -> Made:
    """Labels of a file that has nothing else, joined to the windows there are; the others are kept.

    A file none of whose labels can be used becomes a quarantined window.
    """
    labels, flaws = read_labels(loaded, intake.schema, past.label_kind)
    if not labels:
        empty = without_rows(new_window(intake), flaws)
        return Made((empty,), bad_rows(flaws, empty.id), 0)
    early = _waiting(intake, past)
    joined = join_labels(labels, past.windows, intake.schema, intake.artifacts)
    without_early(joined, early, intake.schema, intake.artifacts.get)
    new: tuple[EarlyLabels, ...] = ()
    if joined.left:
        new = (kept_early(joined.left, intake.file.url, intake.at, intake.artifacts),)
    joining = Joining(
        last_window=past.last_window,
        early_before=past.early,
        early=(*early, *new),
        relabelled=tuple(joined.relabelled),
    )
    kept_out = sorted((*bad_rows(flaws), *joined.refused), key=lambda bad: bad.row)
    note = told(_what_joined(joined), _forgotten(past, early))
    return Made((), tuple(kept_out), len(labels), joining=joining, note=note)


def with_early(intake: Intake, parsed: Parsed, past: Past) -> tuple[Parsed, Joining | None, str | None]:
    """A file's rows with the labels that came before them, what is left of those, and what to tell of it."""
    if intake.schema.key is None:
        return parsed, None, None
    early = _waiting(intake, past)
    rows, left = fill_from_early(parsed.rows, early, intake.artifacts)
    joining = Joining(last_window=past.last_window, early_before=past.early, early=left)
    found = sum(each.labels for each in early) - sum(each.labels for each in left)
    note = f"{_labels(found)} that came earlier met their rows" if found else None
    return replace(parsed, rows=rows), joining, told(note, _forgotten(past, early))


def _waiting(intake: Intake, past: Past) -> tuple[EarlyLabels, ...]:
    return unexpired(past.early, intake.at, intake.stream.job.labels.wait_s)


def _what_joined(joined: Joined) -> str:
    count = sum(change.labels for change in joined.relabelled)
    windows = ", ".join(change.window for change in reversed(joined.relabelled))
    parts = [f"{_labels(count)} joined" + (f" to {windows}" if windows else "")]
    if joined.known:
        parts.append(f"{joined.known} known already")
    if joined.left:
        parts.append(f"{len(joined.left)} of rows not seen yet, kept until these come")
    return ", ".join(parts)


def _forgotten(past: Past, kept: Sequence[EarlyLabels]) -> str | None:
    gone = sum(each.labels for each in past.early) - sum(each.labels for each in kept)
    return f"{_labels(gone)} forgotten whose rows never came" if gone else None


def _labels(count: int) -> str:
    return f"{count} label{'' if count == 1 else 's'}"
