"""What keeps a graph from being exported is said before anything is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.adapters.graphs import onnx_file
from growlearn.adapters.graphs.export import export_graph
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.errors import GrowLearnError, NotFound
from growlearn.domain.export_format import ExportFormat
from growlearn.domain.schema import InputColumn, InputType, Schema
from tests.noisy_models import TABLE, grow


def test_a_missing_package_is_named_with_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None if name == "onnxscript" else name)
    artifacts = MemoryArtifacts()
    manifest = grow(TABLE, {"a": (0, 1)}, artifacts)
    with pytest.raises(GrowLearnError) as raised:
        export_graph(manifest, artifacts, tmp_path, ExportFormat.ONNX, None)
    assert str(raised.value) == (
        "an ONNX file needs the packages onnx, onnxscript, onnxruntime; missing: onnxscript "
        "(pip install 'growlearn[onnx]')"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("export_format", [ExportFormat.TORCH, ExportFormat.ONNX])
def test_text_and_an_unknown_task_are_refused(tmp_path: Path, export_format: ExportFormat) -> None:
    schema = Schema(inputs={"note": InputColumn(type=InputType.TEXT), **TABLE.inputs})
    artifacts = MemoryArtifacts()
    manifest = grow(schema, {"a": (0, 1)}, artifacts)
    with pytest.raises(GrowLearnError, match="text of column 'note'"):
        export_graph(manifest, artifacts, tmp_path, export_format, None)
    with pytest.raises(NotFound, match="no task 'b'"):
        export_graph(replace(manifest, schema=TABLE), artifacts, tmp_path, export_format, "b")
    assert list(tmp_path.iterdir()) == []
