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


def resolve_encoder(
    job: Job, existing: Job | None, open_artifacts: Callable[[], Artifacts], *, has_versions: bool = False
) -> Job:
    """The job with its encoder stored, and what is known of that filled in.

    `existing` is the stream's job so far. Raises JobError, before anything is stored, where the encoder reads
    no column of the job, its weights changed since, or the stream has versions with another encoder;
    GrowLearnError where it cannot be read.
    """
    encoder, before = job.model.encoder, None if existing is None else existing.model.encoder
    resolved, content = None, b""
    if encoder is not None:
        if encoder != _as_written(encoder):
            raise JobError("model.encoder: leave out sha256, reads and weights_sha256: apply fills them in")
        if before is not None and _as_written(before) == encoder:
            _reject_changed_weights(job.name, before)
            resolved = before
        else:
            resolved, content = _import_unless_stored(encoder, before, open_artifacts)
        _require_readable_column(job, resolved)
    if has_versions and _get_stored_sha256(before) != _get_stored_sha256(resolved):
        raise JobError(
            f"model.encoder of stream {job.name!r} cannot change: its branches were trained on what they "
            "read then",
            hint="choose another stream name",
        )
    if content:
        open_artifacts().put(content)
    return replace(job, model=replace(job.model, encoder=resolved))


def _get_stored_sha256(encoder: EncoderConfig | None) -> str | None:
    return None if encoder is None else encoder.sha256


def _as_written(encoder: EncoderConfig) -> EncoderConfig:
    """What a job file says of an encoder."""
    return replace(encoder, sha256=None, reads=None, weights_sha256=None)


def _import_unless_stored(
    encoder: EncoderConfig, before: EncoderConfig | None, open_artifacts: Callable[[], Artifacts]
) -> tuple[EncoderConfig, bytes]:
    """The encoder with what is known of it, and its bytes where they are not stored yet.

    One with the weights and preprocessing of the one before is that one, wherever its files lie now and
    whichever version of its library traced it.
    """
    from growlearn.adapters.encoders import import_encoder
    from growlearn.network.encoders.encoder import read_description

    content = import_encoder(encoder)
    description, stored = read_description(content), sha256(content).hexdigest()
    if before is not None and before.sha256 is not None:
        known = read_description(open_artifacts().get(before.sha256))
        if known.fingerprint == description.fingerprint:
            content, stored = b"", before.sha256
    weights_sha256 = None if encoder.weights is None else _hash_files(Path(encoder.weights))
    return replace(encoder, sha256=stored, reads=description.reads, weights_sha256=weights_sha256), content


def _require_readable_column(job: Job, encoder: EncoderConfig) -> None:
    if not any(column.type == encoder.reads for column in job.schema.inputs.values()):
        raise JobError(
            f"model.encoder reads a column of type {encoder.reads}, and schema.inputs has none",
            hint="choose another encoder, or leave it out",
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
