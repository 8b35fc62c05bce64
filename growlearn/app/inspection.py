"""Looking at data a user points to: which columns it has and what each seems to be."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from growlearn.app.recognition import guess_label, image_shape, input_of
from growlearn.domain.errors import GrowLearnError, UnreadableFile
from growlearn.domain.schema import Input, InputType
from growlearn.ingest.formats import check_separator, load_whole
from growlearn.ingest.images import IMAGE_SUFFIXES

_SUFFIXES = (".parquet", ".pq", ".csv", ".arrow", ".feather", ".ipc")
_TASK_NAMES = ("task", "task_id", "domain")
_ROWS = 1000
_LARGE_SIDE = 256
_LARGE = "such large images take long to learn; consider resizing them to 256 pixels a side or fewer"


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What the data seems to be.

    `left_out` holds columns no stem can read, with the reason; `rows` counts those of the first delivery;
    `notes` are what a person should look at.
    """

    source_type: str
    url: str
    pattern: str
    suggested_name: str
    inputs: dict[str, Input]
    label: str
    task: str | None
    left_out: dict[str, str]
    rows: int
    summary: str
    notes: tuple[str, ...] = ()


def inspect_data(data: Path, label: str | None) -> Findings:
    """Look at a data file, at the first one of a folder, or at a folder of class folders of images.

    Raises GrowLearnError where there is nothing to go by.
    """
    if not data.exists():
        raise GrowLearnError(f"{data} does not exist", cure="point to a data file or a folder")
    if data.is_file():
        return _of_table(data, data.parent, label, f"*{data.suffix}")
    tables = sorted(p for p in data.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
    if tables:
        return _of_table(tables[0], data, label, _pattern(tables, data))
    images = sorted(p for p in data.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    if images:
        return _of_images(images, data)
    raise GrowLearnError(
        f"{data} holds no data file",
        cure=f"GrowLearn reads {', '.join(_SUFFIXES)} and folders of class folders of images",
    )


def _of_images(images: Sequence[Path], data: Path) -> Findings:
    image, depth = images[0], len(images[0].relative_to(data).parts)
    if depth < 2:
        raise GrowLearnError(
            f"the images of {data} lie in no class folder", cure="put each into a folder named by its class"
        )
    shape = image_shape(image.read_bytes())
    if shape is None:
        raise GrowLearnError(f"{image} is not an image that can be read")
    notes = [_LARGE] if max(shape) > _LARGE_SIDE else []
    folder = data.resolve()
    root, pattern = folder, "*"
    if depth == 2:  # a folder of class folders is itself one delivery of the folder above
        root, pattern = folder.parent, glob.escape(folder.name)
        notes.append(f'only {folder.name} is read; for more deliveries beside it set source.pattern to "*"')
    return Findings(
        source_type="image-folder",
        url=str(root),
        pattern=pattern,
        suggested_name=_stream_name(data),
        inputs={"image": Input(type=InputType.IMAGE, shape=shape)},
        label="label",
        task=None,
        left_out={},
        rows=len(images),
        summary=f"images of {shape[2]} x {shape[1]} pixels in class folders",
        notes=tuple(notes),
    )


def _pattern(files: Sequence[Path], folder: Path) -> str:
    """All files where they are of several kinds, else those of the one."""
    kinds = dict.fromkeys(file.suffix for file in files)
    inside = "" if all(file.parent == folder for file in files) else "**/"
    return inside + ("*" if len(kinds) > 1 else f"*{next(iter(kinds))}")


def _of_table(file: Path, folder: Path, label: str | None, pattern: str) -> Findings:
    table, rows = _head(file)
    names: list[str] = table.column_names
    _require_distinct(names, file)
    guessed, others = guess_label(table)
    chosen = label or guessed
    if chosen not in names:
        raise GrowLearnError(f"{file} has no column {chosen!r}", cure=f"its columns are {', '.join(names)}")
    task = next((name for name in names if name.lower() in _TASK_NAMES and name != chosen), None)
    inputs: dict[str, Input] = {}
    left_out: dict[str, str] = {}
    for name in names:
        if name in (chosen, task):
            continue
        found = input_of(table.column(name), name)
        if isinstance(found, Input):
            inputs[name] = found
        else:
            left_out[name] = found
    if not inputs:
        raise GrowLearnError(
            f"{file} has no column that can be an input", cure=f"columns: {', '.join(names)}"
        )
    return Findings(
        source_type="folder",
        url=str(folder.resolve()),
        pattern=pattern,
        suggested_name=_stream_name(folder),
        inputs=inputs,
        label=chosen,
        task=task,
        left_out=left_out,
        rows=rows,
        summary=f"{len(inputs)} inputs, label {chosen!r}, "
        + (f"task {task!r}" if task else "no task column"),
        notes=() if label or not others else (_doubt(chosen, others),),
    )


def _require_distinct(names: Sequence[str], file: Path) -> None:
    if not names:
        raise GrowLearnError(f"{file} has no columns")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise GrowLearnError(f"column {twice!r} stands more than once in {file}", cure="rename one of them")


def _doubt(chosen: str, others: Sequence[str]) -> str:
    told = ", ".join(map(repr, others[:5]))
    return f"the label {chosen!r} is a guess ({told} could be it too); name another with --label"


def _stream_name(folder: Path) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("._-")[:63] or "stream"


def _read_csv(file: Path) -> Any:
    table = pacsv.read_csv(file)
    check_separator(table.column_names)
    return table


def _head(file: Path) -> tuple[Any, int]:
    """The first rows of a file, and how many it has."""
    try:
        if file.suffix.lower() not in (".parquet", ".pq"):
            is_csv = file.suffix.lower() == ".csv"  # here its types are guessed; ingest checks each cell
            table = _read_csv(file) if is_csv else load_whole(file.name, file.read_bytes())
            return table.slice(0, _ROWS), table.num_rows
        parquet = pq.ParquetFile(file)
        first = next(parquet.iter_batches(_ROWS), None)
    except (pa.ArrowException, OSError, ValueError, UnreadableFile) as error:
        raise GrowLearnError(f"{file} cannot be read: {str(error).splitlines()[0]}") from error
    if first is None:
        raise GrowLearnError(f"{file} has no rows")
    return pa.Table.from_batches([first]), parquet.metadata.num_rows
