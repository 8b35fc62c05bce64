"""The image column of an Arrow table -> uint8 pixels, with the rows that hold no such image."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import Any, TypeAlias

import numpy as np
import pyarrow.compute as pc
import pyarrow.types as pt
from PIL import Image, UnidentifiedImageError

from growlearn.domain.errors import UnreadableFile
from growlearn.ingest.columns import nulls, plain
from growlearn.ingest.flaws import Flaw, Flaws, flag
from growlearn.ingest.lists import Forms, depth_and_leaf, equal_lists, is_list
from growlearn.ingest.rows import Column

Shape: TypeAlias = tuple[int, ...]  # channels, height, width
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
"""How names of image files end."""

_PNG = b"\x89PNG\r\n\x1a\n"


def decode_images(column: Any, name: str, shape: Shape, flaws: Flaws) -> Column:
    """Column as uint8 [N, channels, height, width]; rows that hold no image of this shape are flagged.

    Read are PNG or JPEG bytes, plain or as a struct of bytes and path, and lists (flat, or nested as
    the shape) of channels * height * width numbers. Raises UnreadableFile for any other kind.
    """
    column = plain(column)
    if pt.is_struct(column.type):
        column = _bytes_of_struct(column, name, flaws)
    flag(flaws, nulls(column), Flaw(f"{name} is missing"))
    if _is_bytes(column.type):
        return _of_files(column.to_pylist(), name, shape, flaws)
    if is_list(column.type):
        return _of_lists(column, name, shape, flaws)
    if pt.is_null(column.type):
        return np.zeros((len(column), *shape), np.uint8)
    raise UnreadableFile(
        f"column {name!r} is {column.type}; wanted images: PNG or JPEG bytes, a struct of bytes and path,"
        f" or lists of {np.prod(shape)} numbers"
    )


def _is_bytes(kind: Any) -> bool:
    return bool(
        pt.is_binary(kind)
        or pt.is_large_binary(kind)
        or pt.is_binary_view(kind)
        or pt.is_fixed_size_binary(kind)
    )


def _bytes_of_struct(column: Any, name: str, flaws: Flaws) -> Any:
    """The bytes of Hugging Face's {bytes, path}; a path alone leads to a file that we do not have."""
    fields = {field.name for field in column.type}
    if "bytes" not in fields:
        raise UnreadableFile(f"column {name!r} is {column.type}; an image struct needs a field named bytes")
    content = pc.struct_field(column, "bytes")
    if "path" in fields:
        elsewhere = nulls(content) & ~nulls(pc.struct_field(column, "path"))
        flag(flaws, elsewhere, Flaw(f"{name} is only a path", ": its bytes are not in the file"))
    return content


# Image files ----------------------------------------------------------------------------------------


def _of_files(contents: list[bytes | None], name: str, shape: Shape, flaws: Flaws) -> Column:
    channels, height, width = shape
    pixels = np.zeros((len(contents), height * width * channels), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for row, content in enumerate(contents):
            if content is None:
                continue
            read = _decode(content, shape)
            if isinstance(read, Flaw):
                flaws.setdefault(row, Flaw(f"{name} {read.kind}", read.detail))
            else:
                pixels[row] = np.frombuffer(read, np.uint8)
    images = pixels.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(images)


def _decode(content: bytes, shape: Shape) -> bytes | Flaw:
    """Pixels row by row, channels last; or what is wrong with the image."""
    if not content:
        return Flaw("is empty", " (0 bytes)")
    if content.startswith(_PNG) and not _is_whole_png(content):
        return Flaw("is corrupt", " (cut short, or its checksum is wrong)")
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            return _pixels(image, shape)
    except UnidentifiedImageError:
        return Flaw("is corrupt", " (neither PNG nor JPEG)")
    except Exception as error:  # Pillow raises many kinds on damaged bytes, all of which mean the same
        return Flaw("is corrupt", f" ({error})")


def _pixels(image: Image.Image, shape: Shape) -> bytes | Flaw:
    """The size stands in the header: an image of another one, however vast, is never unpacked."""
    channels, height, width = shape
    if image.size != (width, height):
        found = f"{image.width}x{image.height}, wanted {width}x{height}"
        return Flaw("has the wrong size", f": {found} (width x height)")
    if image.mode.startswith("I"):  # 16 bits a pixel: Pillow would clip them, not scale
        scaled = np.clip(np.asarray(image) // 257, 0, 255).astype(np.uint8)
        return np.repeat(scaled[..., None], channels, axis=-1).tobytes()
    return image.convert("L" if channels == 1 else "RGB").tobytes()


def _is_whole_png(content: bytes) -> bool:
    """Whether every chunk up to the last has the checksum it names; Pillow does not check pixel data."""
    place = len(_PNG)
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        end = place + 8 + length
        if end + 4 > len(content):
            return False
        if zlib.crc32(content[place + 4 : end]) != struct.unpack_from(">I", content, end)[0]:
            return False
        if content[place + 4 : place + 8] == b"IEND":
            return True
        place = end + 4
    return False


# Lists of numbers -----------------------------------------------------------------------------------


def _of_lists(column: Any, name: str, shape: Shape, flaws: Flaws) -> Column:
    forms = _forms(column.type, name, shape)
    rows, leaves = equal_lists(column, name, forms, flaws)
    is_floating = pt.is_floating(depth_and_leaf(column.type)[1])
    pixels = np.zeros((len(column), *shape), np.uint8)
    pixels[rows] = _bytes_of_numbers(leaves, rows, name, flaws, is_floating).reshape(-1, *shape)
    return pixels


def _forms(kind: Any, name: str, shape: Shape) -> Forms:
    """How long the lists of each level must be; raises UnreadableFile for lists of anything but numbers."""
    channels, height, width = shape
    forms = {1: (channels * height * width,), 3: shape}
    if channels == 1:
        forms[2] = (height, width)
    depth, leaf = depth_and_leaf(kind)
    if depth not in forms or not (pt.is_integer(leaf) or pt.is_floating(leaf)):
        raise UnreadableFile(
            f"column {name!r} is {kind}; wanted numbers in lists as {list(shape)}, or in one"
        )
    return forms


def _bytes_of_numbers(leaves: Column, rows: Column, name: str, flaws: Flaws, is_floating: bool) -> Column:
    """Numbers [M, values] as uint8; fractions of 1 are scaled where the whole column lies in 0..1."""
    if leaves.dtype == np.uint8:
        return leaves
    unknown = np.asarray(~np.isfinite(leaves).all(axis=1))
    flag(flaws, rows[unknown], Flaw(f"{name} has missing, NaN or infinite values"))
    leaves = np.where(unknown[:, None], 0, leaves)
    if is_floating and leaves.size and leaves.min() >= 0 and leaves.max() <= 1:
        leaves = leaves * 255
    outside = (leaves.min(axis=1, initial=0) < 0) | (leaves.max(axis=1, initial=0) > 255)
    flag(flaws, rows[outside], Flaw(f"{name} has values outside 0..255"))
    return np.asarray(np.rint(np.clip(leaves, 0, 255)), dtype=np.uint8)
