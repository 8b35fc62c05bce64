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

from growlearn.adapters.mlflow.facts import version_key, version_note, version_tags, why_tags
from growlearn.adapters.mlflow.runs import all_tags
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Alias, Stream
from growlearn.ports import Artifacts, CycleRecord
from growlearn.registry.provenance import provenance_of

_VERSIONS_TAG = "mlflow.modelVersions"  # by it MLflow's page links a logged model to its versions


def find_version(client: MlflowClient, stream: Stream, version: Version) -> ModelVersion | None:
    """The registered version of one of ours, or None."""
    name = stream.job.registered_model
    found = client.search_model_versions(f"name = '{name}' and {all_tags(version_key(stream, version))}")
    return found[0] if found else None


def log_model(
    client: MlflowClient, run: Run, record: CycleRecord, version: Version, artifacts: Artifacts
) -> LoggedModel:
    """Export and upload a version's model as an output of the run, unless that was done before."""
    from growlearn.adapters.mlflow.export import export_model  # noqa: PLC0415 - imports torch

    model = _open_model(client, run, version)
    if model.status != LoggedModelStatus.READY:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch, "model")
            identity = Model(run_id=run.info.run_id, model_id=model.model_id, model_uuid=model.model_id)
            provenance = provenance_of(version, record.record)
            export_model(version.manifest, artifacts, folder, identity, provenance)
            client.log_model_artifacts(model.model_id, str(folder))
        client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    if model.model_id not in _outputs(run):
        client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
    return model


def register(
    client: MlflowClient, run: Run, record: CycleRecord, version: Version, model: LoggedModel
) -> str:
    """The registered version's number; registered only where it is not there yet."""
    stream = record.stream
    registered = find_version(client, stream, version)
    if registered is None:
        name = stream.job.registered_model
        _ensure_registered_model(client, stream)
        registered = client.create_model_version(
            name,
            model.artifact_location,
            run_id=run.info.run_id,
            tags=version_tags(stream, version) | why_tags(record),
            description=version_note(version),
            model_id=model.model_id,
        )
    link = json.dumps([{"name": registered.name, "version": int(registered.version)}])
    client.set_logged_model_tags(model.model_id, {_VERSIONS_TAG: link})
    return str(registered.version)


def point_aliases(client: MlflowClient, stream: Stream, versions: Mapping[Alias, str | None]) -> None:
    """Make the registered model's aliases stand at these versions; None takes an alias away."""
    name = stream.job.registered_model
    if not client.search_registered_models(f"name = '{name}'"):
        if not any(versions.values()):
            return
        _ensure_registered_model(client, stream)
    standing = client.get_registered_model(name).aliases
    for alias, version in versions.items():
        if version is None and alias.value in standing:
            client.delete_registered_model_alias(name, alias.value)
        elif version is not None and str(standing.get(alias.value)) != version:
            client.set_registered_model_alias(name, alias.value, version)


def _open_model(client: MlflowClient, run: Run, version: Version) -> LoggedModel:
    for model_id in _outputs(run):
        return client.get_logged_model(model_id)
    found = client.search_logged_models(
        [run.info.experiment_id], f"source_run_id = '{run.info.run_id}'", max_results=1
    )
    if found:
        return found[0]
    return client.create_logged_model(
        run.info.experiment_id,
        name=f"version-{version.number}",
        source_run_id=run.info.run_id,
        tags={"growlearn.version": str(version.number), "growlearn.window": version.window},
        model_type="growlearn",
    )


def _outputs(run: Run) -> list[str]:
    return [output.model_id for output in run.outputs.model_outputs] if run.outputs else []


def _ensure_registered_model(client: MlflowClient, stream: Stream) -> None:
    name = stream.job.registered_model
    try:
        client.create_registered_model(
            name,
            tags={"growlearn.stream": stream.name},
            description=(
                f"The model that grows with stream {stream.name}: each version adds frozen branches to the "
                "one before it, and earlier tasks answer as they did. The alias champion is in use; "
                "challenger waits for a person."
            ),
        )
    except MlflowException as failure:
        if failure.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
