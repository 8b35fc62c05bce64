"""The image column of an Arrow table -> uint8 pixels, with the errors of invalid rows."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import pyarrow.compute as pc
import pyarrow.types as pt
from PIL import ExifTags, Image, UnidentifiedImageError

from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import MAX_PIXEL
from growlearn.ingest.columns import null_mask, unwrap_column
from growlearn.ingest.lists import ListShapes, flatten_valid_lists, get_depth_and_leaf_type, is_list_type
from growlearn.ingest.row_errors import RowError, RowErrors, mark_rows, refuse_if_all
from growlearn.ingest.rows import Column
from growlearn.ingest.spool import allocate_zeros

ImageShape: TypeAlias = tuple[int, ...]  # channels, height, width
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
"""Suffixes of image files."""

_CELLS_AT_ONCE = 64
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UPRIGHT = {  # EXIF orientation -> how the stored pixels become what a viewer shows
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode_images(
    column: Any, name: str, shape: ImageShape, pixel_max: int | None, row_errors: RowErrors
) -> Column:
    """Column as uint8 [N, channels, height, width]; rows without an image of this shape are marked as errors.

    Accepted are PNG or JPEG bytes, plain or as a struct of bytes and path, and lists (flat, or nested as the
    shape) of channels * height * width numbers from 0 to `pixel_max`, which is white; where that is None,
    fractions are 0 to 1 where all numbers of the column are. Raises InvalidFile for any other kind.
    """
    column = unwrap_column(column, keep_dictionary=True)
    if pt.is_struct(column.type):
        column = _extract_struct_bytes(column, name, row_errors)
    mark_rows(row_errors, null_mask(column), RowError(f"{name} is missing"))
    if _is_binary_type(column.type.value_type if pt.is_dictionary(column.type) else column.type):
        return _decode_image_files(column, name, shape, row_errors)
    if is_list_type(column.type):
        return _decode_image_lists(column, name, shape, pixel_max, row_errors)
    if pt.is_null(column.type):
        return allocate_zeros((len(column), *shape), np.uint8)
    raise InvalidFile(
        f"column {name!r} is {column.type}; wanted images: PNG or JPEG bytes, a struct of bytes and path,"
        f" or lists of {np.prod(shape)} numbers"
    )


def _is_binary_type(arrow_type: Any) -> bool:
    return bool(
        pt.is_binary(arrow_type)
        or pt.is_large_binary(arrow_type)
        or pt.is_binary_view(arrow_type)
        or pt.is_fixed_size_binary(arrow_type)
    )


def _extract_struct_bytes(column: Any, name: str, row_errors: RowErrors) -> Any:
    """The bytes of Hugging Face's {bytes, path}; a path alone names a file that is not available."""
    fields = {field.name for field in column.type}
    if "bytes" not in fields:
        raise InvalidFile(f"column {name!r} is {column.type}; an image struct needs a field named bytes")
    content = pc.struct_field(column, "bytes")
    if "path" in fields:
        is_path_only = null_mask(content) & ~null_mask(pc.struct_field(column, "path"))
        mark_rows(
            row_errors, is_path_only, RowError(f"{name} is only a path", ": its bytes are not in the file")
        )
    return content


# Image files ----------------------------------------------------------------------------------------


def _decode_image_files(column: Any, name: str, shape: ImageShape, row_errors: RowErrors) -> Column:
    channels, height, width = shape
    pixels = allocate_zeros((len(column), channels, height, width), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a broken EXIF part, which viewers ignore too
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for row, content in enumerate(_iterate_cells(column)):
            decoded = b"" if content is None else _decode_image(content, shape)
            if isinstance(decoded, RowError):
                row_errors.setdefault(row, RowError(f"{name} {decoded.kind}", decoded.detail))
            elif decoded:
                image = np.frombuffer(decoded, np.uint8).reshape(height, width, channels)
                pixels[row] = image.transpose(2, 0, 1)  # [C, H, W]
    return pixels


def _iterate_cells(column: Any) -> Iterator[bytes | None]:
    """The cells, a few at a time in memory: rows may share a long one."""
    for chunk in column.chunks:
        for start in range(0, len(chunk), _CELLS_AT_ONCE):
            yield from chunk.slice(start, _CELLS_AT_ONCE).to_pylist()


def _decode_image(content: bytes, shape: ImageShape) -> bytes | RowError:
    """Pixels row by row, channels last; or the error of the image."""
    if not content:
        return RowError("is empty", " (0 bytes)")
    if content.startswith(_PNG_SIGNATURE) and not _is_whole_png(content):
        return RowError("is corrupt", " (cut short, or its checksum is wrong)")
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            return _to_pixels(image, shape)
    except UnidentifiedImageError:
        return RowError("is corrupt", " (neither PNG nor JPEG)")
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises many kinds of error on corrupt bytes
        return RowError("is corrupt", f" ({error})")


def _to_pixels(image: Image.Image, shape: ImageShape) -> bytes | RowError:
    """Pixels of the image as viewers show it.

    The header has its size, so an image of another size is never decompressed.
    """
    channels, height, width = shape
    if image.size in ((width, height), (height, width)):
        image.load()
        orientation = read_orientation(image)
        image = image if orientation == 1 else image.transpose(_UPRIGHT[orientation])
    if image.size != (width, height):
        sizes = f"{image.width}x{image.height}, wanted {width}x{height}"
        return RowError("has the wrong size", f": {sizes} (width x height)")
    if image.mode.startswith("I"):  # 16 bits a pixel: Pillow would clip them, not scale
        scaled = np.clip(np.asarray(image) // 257, 0, 255).astype(np.uint8)
        return np.repeat(scaled[..., None], channels, axis=-1).tobytes()
    mode = "L" if channels == 1 else "RGB"
    return (image if image.mode == mode else image.convert(mode)).tobytes()  # convert copies in any case


def read_orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8, by which viewers turn and mirror an image.

    From 5 on height and width change places. It is 1, as stored, where there is none or it cannot be read.
    """
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # Pillow raises many kinds of error on a broken EXIF part; the pixels may be whole
        return 1
    return orientation if orientation in _UPRIGHT else 1


def _is_whole_png(content: bytes) -> bool:
    """Whether every chunk matches its checksum up to the last one; Pillow does not check pixel data."""
    offset = len(_PNG_SIGNATURE)
    while offset + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, offset)
        end = offset + 8 + length
        if end + 4 > len(content):
            return False
        if zlib.crc32(content[offset + 4 : end]) != struct.unpack_from(">I", content, end)[0]:
            return False
        if content[offset + 4 : offset + 8] == b"IEND":
            return True
        offset = end + 4
    return False


# Lists of numbers -----------------------------------------------------------------------------------


def _decode_image_lists(
    column: Any, name: str, shape: ImageShape, pixel_max: int | None, row_errors: RowErrors
) -> Column:
    shapes = _get_list_shapes(column.type, name, shape)
    rows, leaves = flatten_valid_lists(column, name, shapes, row_errors)
    if pixel_max is None:
        pixel_max = _guess_pixel_max(leaves) if holds_fractions(column) else MAX_PIXEL
    else:
        _reject_fractions(leaves, rows, name, pixel_max, row_errors)
    levels = _to_levels(leaves, rows, name, pixel_max, row_errors)
    pixels = allocate_zeros((len(column), *shape), np.uint8)
    pixels[rows] = levels.reshape(-1, *shape)
    return pixels


def holds_fractions(column: Any) -> bool:
    """Whether the images of a column are lists of floating-point numbers."""
    return is_list_type(column.type) and bool(pt.is_floating(get_depth_and_leaf_type(column.type)[1]))


def has_only_zeros_and_ones(images: Column) -> bool:
    """Whether images uint8 [N, C, H, W] have levels 0 and 1 and no other."""
    highest = 0
    for start in range(0, len(images), _CELLS_AT_ONCE):
        highest = max(highest, int(images[start : start + _CELLS_AT_ONCE].max()))
        if highest > 1:  # nearly always in the first part
            return False
    return highest == 1


def _get_list_shapes(arrow_type: Any, name: str, shape: ImageShape) -> ListShapes:
    """How long the lists of each level must be; raises InvalidFile for lists of anything but numbers."""
    channels, height, width = shape
    shapes = {1: (channels * height * width,), 3: shape}
    if channels == 1:
        shapes[2] = (height, width)
    depth, leaf = get_depth_and_leaf_type(arrow_type)
    if depth not in shapes or not (pt.is_integer(leaf) or pt.is_floating(leaf)):
        raise InvalidFile(
            f"column {name!r} is {arrow_type}; wanted numbers in lists as {list(shape)}, or in one"
        )
    return shapes


def _guess_pixel_max(leaves: Column) -> int:
    """1 where all numbers [M, values] lie in 0..1."""
    finite = leaves[np.isfinite(leaves).all(axis=1)]
    return 1 if finite.size and finite.min() >= 0 and finite.max() <= 1 else MAX_PIXEL


def _reject_fractions(leaves: Column, rows: Column, name: str, pixel_max: int, row_errors: RowErrors) -> None:
    """Mark images in fractions of 1 where 255 is white: they would be nearly black."""
    if pixel_max == 1 or leaves.dtype.kind != "f":
        return
    in_fractions = (leaves.min(axis=1, initial=0) >= 0) & (leaves.max(axis=1, initial=0) <= 1)
    in_fractions[in_fractions] = (leaves[in_fractions] % 1 > 0).any(axis=1)
    kind = f"{name} has fractions of 1 where 255 is white; where 1 is, the column needs pixel_max: 1"
    refuse_if_all(in_fractions, kind)
    mark_rows(row_errors, rows[in_fractions], RowError(kind))


def _to_levels(leaves: Column, rows: Column, name: str, pixel_max: int, row_errors: RowErrors) -> Column:
    """Numbers [M, values] from 0 to `pixel_max` as uint8 from 0 to 255."""
    if leaves.dtype == np.uint8 and pixel_max == MAX_PIXEL:
        return leaves
    is_invalid = np.asarray(~np.isfinite(leaves).all(axis=1))
    mark_rows(row_errors, rows[is_invalid], RowError(f"{name} has missing, NaN or infinite values"))
    leaves = np.where(is_invalid[:, None], 0, leaves)
    is_out_of_range = (leaves.min(axis=1, initial=0) < 0) | (leaves.max(axis=1, initial=0) > pixel_max)
    scale = "0..255" if pixel_max == MAX_PIXEL else "0..1, where 1 is white (pixel_max: 1)"
    mark_rows(row_errors, rows[is_out_of_range], RowError(f"{name} has values outside {scale}"))
    levels = leaves if pixel_max == MAX_PIXEL else leaves * (MAX_PIXEL / pixel_max)
    return np.asarray(np.rint(np.clip(levels, 0, MAX_PIXEL)), dtype=np.uint8)
