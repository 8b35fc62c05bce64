"""Raw values as an encoder's inputs: grey and large images, texts of any length, empty and missing ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from growlearn.ingest.rows import object_column
from growlearn.network.encoders.preprocessing import (
    NUM_SEGMENTS,
    pad_ids,
    prepare_images,
    summarise_texts,
    tokenize_texts,
)
from tests.unit.tiny_encoders import IMAGES, WORDS, text_preprocessing

MEAN, STD = (torch.tensor(values)[:, None, None] for values in (IMAGES.mean, IMAGES.std))


def test_pixels_of_the_right_size_are_only_standardised() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 12, 12), dtype=np.uint8)
    expected = (torch.from_numpy(images).float() / 255 - MEAN) / STD
    assert torch.equal(prepare_images(images, IMAGES), expected)


@pytest.mark.parametrize("shape", [(8, 8), (12, 12), (30, 20)])
def test_a_grey_image_is_the_coloured_one_of_equal_channels(shape: tuple[int, int]) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (2, 1, *shape), dtype=np.uint8)
    prepared = prepare_images(grey, IMAGES)
    assert prepared.shape == (2, 3, 12, 12)
    assert torch.equal(prepared, prepare_images(grey.repeat(3, axis=1), IMAGES))


def test_resized_pixels_stay_between_black_and_white() -> None:
    images = np.zeros((1, 1, 8, 8), np.uint8)
    images[..., 4:] = 255  # bicubic interpolation would overshoot at the edge
    pixels = prepare_images(images, IMAGES) * STD + MEAN
    assert pixels.min() >= -1e-6
    assert pixels.max() <= 1 + 1e-6
    assert pixels.max() > 0.99


def test_one_image_is_prepared_as_among_others() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 3, 30, 20), dtype=np.uint8)
    alone = torch.cat([prepare_images(images[i : i + 1], IMAGES) for i in range(5)])
    assert torch.equal(prepare_images(images, IMAGES), alone)


def test_a_missing_text_is_an_empty_one_and_a_long_one_is_cut_off() -> None:
    texts = object_column(["the cat", None, "", "the good " * 50, "猫 the"])
    ids = tokenize_texts(texts, text_preprocessing(max_ids=20))
    assert [len(ids_of_text) for ids_of_text in ids] == [2, 0, 0, 20, 2]
    assert ids[0] == [WORDS.index("the"), WORDS.index("cat")]
    assert ids[4] == [WORDS.index("[UNK]"), WORDS.index("the")]


def test_ids_are_padded_to_a_step_but_never_beyond_the_places_of_an_encoder() -> None:
    padded, mask = pad_ids([[5, 6], [7] * 17], max_ids=40)
    assert padded.shape == mask.shape == (2, 32)
    assert padded[0].tolist() == [5, 6] + [0] * 30
    assert mask.sum(1).tolist() == [2, 17]
    assert pad_ids([[7] * 19], max_ids=20)[0].shape == (1, 20)
    assert pad_ids([[]], max_ids=40)[1].sum() == 0


def test_a_text_is_the_means_of_its_eight_parts() -> None:
    hidden = torch.arange(32.0).reshape(1, 32, 1).repeat(2, 1, 1)  # [2, 32, 1]
    mask = torch.zeros(2, 32, dtype=torch.int64)
    mask[0, :16], mask[1, :12] = 1, 1
    tokens, summary = summarise_texts(hidden, mask)
    assert tokens.shape == (2, NUM_SEGMENTS, 1)
    assert tokens[0, :, 0].tolist() == [0.5, 2.5, 4.5, 6.5, 8.5, 10.5, 12.5, 14.5]
    assert tokens[1, :, 0].tolist() == [0.5, 2.0, 3.5, 5.0, 6.5, 8.0, 9.5, 11.0]
    assert summary.tolist() == [[1.0], [1.0]]


def test_a_short_text_leaves_parts_empty_and_none_at_all_is_zero() -> None:
    hidden = torch.randn(2, 16, 4, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(2, 16, dtype=torch.int64)
    mask[0, :3] = 1
    tokens, summary = summarise_texts(hidden, mask)
    assert torch.equal(tokens[0, [0, 2, 5]], hidden[0, :3])
    assert tokens[0, [1, 3, 4, 6, 7]].abs().sum() == 0
    torch.testing.assert_close(summary[0], torch.nn.functional.normalize(hidden[0, :3].mean(0), dim=0))
    assert tokens[1].abs().sum() == summary[1].abs().sum() == 0
