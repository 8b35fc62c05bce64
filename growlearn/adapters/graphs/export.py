"""One version as a folder with a file for torch or ONNX Runtime and its description."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from growlearn.adapters.graphs.description import describe_graph
from growlearn.adapters.graphs.formats import GRAPH_FORMATS
from growlearn.adapters.graphs.verification import GraphVerification, verify_file
from growlearn.domain.environment import Provenance
from growlearn.domain.export_format import ExportFormat
from growlearn.domain.lineage import Manifest
from growlearn.ingest.rows import Rows, concat_rows
from growlearn.network.graph.prediction import PredictionGraph, list_answering_heads
from growlearn.network.graph.random_rows import draw_rows
from growlearn.network.graph.trace import trace_graph
from growlearn.network.model.network import load_network
from growlearn.network.router.router import load_router
from growlearn.ports import Artifacts
from growlearn.registry.json_codec import to_json
from growlearn.serving.predictor import Predictor

MANIFEST_FILE, PROVENANCE_FILE = "manifest.json", "provenance.json"
_NUM_RANDOM_ROWS = 64
_MAX_STORED_ROWS = 64  # of a task
_ENCODER_TOLERANCE = 1e-2  # its features are rounded to half precision: a last bit may become a larger one


def export_graph(
    manifest: Manifest,
    artifacts: Artifacts,
    folder: Path,
    export_format: ExportFormat,
    task: str | None,
    stored_rows: Sequence[Rows] = (),
    provenance: Provenance | None = None,
) -> GraphVerification:
    """Write what answers rows of a task, or rows without one, into an empty folder, and verify it.

    `stored_rows` are asked beside random ones. Raises GrowLearnError where the model reads text, where a
    package is missing, or where the written file answers otherwise than the version; NotFound for a task that
    the version does not have.
    """
    file_format = GRAPH_FORMATS[export_format]
    file_format.require()
    answering = list_answering_heads(manifest, task)
    network = load_network(manifest, artifacts.get)
    router = load_router(manifest, network.root_stem, artifacts.get)
    graph = PredictionGraph(manifest, network, router if len(answering.heads) > 1 else None, answering)
    path = folder / file_format.file
    file_format.write(trace_graph(graph, manifest.schema), path)
    random = draw_rows(manifest.schema, network.root_stem, graph.inputs, _NUM_RANDOM_ROWS, seed=0)
    rows = concat_rows([random, *(part.sample(_MAX_STORED_ROWS) for part in stored_rows)])
    predictor = Predictor(manifest, artifacts.get, opened=(network, router))
    tolerance = file_format.tolerance if manifest.model.encoder is None else _ENCODER_TOLERANCE
    verification = verify_file(file_format.open(path), graph, predictor, rows, task, tolerance)
    files = {part.name: sha256(part.read_bytes()).hexdigest() for part in sorted(folder.iterdir())}
    description = describe_graph(manifest, task, graph, files, file_format.describe_runtime(), verification)
    content = json.dumps(description, indent=1, ensure_ascii=False)
    (folder / MANIFEST_FILE).write_text(content, encoding="utf-8")
    if provenance is not None:
        (folder / PROVENANCE_FILE).write_bytes(to_json(provenance, Provenance, indent=1))
    return verification
