"""The composition root: builds the store, artifacts, tracker and ports from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from growlearn.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from growlearn.app.alert_sender import SendAlert
    from growlearn.app.reproduce import ScratchTraining
    from growlearn.domain.alert import FoldedAlert
    from growlearn.network.model_cache import ModelCache
    from growlearn.pipeline.context import Ports
    from growlearn.ports import (
        AlertQueue,
        ApiRecords,
        Clock,
        Engine,
        Evaluator,
        RemovableArtifacts,
        Store,
        Tracker,
    )


def open_store(settings: Settings) -> Store:
    """The store of these settings.

    Tables are created in a SQLite database that has none; any other database without the newest tables is
    a GrowLearnError that asks for `growlearn db upgrade`.
    """
    from growlearn.adapters.db.revision import is_uninitialized_sqlite
    from growlearn.adapters.db.store import open_db_store

    if is_uninitialized_sqlite(settings.database_url):
        from growlearn.adapters.db.migrate import upgrade_database

        upgrade_database(settings.database_url)
    return open_db_store(settings.database_url)


def open_api_records(settings: Settings) -> ApiRecords:
    """Keys and answered requests of the HTTP API, in the same database; open the store first."""
    from growlearn.adapters.db.api_records import open_db_api_records

    return open_db_api_records(settings.database_url)


def open_alert_queue(settings: Settings) -> AlertQueue:
    """The alerts to be sent, in the same database; open the store first."""
    from growlearn.adapters.db.alerts import open_db_alert_queue

    return open_db_alert_queue(settings.database_url)


def build_alert_sending(settings: Settings) -> SendAlert | None:
    """What posts an alert to the webhook; None where there is none."""
    if not settings.webhook_url:
        return None
    from growlearn.adapters.webhook.body import FORMATS
    from growlearn.adapters.webhook.send import post

    write_body = FORMATS[settings.webhook_format]

    def send(folded: FoldedAlert) -> None:
        post(settings.webhook_url, write_body(folded), settings.webhook_secret, system_clock().now())

    return send


def system_clock() -> Clock:
    """The time of day."""
    from growlearn.adapters.memory.clock import SystemClock

    return SystemClock()


def open_artifacts(settings: Settings) -> RemovableArtifacts:
    """Where weights and snapshots are kept."""
    from growlearn.adapters.files.artifacts import FileArtifacts

    return FileArtifacts(settings.artifacts_url)


def open_tracker(settings: Settings) -> Tracker:
    """The MLflow tracker; MLflow itself is imported at the first delivery."""
    from growlearn.adapters.mlflow.tracker import MlflowTracker

    return MlflowTracker(settings.mlflow_tracking_uri, open_artifacts(settings))


ENCODED_FOLDER = "encoded"
"""In the scratch folder: features of encoded rows, which training and evaluation share."""


def open_models(settings: Settings) -> ModelCache:
    """The models and snapshots that this process opens, on its device."""
    from growlearn.network.encoders.cache import keep_features_in
    from growlearn.network.model_cache import ModelCache

    keep_features_in(settings.scratch / ENCODED_FOLDER)
    return ModelCache(open_artifacts(settings), open_process_device(settings))


def open_process_device(settings: Settings) -> torch.device:
    """The device of this process; raises GrowLearnError where this machine has no such device."""
    from growlearn.adapters.engines.plan_device import DEVICE_SETTING
    from growlearn.network.devices import open_device

    return open_device(settings.device, DEVICE_SETTING)


def build_evaluator(models: ModelCache) -> Evaluator:
    """The evaluator that counts correct predictions."""
    from growlearn.adapters.avalanche.evaluator import AvalancheEvaluator

    return AvalancheEvaluator(models)


def build_ports(settings: Settings, store: Store) -> Ports:
    """Everything a cycle needs from outside, with training in a child process, or on what that drives."""
    import torch

    from growlearn.adapters.engines.subprocess_engine import SubprocessEngine
    from growlearn.app.training_process import build_training_environment

    torch.set_num_threads(settings.threads)
    models = open_models(settings)
    engine = SubprocessEngine(
        _build_engine_command(settings),
        build_training_environment(settings.threads),
        preload=_import_evaluation_and_delivery,
        addresses=(settings.artifacts_url,),
    )
    return _join_ports(settings, store, models, engine, build_evaluator(models))


def build_local_ports(settings: Settings, store: Store) -> Ports:
    """Everything a cycle needs from outside, all in this process: no child, and no import of Avalanche."""
    from growlearn.adapters.engines.local import LocalEngine
    from growlearn.adapters.memory.evaluator import NumpyEvaluator

    models = open_models(settings)
    engine = LocalEngine(models.artifacts, settings.scratch, settings.device)
    return _join_ports(settings, store, models, engine, NumpyEvaluator(models))


def _join_ports(
    settings: Settings, store: Store, models: ModelCache, engine: Engine, evaluator: Evaluator
) -> Ports:
    from growlearn.adapters.sources import open_source
    from growlearn.pipeline.context import Ports

    return Ports(
        clock=system_clock(),
        store=store,
        engine=engine,
        evaluator=evaluator,
        models=models,
        open_source=lambda spec: open_source(spec, system_clock(), settings.protocols, settings.connections),
        worker=settings.worker,
        lease_s=settings.lease_s,
        limits=settings.file_limits,
        max_concurrent_windows=settings.max_concurrent_windows,
    )


def _build_engine_command(settings: Settings) -> list[str]:
    if settings.engine == "ray":
        from growlearn.app.ray_driver import build_driver_command

        return build_driver_command(settings)
    from growlearn.app.training_process import build_training_command

    return build_training_command(settings.scratch, settings.threads, settings.device)


def _import_evaluation_and_delivery() -> None:
    """Import Avalanche and MLflow, in the order of their use: it takes seconds while a child trains."""
    import growlearn.adapters.avalanche.task_accuracy  # noqa: F401
    from growlearn.adapters.mlflow.preload import preload_delivery

    preload_delivery()


def open_scratch_training(settings: Settings, folder: Path, threads: int, device: str) -> ScratchTraining:
    """An engine like a cycle's, with the given threads and device, that writes only to the folder."""
    from growlearn.adapters.engines.subprocess_engine import SubprocessEngine
    from growlearn.adapters.files.artifacts import FileArtifacts
    from growlearn.adapters.memory.overlay import OverlayArtifacts
    from growlearn.app.reproduce import ScratchTraining
    from growlearn.app.training_process import build_training_command, build_training_environment

    artifacts_folder = folder / "artifacts"
    artifacts_folder.mkdir()
    engine = SubprocessEngine(
        build_training_command(folder / "scratch", threads, device),
        build_training_environment(threads),
        addresses=(str(artifacts_folder), settings.artifacts_url),
    )
    return ScratchTraining(
        engine, OverlayArtifacts(FileArtifacts(artifacts_folder), open_artifacts(settings))
    )
