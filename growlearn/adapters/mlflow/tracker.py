"""The tracker port on MLflow."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from growlearn.adapters.mlflow.errors import TrackerUnavailable, wrap_tracker_errors
from growlearn.domain.lineage import Version
from growlearn.domain.registered_model import RegisteredModel
from growlearn.domain.stream import Alias, Stream, TrackerIds
from growlearn.ports import Artifacts, WindowReport

if TYPE_CHECKING:
    from mlflow import MlflowClient


class MlflowTracker:
    """Mirrors the record into one MLflow store: SQLite beside its artifacts, or a server over http.

    MLflow itself is imported at the first call, because that takes seconds. Every method raises
    TrackerUnavailable where MLflow fails, and may then be called again.
    """

    def __init__(self, tracking_uri: str, artifacts: Artifacts) -> None:
        self._tracking_uri = tracking_uri
        self._artifacts = artifacts
        self._client: MlflowClient | None = None

    def log_cycle(self, window_report: WindowReport) -> TrackerIds:
        """Log one run per window, with a registered model version where the window made a version."""
        with self._open_session() as client:
            return _log_window(client, window_report, self._artifacts)

    def set_aliases(
        self,
        stream: Stream,
        versions: Sequence[Version],
        targets: Mapping[Alias, int | None],
        *,
        take: bool = False,
    ) -> None:
        """Set each alias of the registered model to that version of the stream; None removes it."""
        from growlearn.adapters.mlflow.registered_model import read_with_client  # noqa: PLC0415 - as the next
        from growlearn.adapters.mlflow.versions import set_registered_aliases  # noqa: PLC0415 - imports mlflow

        with self._open_session() as client:
            model = read_with_client(client, stream, versions)
            set_registered_aliases(client, stream, model.list_changes(targets, take=take))

    def read_registered_model(self, stream: Stream, versions: Sequence[Version]) -> RegisteredModel | None:
        """What is registered of these versions, and where the aliases stand; None where there is no store.

        It changes nothing, and imports MLflow only for a server.
        """
        from growlearn.adapters.mlflow.client import get_tracking_sqlite_path  # noqa: PLC0415
        from growlearn.adapters.mlflow.registered_model import (  # noqa: PLC0415
            read_from_file,
            read_with_client,
        )

        database = get_tracking_sqlite_path(self._tracking_uri)
        if database is None:
            from growlearn.adapters.mlflow.health import shorten_timeout  # noqa: PLC0415 - imports mlflow

            with shorten_timeout(), self._open_session() as client:
                return read_with_client(client, stream, versions)
        try:
            return read_from_file(database, stream, versions)
        except sqlite3.Error as error:
            raise TrackerUnavailable(
                f"MLflow's store {database} cannot be read: {error}", hint="run: growlearn doctor"
            ) from error

    @contextmanager
    def _open_session(self) -> Iterator[MlflowClient]:
        from growlearn.adapters.mlflow.client import (  # noqa: PLC0415 - imports mlflow
            get_tracking_sqlite_path,
            lock_tracking_store,
            open_client,
        )

        with (
            wrap_tracker_errors(self._tracking_uri),
            lock_tracking_store(get_tracking_sqlite_path(self._tracking_uri)),
        ):
            if self._client is None:
                self._client = open_client(self._tracking_uri)
            yield self._client


def _log_window(client: MlflowClient, window_report: WindowReport, artifacts: Artifacts) -> TrackerIds:
    """Find or create the run and log what is missing; it is marked finished last, so nothing is missed."""
    from growlearn.adapters.mlflow import metrics, runs, versions  # noqa: PLC0415 - imports mlflow
    from growlearn.adapters.mlflow.evaluation import compute_evaluated_metrics  # noqa: PLC0415 - imports matplotlib

    stream, version = window_report.stream, window_report.version
    run = runs.open_run(client, window_report)
    run_id = run.info.run_id
    if runs.is_finished(run):
        if version is None:
            return TrackerIds(run_id=run_id)
        registered = versions.find_registered_version(client, stream, version)
        if registered is not None:
            return TrackerIds(run_id=run_id, model_version=str(registered.version))
        again = versions.log_model(client, run, window_report, version, artifacts)  # somebody deleted it
        number = versions.register_version(client, run, window_report, version, again)
        return TrackerIds(run_id=run_id, model_version=number)
    model = None if version is None else versions.log_model(client, run, window_report, version, artifacts)
    tasks = compute_evaluated_metrics(window_report, artifacts)
    window_metrics = metrics.make_window_metrics(
        window_report, tasks, model_id=None if model is None else model.model_id
    )
    runs.log_run_data(
        client, run, window_report, tasks, metrics.make_curve_metrics(window_report) + window_metrics
    )
    model_version = None
    if version is not None and model is not None:
        model_version = versions.register_version(client, run, window_report, version, model)
    runs.finish_run(client, run, window_report)
    return TrackerIds(run_id=run_id, model_version=model_version)
