"""Which stored files a stream no longer needs, by the job's `keep` and `keep_versions`: rules only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from growlearn.domain.corrupt_manifest import find_manifest_error
from growlearn.domain.lineage import Version
from growlearn.domain.stream import ALL_MESSAGES, Stream
from growlearn.domain.window import TRANSITIONS, Window, parse_window_number
from growlearn.ports import Store
from growlearn.registry.references import iter_digests, iter_recorded_digests
from growlearn.registry.version_tree import get_ancestry, select_version_tasks


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What a stream keeps and what it no longer needs; both empty of files where its job keeps everything."""

    stream: str
    kept_versions: tuple[int, ...]
    expired_versions: tuple[int, ...]
    expired_windows: tuple[str, ...]
    unneeded: tuple[str, ...]  # sha256, which no other stream needs either


def plan_retention(store: Store, now: datetime) -> tuple[Retention, ...]:
    """What each stream with `keep` or `keep_versions` no longer needs; files of other streams stay."""
    streams = store.streams()
    needed = {digest for stream in streams for digest in iter_needed_digests(store, stream, now)}
    return tuple(_plan_stream(store, stream, now, needed) for stream in streams if has_retention(stream))


def has_retention(stream: Stream) -> bool:
    """Whether the job lets anything go."""
    return stream.job.keep is not None or stream.job.keep_versions is not None


def _plan_stream(store: Store, stream: Stream, now: datetime, needed: set[str]) -> Retention:
    versions, windows = store.versions(stream.name), store.windows(stream.name)
    kept = _kept_versions(store, stream, versions, now)
    kept_windows = _kept_windows(store, stream, versions, windows, kept, now)
    recorded = dict.fromkeys(digest for digest, _ in iter_recorded_digests(store, stream))
    return Retention(
        stream=stream.name,
        kept_versions=tuple(sorted(kept)),
        expired_versions=tuple(version.number for version in versions if version.number not in kept),
        expired_windows=tuple(window.id for window in windows if window.id not in kept_windows),
        unneeded=tuple(digest for digest in recorded if digest not in needed),
    )


def iter_needed_digests(store: Store, stream: Stream, now: datetime) -> Iterator[str]:
    """sha256 of every file that a stream needs; every one it refers to where its job keeps everything.

    Needed are: the champion, the challenger, the parent of the next version and a canary's version, the
    newest `keep_versions` and those younger than `keep`, each with what verifies and reproduces it; the
    stored logits of their ancestors, which a candidate is compared with; windows that are not finished, that
    MLflow has not been told of, or that a challenger is compared on; and windows that may still get labels.
    """
    if not has_retention(stream):
        yield from (digest for digest, _ in iter_recorded_digests(store, stream))
        return
    versions = store.versions(stream.name)
    kept = _kept_versions(store, stream, versions, now)
    yield from _digests(stream.job)
    yield from _digests(tuple(store.pending_labels(stream.name)))
    yield from _iter_of_versions(store, stream, versions, kept)
    yield from _iter_of_windows(store, stream, versions, kept, now)


def _iter_of_versions(
    store: Store, stream: Stream, versions: Sequence[Version], kept: set[int]
) -> Iterator[str]:
    tasks = store.tasks(stream.name)
    for version in versions:
        if version.number not in kept:
            continue
        if find_manifest_error(version) is None:
            yield from _digests(version.manifest)
            yield from _digests(select_version_tasks(tasks, versions, version.number))
        for ancestor in get_ancestry(versions, version.number):
            yield from _digests(store.window_record(stream.name, ancestor.window).evaluation)


def _iter_of_windows(
    store: Store, stream: Stream, versions: Sequence[Version], kept: set[int], now: datetime
) -> Iterator[str]:
    windows = store.windows(stream.name)
    kept_windows = _kept_windows(store, stream, versions, windows, kept, now)
    for window in windows:
        if window.id in kept_windows:
            yield from _digests(window)
            yield from _digests(store.window_record(stream.name, window.id))
        elif _may_be_read(stream, versions, window, now):
            yield from _digests(window)
    for entry in store.decision_log(stream.name):
        transition = entry.transition
        if transition is not None and transition.window in kept_windows and _is_intact(transition.version):
            yield from _digests(transition)


def _is_intact(version: Version | None) -> bool:
    return version is None or find_manifest_error(version) is None


def _digests(value: object) -> Iterator[str]:
    return (digest for digest, _ in iter_digests(value, ""))


def _kept_versions(store: Store, stream: Stream, versions: Sequence[Version], now: datetime) -> set[int]:
    kept = set(stream.versions_in_use)
    kept |= {canary.version for canary in store.canaries.of_stream(stream.name) if canary.is_running}
    if stream.job.keep_versions is not None:
        kept |= {version.number for version in versions[-stream.job.keep_versions :]}
    if stream.job.keep_s is not None:
        kept |= {version.number for version in versions if _is_young(version.created_at, stream, now)}
    untold = _list_untold_windows(store, stream.name)
    return kept | {version.number for version in versions if version.window in untold}


def _kept_windows(
    store: Store,
    stream: Stream,
    versions: Sequence[Version],
    windows: Sequence[Window],
    kept: set[int],
    now: datetime,
) -> set[str]:
    """Windows all of whose files stay: unfinished, untold, of a kept version, or of none and young."""
    number_of = {version.window: version.number for version in versions}
    untold = _list_untold_windows(store, stream.name)
    return {
        window.id
        for window in windows
        if TRANSITIONS[window.state]
        or window.id in untold
        or (
            number_of[window.id] in kept
            if window.id in number_of
            else _is_young(window.updated_at, stream, now)
        )
    }


def _may_be_read(stream: Stream, versions: Sequence[Version], window: Window, now: datetime) -> bool:
    """Whether the rows of a finished window may still be joined with labels, or judge a challenger."""
    if stream.job.schema.id_column is not None:
        timeout = timedelta(seconds=stream.job.label_delay.timeout_s)
        if window.discovered_at >= now - timeout:
            return True
    challenger = next((version for version in versions if version.number == stream.challenger), None)
    return challenger is not None and window.number > parse_window_number(challenger.window)


def _is_young(at: datetime, stream: Stream, now: datetime) -> bool:
    keep_s = stream.job.keep_s
    return keep_s is None or at >= now - timedelta(seconds=keep_s)


def _list_untold_windows(store: Store, stream: str) -> set[str | None]:
    """Windows whose message the tracker has not got; their files are needed to send it."""
    pending = [pending.message for pending in store.outbox.pending(stream, limit=ALL_MESSAGES)]
    undeliverable = [item.message for item in store.outbox.undeliverable(stream)]
    return {message.window for message in (*pending, *undeliverable)}
