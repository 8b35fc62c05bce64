"""Stores the encoder that a job names, once: afterwards a stream reads the stored one alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from growlearn.domain.encoder_config import EncoderConfig
from growlearn.domain.errors import JobError
from growlearn.domain.job import Job
from growlearn.ports import Artifacts


def resolve_encoder(job: Job, existing: Job | None, open_artifacts: Callable[[], Artifacts]) -> Job:
    """The job with its encoder stored, and what is known of that filled in.

    Raises JobError where the encoder reads no column of the job, or its weights changed since the existing
    stream stored them; GrowLearnError where it cannot be read.
    """
    encoder, before = job.model.encoder, None if existing is None else existing.model.encoder
    if encoder is None:
        return job
    if encoder != _as_written(encoder):
        raise JobError("model.encoder: sha256, reads and weights_sha256 are filled in here; leave them out")
    if before is not None and _as_written(before) == _as_written(encoder):
        _reject_changed_weights(job.name, before)
        resolved = before
    else:
        resolved = _store(encoder, open_artifacts())
    if not any(column.type == resolved.reads for column in job.schema.inputs.values()):
        raise JobError(
            f"model.encoder reads a column of type {resolved.reads}, and schema.inputs has none",
            hint="choose another encoder, or leave it out",
        )
    return replace(job, model=replace(job.model, encoder=resolved))


def _as_written(encoder: EncoderConfig) -> EncoderConfig:
    """What a job file says of an encoder."""
    return replace(encoder, sha256=None, reads=None, weights_sha256=None)


def _store(encoder: EncoderConfig, artifacts: Artifacts) -> EncoderConfig:
    from growlearn.adapters.encoders import import_encoder
    from growlearn.network.encoders.encoder import read_description

    content = import_encoder(encoder)
    return replace(
        encoder,
        sha256=artifacts.put(content),
        reads=read_description(content).reads,
        weights_sha256=None if encoder.weights is None else _hash_files(Path(encoder.weights)),
    )


def _reject_changed_weights(stream: str, encoder: EncoderConfig) -> None:
    """A file that is gone does no harm: the stored encoder is read. One that changed is a mistake."""
    if encoder.weights is None or not Path(encoder.weights).exists():
        return
    if _hash_files(Path(encoder.weights)) != encoder.weights_sha256:
        raise JobError(
            f"model.encoder.weights {encoder.weights} changed since stream {stream!r} stored them, and the "
            "branches of a stream read one encoder for ever",
            hint="put the weights back, or choose another stream name",
        )


def _hash_files(path: Path) -> str:
    """The sha256 of a file, or of the names and contents of a folder's files."""
    if path.is_file():
        return sha256(path.read_bytes()).hexdigest()
    digest = sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        digest.update(f"{file.relative_to(path)}\0".encode() + sha256(file.read_bytes()).digest())
    return digest.hexdigest()
