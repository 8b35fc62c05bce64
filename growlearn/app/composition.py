"""The one place where settings become a record, artifacts, a tracker and the ports of a cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from growlearn.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from growlearn.app.reproducing import Workshop
    from growlearn.ports import Artifacts, Clock, Evaluator, Ports, Store, Tracker


def open_record(settings: Settings) -> Store:
    """The store of these settings.

    A SQLite database is made where it lacks our tables; any other one that lacks our newest tables is
    a GrowLearnError that asks for `growlearn db upgrade`.
    """
    from growlearn.adapters.db.revision import is_unmade_sqlite
    from growlearn.adapters.db.store import open_store

    if is_unmade_sqlite(settings.database_url):
        from growlearn.adapters.db.migrate import upgrade

        upgrade(settings.database_url)
    return open_store(settings.database_url)


def clock() -> Clock:
    """The time of day."""
    from growlearn.adapters.memory.clock import SystemClock

    return SystemClock()


def open_artifacts(settings: Settings) -> Artifacts:
    """Where weights and snapshots are kept."""
    from growlearn.adapters.files.artifacts import FileArtifacts

    return FileArtifacts(settings.artifacts_url)


def open_tracker(settings: Settings) -> Tracker:
    """The MLflow mirror of the record; MLflow itself is imported when it is first told something."""
    from growlearn.adapters.mlflow.tracker import MlflowTracker

    return MlflowTracker(settings.mlflow_tracking_uri, open_artifacts(settings))


def open_evaluator(settings: Settings) -> Evaluator:
    """What counts right answers."""
    from growlearn.adapters.avalanche.evaluator import AvalancheEvaluator
    from growlearn.growth.model.network import load_network

    artifacts = open_artifacts(settings)
    return AvalancheEvaluator(artifacts, lambda manifest: load_network(manifest, artifacts.get))


def cycle_ports(settings: Settings, store: Store) -> Ports:
    """Everything a cycle needs from outside, with training in a child process."""
    import torch

    from growlearn.adapters.engines.child import ChildEngine
    from growlearn.adapters.sources import open_source
    from growlearn.app.training import command, environment
    from growlearn.ports import Ports

    torch.set_num_threads(settings.threads)
    artifacts = open_artifacts(settings)
    return Ports(
        clock=clock(),
        store=store,
        artifacts=artifacts,
        engine=ChildEngine(
            command(settings.artifacts_url, settings.scratch, settings.threads), environment(settings.threads)
        ),
        evaluator=open_evaluator(settings),
        open_source=lambda spec: open_source(spec, clock()),
        worker=settings.worker,
        lease_s=settings.lease_s,
    )


def open_workshop(settings: Settings, folder: Path, threads: int) -> Workshop:
    """An engine like a cycle's, with so many threads; what it makes lands in the folder alone."""
    from growlearn.adapters.engines.child import ChildEngine
    from growlearn.adapters.files.artifacts import FileArtifacts
    from growlearn.adapters.memory.overlay import Overlay
    from growlearn.app.reproducing import Workshop
    from growlearn.app.training import command, environment

    made = folder / "artifacts"
    made.mkdir()
    training = command(str(made), folder / "scratch", threads, settings.artifacts_url)
    engine = ChildEngine(training, environment(threads))
    return Workshop(engine, Overlay(FileArtifacts(made), open_artifacts(settings)))
