"""An encoder is stored once, when its job is applied, and before anything is stored what is wrong is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.app.resolve_encoder import resolve_encoder
from growlearn.domain.encoder_config import EncoderConfig
from growlearn.domain.errors import GrowLearnError, JobError
from growlearn.domain.job import Job
from growlearn.network.encoders.encoder import dump_encoder, read_encoder
from tests.unit.in_memory import JOB
from tests.unit.tiny_encoders import image_encoder, text_encoder


class Counting(MemoryArtifacts):
    """Artifacts that count what is put into them."""

    puts = 0

    def put(self, content: bytes | memoryview) -> str:
        self.puts += 1
        return super().put(content)


@pytest.fixture
def artifacts() -> Counting:
    return Counting()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "e").write_bytes(image_encoder())
    return with_weights(JOB, tmp_path / "e")


def with_weights(job: Job, path: Path) -> Job:
    return replace(job, model=replace(job.model, encoder=EncoderConfig(source="file", weights=str(path))))


def retraced(content: bytes) -> bytes:
    """The same encoder as another version of its library traces it: with another list of calls."""
    description, module = read_encoder(content)
    tensors = dict(module.named_buffers())
    renamed = replace(description, library="another")
    return dump_encoder(renamed, module.graph, tensors)


def test_a_new_encoder_is_stored_and_filled_in(job: Job, artifacts: Counting) -> None:
    encoder = resolve_encoder(job, None, lambda: artifacts).model.encoder
    assert encoder is not None
    assert encoder.sha256 is not None
    assert artifacts.get(encoder.sha256) == image_encoder()
    assert encoder.reads == "image"
    assert encoder.weights_sha256 == encoder.sha256  # of a file they are the same bytes


def test_applied_again_it_is_neither_imported_nor_stored(
    job: Job, artifacts: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = resolve_encoder(job, None, lambda: artifacts)
    monkeypatch.setattr("growlearn.adapters.encoders.import_encoder", lambda _: pytest.fail("imported"))
    assert resolve_encoder(job, once, lambda: artifacts, has_versions=True) == once
    Path(job.model.encoder.weights).unlink()  # type: ignore[union-attr, arg-type]
    assert resolve_encoder(job, once, lambda: artifacts, has_versions=True) == once
    assert artifacts.puts == 1


def test_weights_elsewhere_or_traced_by_another_library_are_the_same_encoder(
    job: Job, artifacts: Counting, tmp_path: Path
) -> None:
    once = resolve_encoder(job, None, lambda: artifacts)
    content = retraced(image_encoder())
    assert content != image_encoder()
    (tmp_path / "moved").write_bytes(content)
    again = resolve_encoder(with_weights(JOB, tmp_path / "moved"), once, lambda: artifacts, has_versions=True)
    assert again.model.encoder.sha256 == once.model.encoder.sha256  # type: ignore[union-attr]
    assert again.model.encoder.weights == str(tmp_path / "moved")  # type: ignore[union-attr]
    assert artifacts.puts == 1


def test_another_encoder_is_taken_until_there_is_a_version(
    job: Job, artifacts: Counting, tmp_path: Path
) -> None:
    before = replace(job, model=replace(job.model, encoder=None))
    assert resolve_encoder(job, before, lambda: artifacts).model.encoder is not None
    once = resolve_encoder(job, None, lambda: artifacts)
    puts = artifacts.puts
    for one, other in ((job, before), (before, once)):
        with pytest.raises(JobError, match=r"model\.encoder of stream 'digits' cannot change"):
            resolve_encoder(one, other, lambda: artifacts, has_versions=True)
    assert resolve_encoder(before, once, lambda: artifacts) == before
    assert artifacts.puts == puts


def test_nothing_is_stored_of_what_cannot_be_used(job: Job, artifacts: Counting, tmp_path: Path) -> None:
    (tmp_path / "texts").write_bytes(text_encoder())
    with pytest.raises(JobError, match=r"reads a column of type text, and schema\.inputs has none"):
        resolve_encoder(with_weights(JOB, tmp_path / "texts"), None, lambda: artifacts)
    with pytest.raises(GrowLearnError, match="cannot read the encoder"):
        resolve_encoder(with_weights(JOB, tmp_path / "gone"), None, lambda: artifacts)
    once = resolve_encoder(job, None, MemoryArtifacts)
    (tmp_path / "e").write_bytes(retraced(image_encoder()))
    with pytest.raises(JobError, match="changed since stream 'digits' stored them"):
        resolve_encoder(job, once, lambda: artifacts)
    with pytest.raises(JobError, match="leave out sha256"):
        resolve_encoder(once, None, lambda: artifacts)
    assert artifacts.puts == 0
