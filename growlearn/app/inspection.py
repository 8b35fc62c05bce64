"""Looking at data a user points to: which columns it has and what each seems to be."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from PIL import Image, UnidentifiedImageError

from growlearn.domain.errors import GrowLearnError, UnreadableFile
from growlearn.domain.schema import Input, InputType
from growlearn.ingest.formats import load_whole

_SUFFIXES = (".parquet", ".pq", ".csv", ".arrow", ".feather", ".ipc")
_IMAGES = (".png", ".jpg", ".jpeg")
_LABEL_NAMES = ("label", "labels", "target", "class", "y", "category", "fine_label")
_TASK_NAMES = ("task", "task_id", "domain")
_ROWS = 1000


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What the data seems to be.

    `left_out` holds columns no stem can read, with the reason; `rows` counts those of the first delivery.
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


def inspect_data(data: Path, label: str | None) -> Findings:
    """Look at a data file, at the first one of a folder, or at a folder of class folders of images.

    Raises GrowLearnError where there is nothing to go by.
    """
    if not data.exists():
        raise GrowLearnError(f"{data} does not exist", cure="point to a data file or a folder")
    if data.is_file():
        return _of_table(data, data.parent, label)
    tables = sorted(p for p in data.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
    if tables:
        return _of_table(tables[0], data, label)
    images = sorted(p for p in data.rglob("*") if p.suffix.lower() in _IMAGES and p.is_file())
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
    root = data if depth > 2 else data.parent  # a folder of class folders is itself one delivery
    return Findings(
        source_type="image-folder",
        url=str(root.resolve()),
        pattern="*",
        suggested_name=_stream_name(data),
        inputs={"image": Input(type=InputType.IMAGE, shape=shape)},
        label="label",
        task=None,
        left_out={},
        rows=len(images),
        summary=f"images of {shape[2]} x {shape[1]} pixels in class folders",
    )


def _of_table(file: Path, folder: Path, label: str | None) -> Findings:
    table, rows = _head(file)
    names: list[str] = table.column_names
    chosen = label or _guess_label(names)
    if chosen not in names:
        raise GrowLearnError(f"{file} has no column {chosen!r}", cure=f"its columns are {', '.join(names)}")
    task = next((name for name in names if name.lower() in _TASK_NAMES and name != chosen), None)
    inputs: dict[str, Input] = {}
    left_out: dict[str, str] = {}
    for name in names:
        if name in (chosen, task):
            continue
        found = input_of(table.column(name))
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
        pattern=f"**/*{file.suffix}" if file.parent != folder else f"*{file.suffix}",
        suggested_name=_stream_name(folder),
        inputs=inputs,
        label=chosen,
        task=task,
        left_out=left_out,
        rows=rows,
        summary=f"{len(inputs)} inputs, label {chosen!r}, "
        + (f"task {task!r}" if task else "no task column"),
    )


def _guess_label(names: Sequence[str]) -> str:
    by_name = {name.lower(): name for name in reversed(names)}
    return next((by_name[name] for name in _LABEL_NAMES if name in by_name), names[-1])


def _stream_name(folder: Path) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("._-")[:63] or "stream"


def _head(file: Path) -> tuple[Any, int]:
    """The first rows of a file, and how many it has."""
    try:
        if file.suffix.lower() not in (".parquet", ".pq"):
            is_csv = file.suffix.lower() == ".csv"  # here its types are guessed; ingest checks each cell
            table = pacsv.read_csv(file) if is_csv else load_whole(file.name, file.read_bytes())
            return table.slice(0, _ROWS), table.num_rows
        parquet = pq.ParquetFile(file)
        first = next(parquet.iter_batches(_ROWS), None)
    except (pa.ArrowException, OSError, ValueError, UnreadableFile) as error:
        raise GrowLearnError(f"{file} cannot be read: {str(error).splitlines()[0]}") from error
    if first is None:
        raise GrowLearnError(f"{file} has no rows")
    return pa.Table.from_batches([first]), parquet.metadata.num_rows


def input_of(column: Any) -> Input | str:
    """What a column seems to be, or why no stem can read it."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Input(type=InputType.NUMBER)
    if pa.types.is_boolean(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return Input(type=InputType.CATEGORY)
    present = column.drop_null()
    first = present[0].as_py() if len(present) else None
    content = first.get("bytes") if isinstance(first, dict) else first
    if isinstance(content, bytes):
        shape = image_shape(content)
        return "its bytes are no PNG or JPEG" if shape is None else Input(type=InputType.IMAGE, shape=shape)
    if isinstance(content, list):
        return _listed_image(content)
    return f"values of type {kind} cannot be read"


def _listed_image(values: list[Any]) -> Input | str:
    shape: list[int] = []
    level: Any = values
    while isinstance(level, list) and level:
        shape.append(len(level))
        level = level[0]
    if len(shape) == 2:
        shape = [1, *shape]
    if len(shape) == 3 and shape[0] in (1, 3):
        return Input(type=InputType.IMAGE, shape=(shape[0], shape[1], shape[2]))
    count = math.prod(shape)
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if count == channels * side * side and side > 1:
            return Input(type=InputType.IMAGE, shape=(channels, side, side))
    return f"lists of {count} numbers are no square image; give their shape by hand"


def image_shape(content: bytes) -> tuple[int, int, int] | None:
    """(channels, height, width) of PNG or JPEG bytes; None where they are neither."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            channels = 1 if image.mode in ("1", "L", "I;16", "I") else 3
            return channels, image.height, image.width
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None
