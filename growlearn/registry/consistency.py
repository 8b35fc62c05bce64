"""Whether the rows of a stream agree: what they name exists, and what is said twice is equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from growlearn.domain.corrupt_manifest import find_manifest_error
from growlearn.domain.lineage import BranchRecord, Manifest, Task, Version
from growlearn.domain.stream import Alias, AliasChange, Stream
from growlearn.domain.window import Window
from growlearn.ports import Store
from growlearn.registry.records import CandidatePlan


@dataclass(frozen=True, kw_only=True)
class StreamRows:
    """The rows of one stream that refer to each other; `plans` by window."""

    stream: Stream
    versions: Sequence[Version]
    branches: Sequence[BranchRecord]
    tasks: Sequence[Task]
    windows: Sequence[Window]
    alias_changes: Sequence[AliasChange]
    file_windows: Sequence[tuple[str, str]]  # file and window
    plans: Sequence[CandidatePlan]


def load_stream_rows(store: Store, stream: Stream) -> StreamRows:
    """Read them; each window's first plan is the one that names its parent version."""
    name = stream.name
    transitions = [entry.transition for entry in store.decision_log(name) if entry.transition is not None]
    return StreamRows(
        stream=stream,
        versions=store.versions(name),
        branches=store.branches(name),
        tasks=store.tasks(name),
        windows=store.windows(name),
        alias_changes=store.alias_changes(name),
        file_windows=[(file.url, window) for file in store.ingested_files(name) for window in file.windows],
        plans=[transition.plan for transition in transitions if transition.plan is not None],
    )


def find_contradictions(rows: StreamRows) -> Iterator[str]:
    """Each contradiction in one sentence, without the stream's name; corrupt manifests are left out."""
    yield from _check_aliases(rows)
    for version in rows.versions:
        yield from _check_version(rows, version)
    yield from _check_branches(rows)
    yield from _check_tasks(rows)
    yield from _check_windows(rows)
    yield from _check_plans(rows)


def _intact_manifests(rows: StreamRows) -> dict[int, Manifest]:
    return {
        version.number: version.manifest for version in rows.versions if find_manifest_error(version) is None
    }


def _check_aliases(rows: StreamRows) -> Iterator[str]:
    stream, numbers = rows.stream, {version.number for version in rows.versions}
    for what in ("champion", "challenger", "parent_version"):
        number = getattr(stream, what)
        if number is not None and number not in numbers:
            yield f"its {what} is version {number}, which does not exist"
    for alias in Alias:
        changes = [change for change in rows.alias_changes if change.alias is alias]
        last = changes[-1].after if changes else None
        if getattr(stream, alias) != last:
            yield f"its {alias} is version {getattr(stream, alias)}, but the last change of it was to {last}"


def _check_version(rows: StreamRows, version: Version) -> Iterator[str]:
    label = f"version {version.number}"
    if version.parent is not None and version.parent not in {other.number for other in rows.versions}:
        yield f"{label} grew from version {version.parent}, which does not exist"
    if find_manifest_error(version) is not None:
        return
    manifest = version.manifest
    if manifest.stream != version.stream:
        yield f"{label} has the manifest of stream {manifest.stream!r}"
    if tuple(branch.id for branch in manifest.branches) != version.branches:
        yield f"{label} has other branches than its manifest"
    if tuple(head.name for head in manifest.tasks) != version.tasks:
        yield f"{label} has other tasks than its manifest"
    stored = {branch.id: branch.sha256 for branch in rows.branches}
    for branch in manifest.branches:
        if stored.get(branch.id) != branch.sha256:
            yield f"{label} has other weights of branch {branch.id} than the branch's own row"
    known = {branch.id for branch in manifest.branches}
    for head in manifest.tasks:
        for missing in sorted(set(head.lineage) - known):
            yield f"task {head.name!r} of {label} reads branch {missing}, which its manifest lacks"


def _check_branches(rows: StreamRows) -> Iterator[str]:
    ids, numbers = {branch.id for branch in rows.branches}, {version.number for version in rows.versions}
    for branch in rows.branches:
        for what, other in (("parent", branch.parent), ("stem", branch.stem)):
            if other is not None and other not in ids:
                yield f"branch {branch.id} has the {what} {other}, which does not exist"
        if branch.version is not None and branch.version not in numbers:
            yield f"branch {branch.id} is of version {branch.version}, which does not exist"


def _check_tasks(rows: StreamRows) -> Iterator[str]:
    manifests, numbers = _intact_manifests(rows), {version.number for version in rows.versions}
    for task in rows.tasks:
        label = f"task {task.name!r} of version {task.version}"
        if task.version not in numbers:
            yield f"{label}: that version does not exist"
        if task.version not in manifests:
            continue
        head = next((head for head in manifests[task.version].tasks if head.name == task.name), None)
        if head is None:
            yield f"{label} is not in the version's manifest"
        elif (head.sha256, head.classes, head.lineage) != (task.head, task.classes, task.lineage):
            yield f"{label} has another head, other classes or another lineage than the version's manifest"


def _check_windows(rows: StreamRows) -> Iterator[str]:
    ids = {window.id for window in rows.windows}
    for url, window in rows.file_windows:
        if window not in ids:
            yield f"file {url!r} belongs to window {window}, which does not exist"
    for version in rows.versions:
        if version.window not in ids:
            yield f"version {version.number} is of window {version.window}, which does not exist"


def _check_plans(rows: StreamRows) -> Iterator[str]:
    manifests, numbers = _intact_manifests(rows), {version.number for version in rows.versions}
    for plan in rows.plans:
        parent = plan.parent_version
        if parent is not None and parent not in numbers:
            yield f"the plan of {plan.window} grows from version {parent}, which does not exist"
        elif parent in manifests and plan.parent_manifest != manifests[parent]:
            yield f"the plan of {plan.window} has another manifest than version {parent}, which it grows from"
