"""What one prediction of a file reads: each weight, and the file's rows, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from growlearn.app import predict_file as predict_module
from growlearn.ingest.formats import load_raw_table
from growlearn.network.model.network import load_network
from growlearn.serving import predictor as predictor_module
from tests.unit.digits import Digits
from tests.unit.in_memory import JOB, World, parquet


def test_one_prediction_is_one_load_and_one_decode(
    tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = digits
    world = World(tmp_path)
    world.send("1.parquet", images[:400], labels[:400])
    (tmp_path / "rows.parquet").write_bytes(parquet(images[400:420], labels[400:420]))
    loads, decodes, read = 0, 0, Counter[str]()

    class CountingArtifacts:
        def get(self, sha256: str) -> bytes:
            read[sha256] += 1
            return world.artifacts.get(sha256)

    def count_loads(manifest: Any, read_artifact: Callable[[str], bytes], **options: Any) -> Any:
        nonlocal loads
        loads += 1
        return load_network(manifest, read_artifact, **options)

    def count_decodes(contents: Mapping[str, bytes], schema: Any) -> Any:
        nonlocal decodes
        decodes += 1
        return load_raw_table(contents, schema)

    monkeypatch.setattr(predictor_module, "load_network", count_loads)
    monkeypatch.setattr(predict_module, "load_raw_table", count_decodes)
    artifacts: Any = CountingArtifacts()
    predictions = predict_module.predict_file(
        world.store, artifacts, JOB.name, None, tmp_path / "rows.parquet"
    )
    assert predictions.table.num_rows == 20
    assert (loads, decodes) == (1, 1)
    assert set(read.values()) == {1}, "no weight is read twice"
