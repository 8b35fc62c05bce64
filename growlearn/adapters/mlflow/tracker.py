"""The tracker port on MLflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from growlearn.adapters.mlflow.errors import tracker_errors
from growlearn.domain.stream import Alias, Receipt, Stream
from growlearn.ports import Artifacts, CycleRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient


class MlflowTracker:
    """Mirrors the record into one MLflow store: SQLite beside its artifacts, or a server over http.

    MLflow itself is imported at the first call, since that takes seconds. Every method raises
    TrackerUnavailable where MLflow fails, and may then be called again.
    """

    def __init__(self, tracking_uri: str, artifacts: Artifacts) -> None:
        self._tracking_uri = tracking_uri
        self._artifacts = artifacts
        self._client: MlflowClient | None = None

    def log_cycle(self, record: CycleRecord) -> Receipt:
        """One run a window, with a registered model version where the window made a version."""
        with self._session() as client:
            return _log_cycle(client, record, self._artifacts)

    def set_aliases(self, stream: Stream, versions: Mapping[Alias, str | None]) -> None:
        """Make each alias of the registered model point at that tracker version; None removes it."""
        from growlearn.adapters.mlflow.versions import point_aliases  # noqa: PLC0415 - imports mlflow

        with self._session() as client:
            point_aliases(client, stream, versions)

    @contextmanager
    def _session(self) -> Iterator[MlflowClient]:
        from growlearn.adapters.mlflow.client import (  # noqa: PLC0415 - imports mlflow
            alone,
            open_client,
            sqlite_file,
        )

        with tracker_errors(self._tracking_uri), alone(sqlite_file(self._tracking_uri)):
            if self._client is None:
                self._client = open_client(self._tracking_uri)
            yield self._client


def _log_cycle(client: MlflowClient, record: CycleRecord, artifacts: Artifacts) -> Receipt:
    """Find or make the run, then bring everything it lacks; finished last, so that nothing is missed."""
    from growlearn.adapters.mlflow import metrics, runs, versions  # noqa: PLC0415 - imports mlflow
    from growlearn.adapters.mlflow.evaluation import measured  # noqa: PLC0415 - imports matplotlib

    stream, version = record.stream, record.version
    run = runs.open_run(client, record)
    run_id = run.info.run_id
    if runs.is_finished(run):
        known = None if version is None else versions.find_version(client, stream, version)
        if version is None or known is not None:
            return Receipt(run_id=run_id, model_version=None if known is None else str(known.version))
    model = None if version is None else versions.log_model(client, run, record, version, artifacts)
    tasks = measured(record, artifacts)
    figures = metrics.figures(record, tasks, model_id=None if model is None else model.model_id)
    runs.log_facts(client, run, record, tasks, metrics.curves(record) + figures)
    number = None
    if version is not None and model is not None:
        number = versions.register(client, run, record, version, model)
    runs.finish(client, run, record)
    return Receipt(run_id=run_id, model_version=number)
