"""Images in every supported form, as uint8 [N, channels, height, width]."""

from __future__ import annotations

import io
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import ExifTags, Image
from pyarrow import feather

from growlearn.app.infer_schema import read_image_shape
from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.formats import RawTable
from growlearn.ingest.images import decode_images
from growlearn.ingest.row_errors import RowError, RowErrors
from growlearn.ingest.table_rows import parse_file, parse_for_prediction

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20  # height 3, width 4
COLOUR = np.arange(36, dtype=np.uint8).reshape(3, 4, 3) * 7


def file(pixels: Any, form: str = "PNG", mode: str | None = None) -> bytes:
    sink = io.BytesIO()
    image = Image.fromarray(np.asarray(pixels))
    (image.convert(mode) if mode else image).save(sink, form)
    return sink.getvalue()


def decode(
    column: Any, shape: tuple[int, int, int] = (1, 3, 4), pixel_max: int | None = 255
) -> tuple[Any, RowErrors]:
    row_errors: RowErrors = {}
    array = column if isinstance(column, pa.Array | pa.ChunkedArray) else pa.array(column)
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    return decode_images(chunked, "image", shape, pixel_max, row_errors), row_errors


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_png_bytes_keep_every_pixel(kind: pa.DataType) -> None:
    pixels, row_errors = decode(pa.array([file(GREY), file(GREY + 1)], kind))
    assert (pixels.shape, pixels.dtype, row_errors) == ((2, 1, 3, 4), np.uint8, {})
    assert np.array_equal(pixels[0, 0], GREY)
    assert np.array_equal(pixels[1, 0], GREY + 1)


def test_colour_channels_come_first() -> None:
    pixels, row_errors = decode([file(COLOUR)], (3, 3, 4))
    assert row_errors == {}
    assert np.array_equal(pixels[0], COLOUR.transpose(2, 0, 1))


def test_jpeg_is_read_within_what_it_loses() -> None:
    pixels, row_errors = decode([file(np.full((3, 4), 100, np.uint8), "JPEG")])
    assert row_errors == {}
    assert np.abs(pixels.astype(int) - 100).max() <= 2


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("channels", [1, 3])
def test_other_modes_are_converted_as_the_shape_says(mode: str, channels: int) -> None:
    white = np.full((3, 4), 255, np.uint8)
    pixels, row_errors = decode([file(white, mode=mode)], (channels, 3, 4))
    assert row_errors == {}
    assert (pixels == 255).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_are_scaled_not_clipped(channels: int) -> None:
    deep = np.array([[0, 257, 257 * 100, 65535]] * 3, np.uint16)
    pixels, row_errors = decode([file(deep)], (channels, 3, 4))
    assert row_errors == {}
    assert pixels[0, 0, 0].tolist() == [0, 1, 100, 255]


SHOWN_BY_ORIENTATION: dict[int, Callable[[Any], Any]] = {  # stored pixels -> what is seen
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


def photo(pixels: Any, orientation: object, form: str = "PNG") -> bytes:
    """An image file that says how a viewer turns and mirrors its pixels."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, form, exif=exif, quality=100)
    return sink.getvalue()


@pytest.mark.parametrize("orientation", SHOWN_BY_ORIENTATION)
def test_an_image_is_read_as_viewers_show_it(orientation: int) -> None:
    shown = SHOWN_BY_ORIENTATION[orientation](COLOUR)
    pixels, row_errors = decode([photo(COLOUR, orientation)], (3, *shown.shape[:2]))
    assert row_errors == {}
    assert np.array_equal(pixels[0].transpose(1, 2, 0), shown)


@pytest.mark.parametrize("orientation", SHOWN_BY_ORIENTATION)
def test_a_photo_is_read_as_viewers_show_it_in_every_form_of_delivery(orientation: int) -> None:
    shown = SHOWN_BY_ORIENTATION[orientation](np.repeat(np.repeat(GREY, 8, 0), 8, 1))
    content = photo(np.repeat(np.repeat(GREY, 8, 0), 8, 1), orientation, "JPEG")
    schema = Schema(inputs={"image": InputColumn(type=InputType.IMAGE, shape=(1, *shown.shape))})
    assert read_image_shape(content) == (1, *shown.shape)  # what `init` proposes
    parquet, arrow = io.BytesIO(), io.BytesIO()
    table = pa.table({"image": [content], "label": [0]})
    pq.write_table(table, parquet)
    feather.write_feather(table, arrow)
    deliveries: list[dict[str, bytes]] = [
        {"cat/1.jpg": content},
        {"a.parquet": parquet.getvalue()},
        {"a.arrow": arrow.getvalue()},
    ]
    decoded = [parse_file(blobs, schema).rows.inputs["image"] for blobs in deliveries]
    frame = pa.table({"image": [content]})  # as a DataFrame and MLflow's server hand it over
    decoded.append(parse_for_prediction(RawTable(frame), schema).rows.inputs["image"])
    for pixels in decoded:
        assert np.array_equal(pixels, decoded[0])
        assert np.abs(pixels[0, 0].astype(int) - shown).max() <= 4


@pytest.mark.parametrize("orientation", [5, 6])
def test_sixteen_bits_are_turned_too(orientation: int) -> None:
    deep = GREY.astype(np.uint16) * 257
    pixels, row_errors = decode([photo(deep, orientation)], (1, 4, 3))
    assert row_errors == {}
    assert np.array_equal(pixels[0, 0], SHOWN_BY_ORIENTATION[orientation](GREY))


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_there_is_not_changes_nothing(orientation: int) -> None:
    pixels, row_errors = decode([photo(GREY, orientation)])
    assert row_errors == {}
    assert np.array_equal(pixels[0, 0], GREY)


def test_a_broken_exif_part_is_ignored_as_viewers_do() -> None:
    for damage in (b"Exif\0\0", b"Exif\0\0MM\0", b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12", b"\xff" * 40):
        sink = io.BytesIO()
        Image.fromarray(GREY).save(sink, "PNG", exif=damage)
        pixels, row_errors = decode([sink.getvalue()])
        assert row_errors == {}
        assert np.array_equal(pixels[0, 0], GREY)


def test_the_size_that_is_wanted_is_the_one_that_is_shown() -> None:
    _, row_errors = decode([photo(GREY, 6), photo(GREY, 1)], (1, 4, 3))
    assert row_errors == {1: RowError("image has the wrong size", ": 4x3, wanted 3x4 (width x height)")}


def test_hugging_face_structs_give_their_bytes() -> None:
    pixels, row_errors = decode(
        [{"bytes": file(GREY), "path": "a.png"}, {"bytes": None, "path": "b.png"}, None]
    )
    assert np.array_equal(pixels[0, 0], GREY)
    assert row_errors == {
        1: RowError("image is only a path", ": its bytes are not in the file"),
        2: RowError("image is missing"),
    }


def test_dictionary_encoded_bytes_are_read() -> None:
    pixels, row_errors = decode(pa.array([file(GREY)] * 2, pa.binary()).dictionary_encode())
    assert row_errors == {}
    assert np.array_equal(pixels[1, 0], GREY)


def test_a_huge_image_is_rejected_by_its_header_alone() -> None:
    sink = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(sink, "PNG")
    _, row_errors = decode([sink.getvalue(), file(GREY)])
    assert list(row_errors) == [0]
    assert row_errors[0].kind in ("image is corrupt", "image has the wrong size")


def test_other_formats_are_named_as_neither() -> None:
    _, row_errors = decode([file(GREY, "BMP"), file(GREY, "TIFF")])
    assert [row_error.detail for row_error in row_errors.values()] == [" (neither PNG nor JPEG)"] * 2


def test_a_jpeg_cut_short_is_corrupt() -> None:
    _, row_errors = decode([file(GREY, "JPEG")[:-40]])
    assert row_errors[0].kind == "image is corrupt"


def test_no_reason_has_a_memory_address() -> None:
    damaged = [file(GREY)[:cut] for cut in range(0, 60, 3)] + [
        file(COLOUR, "JPEG")[:cut] for cut in range(0, 600, 20)
    ]
    _, row_errors = decode(damaged)
    assert set(row_errors) == set(range(len(damaged)))
    assert not any("0x" in row_error.detail for row_error in row_errors.values())


class TestLists:
    @pytest.mark.parametrize(
        "kind",
        [
            pa.list_(pa.uint8()),
            pa.list_(pa.int64()),
            pa.large_list(pa.int16()),
            pa.list_(pa.uint8(), 12),
            pa.list_(pa.float32(), 12),
            pa.list_(pa.float64()),
        ],
    )
    def test_flat_lists_fill_the_shape_row_by_row(self, kind: pa.DataType) -> None:
        pixels, row_errors = decode(pa.array([GREY.ravel().tolist(), GREY.ravel().tolist()], kind))
        assert (pixels.shape, row_errors) == ((2, 1, 3, 4), {})
        assert np.array_equal(pixels[1, 0], GREY)

    def test_nested_lists_are_read_as_the_shape_or_as_height_and_width(self) -> None:
        assert np.array_equal(decode([GREY.tolist()])[0][0, 0], GREY)
        assert np.array_equal(decode([[GREY.tolist()]])[0][0, 0], GREY)
        channels_first = COLOUR.transpose(2, 0, 1)
        assert np.array_equal(decode([channels_first.tolist()], (3, 3, 4))[0][0], channels_first)

    def test_a_fixed_shape_tensor_is_read(self) -> None:
        tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.stack([GREY, GREY]))
        pixels, row_errors = decode(tensors)
        assert row_errors == {}
        assert np.array_equal(pixels[1, 0], GREY)

    def test_several_chunks_and_slices_are_one_column(self) -> None:
        array = pa.array([(GREY + i).ravel().tolist() for i in range(6)], pa.list_(pa.int64(), 12))
        pixels, row_errors = decode(pa.chunked_array([array.slice(1, 2), array.slice(4)]))
        assert row_errors == {}
        assert [int(image[0, 0, 0]) for image in pixels] == [1, 2, 4, 5]

    def test_lists_of_another_length_are_bad_rows_and_the_others_stay_in_place(self) -> None:
        flat = GREY.ravel().tolist()
        pixels, row_errors = decode([flat, flat[:-1], None, flat])
        assert np.array_equal(pixels[3, 0], GREY)
        assert row_errors == {
            1: RowError("image has the wrong size", ": lists of 11 where 12 are wanted"),
            2: RowError("image is missing"),
        }

    def test_as_many_numbers_in_another_form_are_not_scrambled(self) -> None:
        _, row_errors = decode([GREY.reshape(4, 3).tolist()])
        assert row_errors[0].detail == ": lists of 4 where 3 are wanted"

    @pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
    def test_fractions_of_one_are_read_where_one_is_white(self, kind: pa.DataType) -> None:
        fractions = [(GREY / 255).ravel().tolist(), [0.0] * 11 + [1.0]]
        pixels, row_errors = decode(pa.array(fractions, pa.list_(kind)), pixel_max=1)
        assert row_errors == {}
        assert np.array_equal(pixels[0, 0], GREY)
        assert pixels[1].max() == 255

    @pytest.mark.parametrize("kind", [pa.int64(), pa.uint8(), pa.float64()])
    def test_zeros_and_ones_are_read_alike_whatever_their_type(self, kind: pa.DataType) -> None:
        column = pa.array([[0] * 11 + [1], [0] * 12], pa.list_(kind))
        assert [image.max() for image in decode(column)[0]] == [1, 0]
        assert [image.max() for image in decode(column, pixel_max=1)[0]] == [255, 0]

    def test_what_contradicts_the_scale_is_a_bad_row(self) -> None:
        fractions, levels = [*(GREY / 255).ravel().tolist()], GREY.ravel().astype(float).tolist()
        pixels, row_errors = decode([fractions, levels])
        assert row_errors == {
            0: RowError(
                "image has fractions of 1 where 255 is white; where 1 is, the column needs pixel_max: 1"
            )
        }
        assert np.array_equal(pixels[1, 0], GREY)
        pixels, row_errors = decode([fractions, levels], pixel_max=1)
        assert row_errors == {1: RowError("image has values outside 0..1, where 1 is white (pixel_max: 1)")}
        assert np.array_equal(pixels[0, 0], GREY)

    def test_a_long_file_of_the_other_scale_is_refused_in_one_sentence(self) -> None:
        column = pa.array([[0.5]] * 10_001)
        with pytest.raises(InvalidFile, match="in all 10,001 image has fractions of 1 where 255 is white"):
            decode(column, (1, 1, 1))

    def test_levels_between_whole_numbers_are_rounded(self) -> None:
        pixels, row_errors = decode([[1.5, 0.25, *[0] * 10]])
        assert row_errors == {}
        assert pixels[0, 0, 0].tolist() == [2, 0, 0, 0]

    def test_a_version_that_does_not_say_decides_by_the_column(self) -> None:
        fractions = (GREY / 255).ravel().tolist()
        assert np.array_equal(decode([fractions], pixel_max=None)[0][0, 0], GREY)
        mixed = decode([fractions, GREY.ravel().astype(float).tolist()], pixel_max=None)[0]
        assert np.array_equal(mixed[1, 0], GREY)
        assert mixed[0].max() <= 1
        assert decode([[0] * 11 + [1]], pixel_max=None)[0].max() == 1  # integers are never fractions

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
    def test_numbers_that_are_none_are_bad_rows(self, value: float | None) -> None:
        good = GREY.ravel().astype(float).tolist()
        pixels, row_errors = decode([[*good[:-1], value], good])
        assert row_errors == {0: RowError("image has missing, NaN or infinite values")}
        assert np.array_equal(pixels[1, 0], GREY)

    @pytest.mark.parametrize("value", [-1, 256, 100_000])
    def test_numbers_no_byte_can_hold_are_bad_rows(self, value: int) -> None:
        _, row_errors = decode([[0] * 11 + [value], [9] * 12])
        assert row_errors == {0: RowError("image has values outside 0..255")}

    def test_rows_flawed_before_are_not_looked_at(self) -> None:
        row_errors: RowErrors = {0: RowError("x is NaN")}
        column = pa.chunked_array([pa.array([[0.5] * 11, GREY.ravel().astype(float).tolist()])])
        pixels = decode_images(column, "image", (1, 3, 4), 255, row_errors)
        assert row_errors == {0: RowError("x is NaN")}
        assert np.array_equal(pixels[1, 0], GREY)


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (["text"], r"column 'image' is string; wanted images"),
        ([1.5], r"column 'image' is double; wanted images"),
        ([{"path": "a.png"}], r"an image struct needs a field named bytes"),
        ([["a"] * 12], r"wanted numbers in lists as \[1, 3, 4\], or in one"),
        ([[[[[1]]]]], r"wanted numbers in lists as \[1, 3, 4\], or in one"),
    ],
)
def test_a_column_of_another_kind_cannot_be_read_at_all(column: Any, reason: str) -> None:
    with pytest.raises(InvalidFile, match=reason):
        decode(column)


def test_a_column_of_nothing_is_missing_in_every_row() -> None:
    _, row_errors = decode(pa.nulls(3))
    assert row_errors == dict.fromkeys(range(3), RowError("image is missing"))


def test_twelve_thousand_small_pngs_take_seconds_at_most(png: Callable[..., bytes]) -> None:
    column = pa.array([png(28, 28, seed=i) for i in range(50)] * 240, pa.binary())
    start_s = process_time()
    _, row_errors = decode(column, (1, 28, 28))
    assert row_errors == {}
    assert process_time() - start_s < 4  # about 0.5 s alone on a core; a slow path would take far longer
