"""Registered versions: the exported model, its registration, and the aliases that point at it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from growlearn.adapters.mlflow.creation import send_once
from growlearn.adapters.mlflow.runs import make_tag_filter
from growlearn.adapters.mlflow.tags_and_params import (
    make_decision_tags,
    make_version_key,
    make_version_note,
    make_version_tags,
)
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Alias, Stream
from growlearn.ports import Artifacts, WindowReport
from growlearn.registry.provenance import get_provenance

_VERSIONS_TAG = "mlflow.modelVersions"  # MLflow's page uses it to link a logged model to its versions


def find_registered_version(client: MlflowClient, stream: Stream, version: Version) -> ModelVersion | None:
    """The registered version of a GrowLearn version, or None."""
    name = stream.job.registered_model
    matches = client.search_model_versions(
        f"name = '{name}' and {make_tag_filter(make_version_key(stream, version))}"
    )
    return min(matches, key=lambda match: int(match.version), default=None)


def log_model(
    client: MlflowClient, run: Run, window_report: WindowReport, version: Version, artifacts: Artifacts
) -> LoggedModel:
    """Export and upload a version's model as an output of the run, unless it is uploaded already."""
    from growlearn.adapters.mlflow.export import export_model  # noqa: PLC0415 - imports torch

    model = _get_or_create_logged_model(client, run, version)
    if model.status != LoggedModelStatus.READY:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch, "model")
            identity = Model(run_id=run.info.run_id, model_id=model.model_id, model_uuid=model.model_id)
            provenance = get_provenance(version, window_report.record)
            export_model(version.manifest, artifacts, folder, identity, provenance)
            client.log_model_artifacts(model.model_id, str(folder))
        client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    if model.model_id not in _list_output_model_ids(run):
        client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
    return model


def register_version(
    client: MlflowClient, run: Run, window_report: WindowReport, version: Version, model: LoggedModel
) -> str:
    """Register a version unless it is registered already; returns the registered version's number."""
    stream = window_report.stream
    registered = find_registered_version(client, stream, version)
    if registered is None:
        name = stream.job.registered_model
        _ensure_registered_model(client, stream)
        with send_once():
            registered = client.create_model_version(
                name,
                model.artifact_location,
                run_id=run.info.run_id,
                tags=make_version_tags(stream, version) | make_decision_tags(window_report),
                description=make_version_note(version),
                model_id=model.model_id,
            )
    link = json.dumps([{"name": registered.name, "version": int(registered.version)}])
    client.set_logged_model_tags(model.model_id, {_VERSIONS_TAG: link})
    return str(registered.version)


def set_registered_aliases(client: MlflowClient, stream: Stream, changes: Mapping[Alias, str | None]) -> None:
    """Set aliases of the registered model to these of its versions; None removes an alias."""
    name = stream.job.registered_model
    for alias, version in changes.items():
        if version is None:
            client.delete_registered_model_alias(name, alias.value)
        else:
            client.set_registered_model_alias(name, alias.value, version)


def _get_or_create_logged_model(client: MlflowClient, run: Run, version: Version) -> LoggedModel:
    for model_id in _list_output_model_ids(run):
        try:
            return client.get_logged_model(model_id)
        except MlflowException as failure:
            if failure.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise  # else somebody has deleted it
    matches = client.search_logged_models(
        [run.info.experiment_id], f"source_run_id = '{run.info.run_id}'", max_results=1
    )
    if matches:
        return matches[0]
    with send_once():
        return client.create_logged_model(
            run.info.experiment_id,
            name=f"version-{version.number}",
            source_run_id=run.info.run_id,
            tags={"growlearn.version": str(version.number), "growlearn.window": version.window},
            model_type="growlearn",
        )


def _list_output_model_ids(run: Run) -> list[str]:
    return [output.model_id for output in run.outputs.model_outputs] if run.outputs else []


def _ensure_registered_model(client: MlflowClient, stream: Stream) -> None:
    name = stream.job.registered_model
    try:
        client.create_registered_model(
            name,
            tags={"growlearn.stream": stream.name},
            description=(
                f"The model that grows with stream {stream.name}: each version adds frozen branches to the "
                "one before it, and predictions on earlier tasks do not change. The alias champion is in "
                "use; challenger waits for approval."
            ),
        )
    except MlflowException as failure:
        if failure.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
