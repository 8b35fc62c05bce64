"""Checks manifests, weights and rows of models in use and of unfinished windows: present and unchanged."""

from __future__ import annotations

from collections.abc import Iterator

from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.app.doctor.context import StoreContext
from growlearn.app.doctor.finding import Finding, error_finding, ok_finding, pluralize
from growlearn.domain.corrupt_manifest import find_manifest_error
from growlearn.domain.errors import CorruptArtifact
from growlearn.registry.references import iter_used_digests, list_versions_in_use


def artifacts(context: StoreContext) -> Iterator[Finding]:
    """Every manifest or artifact that is missing or does not match its sha256, and how many were read."""
    file_artifacts = FileArtifacts(context.settings.artifacts_url)
    referenced: dict[str, str] = {}
    bytes_read = damaged = 0
    for stream in context.store.streams():
        for version in list_versions_in_use(context.store, stream):
            error = find_manifest_error(version)
            if error is not None:
                damaged += 1
                yield error_finding("artifacts", error.message, error.hint)
        for digest, where in iter_used_digests(context.store, stream):
            referenced.setdefault(digest, where)
    for digest, where in referenced.items():
        try:
            bytes_read += len(file_artifacts.view(digest))
        except CorruptArtifact as error:
            damaged += 1
            yield error_finding("artifacts", f"{error.message}; needed by {where}", error.hint)
    summary = f"{pluralize(len(referenced), 'artifact')} in use, {bytes_read / 1e6:.1f} MB, were read"
    if not damaged:
        yield ok_finding("artifacts", f"{summary}; each matches its sha256")
