"""The job that a script's first rows get: what `growlearn init` writes, with the script's own keys."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from growlearn.app.data_profile import DataProfile, profile_data
from growlearn.app.job_template import render_job_file
from growlearn.app.library.columns import IMAGE_COLUMN
from growlearn.domain.errors import JobError
from growlearn.domain.schema import InputColumn, InputType

STREAM_NAME = "model"
_GIVEN_BY_ROWS = ("name", "source", "schema")


def write_first_job(
    source: Path,
    table: pa.Table,
    label: str,
    image_shape: tuple[int, int, int] | None,
    keys: Mapping[str, Any],
) -> Path:
    """Write a job file beside the folder `source`, from which its stream takes rows like those of the table.

    `image_shape` is that of images which came as one array. `keys` are those of a job file and replace what
    `init` chooses. What `init` would tell is a warning. Raises JobError where a key is given by the rows.
    """
    for key in keys:
        if key in _GIVEN_BY_ROWS:
            raise JobError(f"{key} is given by the rows", hint="leave it out, or use growlearn.Stream")
    profile = _profile_rows(source, table, label, image_shape)
    for note in profile.notes:
        warnings.warn(note, stacklevel=4)
    job = yaml.safe_load(render_job_file(STREAM_NAME, profile))
    job["source"]["min_file_age_s"] = 0  # its files are written whole
    path = source.with_name(f"{STREAM_NAME}.yaml")
    path.write_text(yaml.safe_dump(_merge(job, keys), sort_keys=False), encoding="utf-8")
    return path


def _profile_rows(
    source: Path, table: pa.Table, label: str, image_shape: tuple[int, int, int] | None
) -> DataProfile:
    if image_shape is None:
        sample = source / "first.parquet"
        pq.write_table(table, sample)
        try:
            return profile_data(sample, label)
        finally:
            sample.unlink()
    return DataProfile(
        source_type="folder",
        url=str(source),
        pattern="*.parquet",
        suggested_name=STREAM_NAME,
        inputs={IMAGE_COLUMN: InputColumn(type=InputType.IMAGE, shape=image_shape)},
        label=label,
        task="task" if "task" in table.column_names else None,
        excluded={},
        rows=table.num_rows,
        summary="images",
    )


def _merge(job: dict[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """The job with these keys, sections key by key."""
    merged = dict(job)
    for key, value in keys.items():
        before = merged.get(key)
        if isinstance(before, dict) and isinstance(value, Mapping):
            value = _merge(before, value)  # noqa: PLW2901
        merged[key] = value
    return merged
