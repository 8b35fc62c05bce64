"""One MLflow run a window, found again by its tags before another is made."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunStatus, RunTag
from mlflow.exceptions import MlflowException

from growlearn.adapters.mlflow.client import artifact_root, sqlite_file
from growlearn.adapters.mlflow.dataset import dataset_input
from growlearn.adapters.mlflow.facts import experiment_name, run_key, run_params, run_tags
from growlearn.adapters.mlflow.files import TABLES_TAG, run_files, tables_tag
from growlearn.adapters.mlflow.metrics import milliseconds
from growlearn.evaluation.figures.task import TaskFigures
from growlearn.ports import CycleRecord

_BATCH = 500  # MLflow takes 1,000 metrics and 100 parameters or tags in one request
_FINISHED = str(RunStatus.to_string(RunStatus.FINISHED))


def open_run(client: MlflowClient, record: CycleRecord) -> Run:
    """The window's run, made if it is not there; one that was interrupted is taken up again."""
    experiment = _experiment(client, record.stream.name)
    found = client.search_runs([experiment], all_tags(run_key(record)), max_results=1)
    if found:
        return found[0]
    return client.create_run(
        experiment,
        start_time=milliseconds(record.window.discovered_at),
        tags=run_key(record),
        run_name=record.window.id,
    )


def is_finished(run: Run) -> bool:
    """Whether everything was told of this run's window."""
    return bool(run.info.status == _FINISHED)


def log_facts(
    client: MlflowClient, run: Run, record: CycleRecord, tasks: Sequence[TaskFigures], metrics: list[Metric]
) -> None:
    """Parameters not yet there, tags, metrics, the dataset and all files."""
    params = {key: value for key, value in run_params(record).items() if key not in run.data.params}
    files = run_files(record, tasks)
    tags = run_tags(record) | {TABLES_TAG: tables_tag(files)}
    client.log_batch(
        run.info.run_id,
        params=[Param(key, value) for key, value in params.items()],
        tags=[RunTag(key, value) for key, value in tags.items()],
    )
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(run.info.run_id, metrics=metrics[start : start + _BATCH])
    dataset = dataset_input(record)
    if dataset is not None:
        client.log_inputs(run.info.run_id, [dataset])
    _upload(client, run.info.run_id, files)


def finish(client: MlflowClient, run: Run, record: CycleRecord) -> None:
    """Mark the run as completely told."""
    client.set_terminated(run.info.run_id, _FINISHED, milliseconds(record.window.updated_at))


def all_tags(tags: Mapping[str, str]) -> str:
    """A filter for what carries all these tags."""
    return " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())


def _experiment(client: MlflowClient, stream: str) -> str:
    name = experiment_name(stream)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return client.create_experiment(name, _artifact_location(client, stream))
        except MlflowException:  # another process made it first
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                raise
    if experiment.lifecycle_stage != "active":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _artifact_location(client: MlflowClient, stream: str) -> str | None:
    """Beside the database of a local store; a server knows for itself."""
    database = sqlite_file(client.tracking_uri)
    return None if database is None else (artifact_root(database) / stream).as_uri()


def _upload(client: MlflowClient, run_id: str, files: Mapping[str, bytes]) -> None:
    if not files:
        return
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            target = Path(folder, path)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)
        client.log_artifacts(run_id, folder)
