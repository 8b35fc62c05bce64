"""One MLflow run per window, looked up by its tags before one is created."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunStatus, RunTag
from mlflow.exceptions import MlflowException

from growlearn.adapters.mlflow.client import get_artifact_root, get_store_database
from growlearn.adapters.mlflow.creation import send_once
from growlearn.adapters.mlflow.dataset import make_dataset_input
from growlearn.adapters.mlflow.files import make_run_files, make_tables_tag
from growlearn.adapters.mlflow.metrics import to_milliseconds
from growlearn.adapters.mlflow.tags_and_params import (
    make_experiment_name,
    make_run_key,
    make_run_params,
    make_run_tags,
)
from growlearn.evaluation.metrics.task_metrics import TaskMetrics
from growlearn.ports import WindowReport

_MAX_METRICS_PER_REQUEST = 500  # MLflow takes 1,000 metrics and 100 parameters or tags in one request
_FINISHED = str(RunStatus.to_string(RunStatus.FINISHED))


def open_run(client: MlflowClient, window_report: WindowReport) -> Run:
    """The window's run, created if it does not exist; an interrupted one is resumed."""
    experiment = _get_or_create_experiment(client, window_report.stream.name)
    matches = client.search_runs([experiment], make_tag_filter(make_run_key(window_report)), max_results=1)
    if matches:
        return matches[0]
    with send_once():
        return client.create_run(
            experiment,
            start_time=to_milliseconds(window_report.window.discovered_at),
            tags=make_run_tags(window_report),
            run_name=window_report.window.id,
        )


def is_finished(run: Run) -> bool:
    """Whether everything about this run's window has been logged."""
    return bool(run.info.status == _FINISHED)


def log_run_data(
    client: MlflowClient,
    run: Run,
    window_report: WindowReport,
    tasks: Sequence[TaskMetrics],
    metrics: list[Metric],
) -> None:
    """Log the parameters and tags not logged yet, metrics, the dataset and all files."""
    params = {
        key: value for key, value in make_run_params(window_report).items() if key not in run.data.params
    }
    files = make_run_files(window_report, tasks)
    tags = {
        key: value
        for key, value in (make_run_tags(window_report) | make_tables_tag(files)).items()
        if run.data.tags.get(key) != value
    }
    client.log_batch(
        run.info.run_id,
        metrics=metrics[:_MAX_METRICS_PER_REQUEST],
        params=[Param(key, value) for key, value in params.items()],
        tags=[RunTag(key, value) for key, value in tags.items()],
    )
    for start in range(_MAX_METRICS_PER_REQUEST, len(metrics), _MAX_METRICS_PER_REQUEST):
        client.log_batch(run.info.run_id, metrics=metrics[start : start + _MAX_METRICS_PER_REQUEST])
    dataset = make_dataset_input(window_report)
    if dataset is not None:
        client.log_inputs(run.info.run_id, [dataset])
    _upload(client, run.info.run_id, files)


def finish_run(client: MlflowClient, run: Run, window_report: WindowReport) -> None:
    """Mark the run as completely logged."""
    client.set_terminated(run.info.run_id, _FINISHED, to_milliseconds(window_report.window.updated_at))


def make_tag_filter(tags: Mapping[str, str]) -> str:
    """A search filter for all these tags."""
    return " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())


def _get_or_create_experiment(client: MlflowClient, stream: str) -> str:
    name = make_experiment_name(stream)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return client.create_experiment(name, _make_artifact_location(client, stream))
        except MlflowException:  # another process made it first
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                raise
    if experiment.lifecycle_stage != "active":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _make_artifact_location(client: MlflowClient, stream: str) -> str | None:
    """A folder beside the database of a local store; None for a server, which has its own."""
    database = get_store_database(client)
    return None if database is None else (get_artifact_root(database) / stream).as_uri()


def _upload(client: MlflowClient, run_id: str, files: Mapping[str, bytes]) -> None:
    if not files:
        return
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            target = Path(folder, path)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)
        client.log_artifacts(run_id, folder)
