"""Profiles a user's data: which columns it has, and the likely type of each."""

from __future__ import annotations

import glob
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from growlearn.adapters.sources.listing import find_files
from growlearn.app.infer_schema import could_be_task, guess_label, infer_input, read_image_shape, tells_label
from growlearn.domain.errors import GrowLearnError, InvalidFile
from growlearn.domain.printable import list_names, plain_name
from growlearn.domain.schema import InputColumn, InputType
from growlearn.ingest.columns import truncate_repr
from growlearn.ingest.csv_files import infer_csv
from growlearn.ingest.formats import load_all_columns
from growlearn.ingest.images import IMAGE_SUFFIXES
from growlearn.ingest.partitions import find_partitions

_TABLE_SUFFIXES = (".parquet", ".pq", ".csv", ".arrow", ".feather", ".ipc")
_TASK_NAMES = ("task", "task_id", "domain")
_SAMPLE_ROWS = 1000
_RARE_FRACTION = 0.2  # of the share that a class would have if all were equally frequent
_LARGE_IMAGE_SIDE = 256
_LARGE_IMAGE_NOTE = (
    "such large images take long to learn; consider resizing them to 256 pixels a side or fewer"
)


@dataclass(frozen=True, kw_only=True)
class DataProfile:
    """The inferred schema and source of the data.

    `excluded` holds columns that are no inputs, with the reason; `rows` counts the rows of the first file or
    folder; `rare_classes` are labels with their fraction of the rows read; `notes` are for the user to check.
    """

    source_type: str
    url: str
    pattern: str
    suggested_name: str
    inputs: dict[str, InputColumn]
    label: str
    task: str | None
    excluded: dict[str, str]
    rows: int
    summary: str
    rare_classes: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()


def profile_data(data: Path, label: str | None) -> DataProfile:
    """Profile a data file, the first file of a folder, or a folder of class folders of images.

    Raises GrowLearnError where there is no data that can be read.
    """
    if not data.exists():
        raise GrowLearnError(f"{data} does not exist", hint="point to a data file or a folder")
    if data.is_file():
        return _profile_table(data, data.parent, label, f"*{data.suffix}")
    tables = find_files(data, _TABLE_SUFFIXES)
    if tables:
        return _profile_table(tables[0], data, label, _file_pattern(tables, data))
    images = find_files(data, IMAGE_SUFFIXES)
    if images:
        return _profile_images(images, data)
    raise GrowLearnError(
        f"{data} holds no data file",
        hint=f"GrowLearn reads {', '.join(_TABLE_SUFFIXES)} and folders of class folders of images",
    )


def _profile_images(images: Sequence[Path], data: Path) -> DataProfile:
    image, depth = images[0], len(images[0].relative_to(data).parts)
    if depth < 2:
        raise GrowLearnError(
            f"the images of {data} lie in no class folder", hint="put each into a folder named by its class"
        )
    shape = read_image_shape(image.read_bytes())
    if shape is None:
        raise GrowLearnError(f"{image} is not an image that can be read")
    notes = [_LARGE_IMAGE_NOTE] if max(shape) > _LARGE_IMAGE_SIDE else []
    folder = data.resolve()
    root, pattern = folder, "*"
    if depth == 2:  # the class folders make one window; more may come beside it
        root, pattern = folder.parent, glob.escape(folder.name)
        notes.append(f'only {folder.name} is read; for more deliveries beside it set source.pattern to "*"')
    return DataProfile(
        source_type="image-folder",
        url=str(root),
        pattern=pattern,
        suggested_name=_suggest_stream_name(data),
        inputs={"image": InputColumn(type=InputType.IMAGE, shape=shape)},
        label="label",
        task=None,
        excluded={},
        rows=len(images),
        summary=f"images of {shape[2]} x {shape[1]} pixels in class folders",
        notes=tuple(notes),
    )


def _file_pattern(files: Sequence[Path], folder: Path) -> str:
    """A pattern for all files where their suffixes differ, else for the one suffix."""
    suffixes = dict.fromkeys(file.suffix for file in files)
    inside = "" if all(file.parent == folder for file in files) else "**/"
    return inside + ("*" if len(suffixes) > 1 else f"*{next(iter(suffixes))}")


def _profile_table(file: Path, folder: Path, label: str | None, pattern: str) -> DataProfile:
    table, rows, codes = _read_head(file)
    names: list[str] = table.column_names
    _require_distinct_columns(names, file)
    guessed, alternatives = guess_label(table)
    label_column = label or guessed
    if label_column not in names:
        raise GrowLearnError(
            f"{file} has no column {label_column!r}", hint=f"its columns are {list_names(names, plain_name)}"
        )
    named_tasks = (name for name in names if name.lower() in _TASK_NAMES and name != label_column)
    task = next((name for name in named_tasks if could_be_task(table.column(name))), None)
    inputs, excluded = _infer_inputs(table, [name for name in names if name not in (label_column, task)])
    for name, partition in find_partitions(str(file.relative_to(folder))).items():
        if name not in names:
            excluded[name] = f"only in the names of folders ({partition}); write it into the files too"
    if not inputs:
        raise _make_no_input_error(file, excluded, label_column, task)
    return DataProfile(
        source_type="folder",
        url=str(folder.resolve()),
        pattern=pattern,
        suggested_name=_suggest_stream_name(folder),
        inputs=inputs,
        label=label_column,
        task=task,
        excluded=excluded,
        rows=rows,
        summary=f"{len(inputs)} inputs, label {label_column!r}, "
        + (f"task {task!r}" if task else "no task column"),
        rare_classes=_find_rare_classes(table.column(label_column)),
        notes=(
            *([] if label or not alternatives else [_label_guess_note(label_column, alternatives)]),
            *(f"column {name!r} is left out: {reason}" for name, reason in excluded.items()),
            *(_code_note(name, codes[name]) for name in inputs if name in codes),
            *(
                f"column {name!r} has one value for each label: leave it out if it is written with the label"
                for name in inputs
                if tells_label(table, name, label_column)
            ),
        ),
    )


def _infer_inputs(table: Any, names: Sequence[str]) -> tuple[dict[str, InputColumn], dict[str, str]]:
    """The likely input type of each column, and of the others why they are no inputs."""
    inferred = {name: infer_input(table.column(name), name) for name in names}
    inputs = {name: spec for name, spec in inferred.items() if isinstance(spec, InputColumn)}
    return inputs, {name: spec for name, spec in inferred.items() if not isinstance(spec, InputColumn)}


def _make_no_input_error(
    file: Path, excluded: Mapping[str, str], label_column: str, task: str | None
) -> GrowLearnError:
    """Why each column is no input."""
    reasons = {**excluded, label_column: "it is the label"} | ({task: "it names the task"} if task else {})
    listed = "; ".join(f"{name!r}: {reason}" for name, reason in reasons.items())
    return GrowLearnError(
        f"{file} has no column that can be an input: {listed}",
        hint="give it a column of numbers, categories, booleans, times, text, images, token lists or series; "
        "where the label is another column, name that one with --label",
    )


def _find_rare_classes(column: Any) -> tuple[tuple[str, float], ...]:
    """Labels with less than a fifth of the rows that an equal share would be, the rarest first."""
    counts = Counter(label for label in column.drop_null().to_pylist() if label == label)  # noqa: PLR0124 - NaN
    equal_share = counts.total() / max(len(counts), 1)
    rare = [(label, count) for label, count in counts.items() if count < _RARE_FRACTION * equal_share]
    rare.sort(key=lambda entry: (entry[1], str(entry[0])))
    return tuple((str(label), count / counts.total()) for label, count in rare)


def _require_distinct_columns(names: Sequence[str], file: Path) -> None:
    if not names:
        raise GrowLearnError(f"{file} has no columns")
    duplicate = next((name for name in names if names.count(name) > 1), None)
    if duplicate is not None:
        raise GrowLearnError(
            f"column {duplicate!r} occurs more than once in {file}", hint="rename one of them"
        )


def _label_guess_note(label_column: str, alternatives: Sequence[str]) -> str:
    names = ", ".join(map(repr, alternatives[:5]))
    return f"the label {label_column!r} is a guess ({names} could be it too); name another with --label"


def _code_note(name: str, code: str) -> str:
    return (
        f"column {name!r} is read as categories, because {truncate_repr(code)} looks like a code; "
        "if its cells are numbers, give it {type: number}"
    )


def _suggest_stream_name(folder: Path) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("._-")[:63] or "stream"


def _read_head(file: Path) -> tuple[Any, int, dict[str, str]]:
    """Some rows of a file, the first of Parquet and else spread over all; its number of rows; CSV's codes."""
    try:
        if file.suffix.lower() not in (".parquet", ".pq"):
            is_csv = file.suffix.lower() == ".csv"  # types are guessed here; ingest checks each cell
            content = file.read_bytes()
            table, codes = infer_csv(content) if is_csv else (load_all_columns(file.name, content), {})
            spread = np.unique(np.linspace(0, table.num_rows - 1, _SAMPLE_ROWS).astype(np.int64))
            head = table.take(spread) if table.num_rows > _SAMPLE_ROWS else table
            return head, table.num_rows, codes
        parquet = pq.ParquetFile(file)
        first = next(parquet.iter_batches(_SAMPLE_ROWS), None)
    except (pa.ArrowException, OSError, ValueError, InvalidFile) as error:
        raise GrowLearnError(f"{file} cannot be read: {str(error).splitlines()[0]}") from error
    if first is None:
        raise GrowLearnError(f"{file} has no rows")
    return pa.Table.from_batches([first]), parquet.metadata.num_rows, {}
