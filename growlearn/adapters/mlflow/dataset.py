"""A window as the dataset that MLflow shows as a run's input."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from mlflow.entities import Dataset, DatasetInput, InputTag

from growlearn.domain.redaction import redact
from growlearn.domain.schema import InputType, Schema
from growlearn.ports import WindowReport

_MAX_DIGEST_LENGTH = 36
_SOURCE_TYPES = {"s3": "s3", "http": "http", "https": "http"}
COLUMN_TYPES: dict[InputType, dict[str, Any]] = {
    InputType.IMAGE: {"type": "binary"},
    InputType.NUMBER: {"type": "double"},
    InputType.CATEGORY: {"type": "string"},
    InputType.TOKENS: {"type": "array", "items": {"type": "long"}},
    InputType.SERIES: {"type": "array", "items": {"type": "array", "items": {"type": "double"}}},
    InputType.BOOLEAN: {"type": "boolean"},
    InputType.DATETIME: {"type": "datetime"},
    InputType.TEXT: {"type": "string"},
}
"""MLflow's name for each type of input column."""


def make_dataset_input(window_report: WindowReport) -> DatasetInput | None:
    """The window's snapshot, with its content hash as digest; None where no snapshot was stored."""
    window = window_report.window
    if window.snapshot is None:
        return None
    scheme = urlsplit(window.source).scheme
    dataset = Dataset(
        name=f"{window.stream}/{window.id}",
        digest=window.snapshot[:_MAX_DIGEST_LENGTH],
        source_type=_SOURCE_TYPES.get(scheme, "local"),
        source=json.dumps({"uri": redact(window.source)}),
        schema=json.dumps({"mlflow_colspec": _make_columns(window_report.stream.job.schema)}),
        profile=json.dumps({"num_rows": window.rows, "quarantined_rows": window.quarantined_rows}),
    )
    context = "training" if window_report.record.result is not None else "evaluation"
    return DatasetInput(dataset, [InputTag("mlflow.data.context", context)])


def _make_columns(schema: Schema) -> list[dict[str, Any]]:
    columns = [{"name": name} | COLUMN_TYPES[spec.type] for name, spec in schema.inputs.items()]
    columns.append({"name": schema.label, "type": "any"})
    return columns + ([{"name": schema.task, "type": "string"}] if schema.task else [])
