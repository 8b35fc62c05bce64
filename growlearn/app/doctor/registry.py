"""Checks the registered models: whether versions and aliases are in MLflow as the record has them."""

from __future__ import annotations

from collections.abc import Iterator

from growlearn.app.doctor.context import StoreContext
from growlearn.app.doctor.finding import Finding, error_finding, ok_finding, pluralize, warning_finding
from growlearn.domain.stream import Stream


def registry(context: StoreContext) -> Iterator[Finding]:
    """Every alias that does not stand where the record has it, and every registered version that is gone."""
    registered = [
        stream
        for stream in context.store.streams()
        if any(version.mlflow_version for version in context.store.versions(stream.name))
    ]
    findings = [finding for stream in registered for finding in _check_stream(context, stream)]
    yield from findings
    if not findings:
        yield ok_finding("registry", f"{pluralize(len(registered), 'registered model')} as recorded")


def _check_stream(context: StoreContext, stream: Stream) -> Iterator[Finding]:
    from growlearn.app.composition import open_tracker
    from growlearn.registry.registered_model import find_lost, find_moved_aliases

    tracker = open_tracker(context.settings)
    model = tracker.read_registered_model(stream, context.store.versions(stream.name))
    if model is None:  # the outbox check reports a store that is gone
        return
    for moved in find_moved_aliases(stream, model):
        yield error_finding("registry", moved.message, moved.hint)
    lost = find_lost(context.store, stream, model)
    if lost:
        hint = f"run: growlearn up, or growlearn run {stream.name}; it is registered again"
        yield warning_finding("registry", f"{lost} of stream {stream.name!r} no longer in MLflow", hint)
