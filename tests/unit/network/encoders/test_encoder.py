"""A stored encoder: equal ones are equal bytes, others are refused, the fingerprint is of what counts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from growlearn.adapters.encoders.store_module import dump_image_encoder, dump_text_encoder
from growlearn.domain.errors import GrowLearnError
from growlearn.network.encoders.encoder import fingerprint, read_description, read_encoder
from tests.unit.tiny_encoders import (
    IMAGES,
    TinyAttention,
    TinyConv,
    image_encoder,
    text_encoder,
    text_preprocessing,
)


def test_equal_encoders_are_equal_bytes() -> None:
    assert dump_image_encoder(TinyConv(), IMAGES, name="tiny", library="file") == image_encoder()
    assert dump_image_encoder(TinyConv(seed=1), IMAGES, name="tiny", library="file") != image_encoder()


def test_a_description_is_read_without_the_weights_and_is_that_of_the_encoder() -> None:
    images, texts = read_description(image_encoder()), read_description(text_encoder())
    assert images == read_encoder(image_encoder())[0]
    assert (images.reads, images.num_tokens, images.token_size, images.summary_size) == ("image", 9, 6, 10)
    assert images.num_features == 9 * 6 + 10
    assert images.preprocessing == IMAGES
    assert (texts.reads, texts.num_tokens, texts.token_size, texts.summary_size) == ("text", 8, 8, 8)
    assert texts.preprocessing == text_preprocessing()
    learned = sum(weight.numel() for weight in TinyConv().parameters())
    assert images.num_parameters == learned + 2 * 6  # and the statistics of the normalisation


ZEROS = {"a": torch.zeros(2)}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"\x80\x04pickle",
        b"\xff" * 64,
        save(ZEROS),
        *(save(ZEROS, {"growlearn_encoder": header}) for header in ("", "[]", "{}", '"text"')),
    ],
)
def test_other_bytes_are_refused(content: bytes) -> None:
    for read in (read_encoder, read_description):
        with pytest.raises(GrowLearnError, match="no encoder that was stored by growlearn") as refused:
            read(content)
        assert "save_encoder" in str(refused.value.hint)


def test_an_encoder_that_was_cut_off_is_refused() -> None:
    with pytest.raises(GrowLearnError, match="no encoder"):
        read_encoder(image_encoder()[:-1])


def test_another_format_is_named() -> None:
    content = image_encoder()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["growlearn_encoder"])
    later = save(load(content), {"growlearn_encoder": json.dumps({**header, "format": 9})})
    with pytest.raises(GrowLearnError, match="has format 9; this version reads 1"):
        read_encoder(later)


def test_the_fingerprint_ignores_names_and_order_of_tensors() -> None:
    one, two = torch.ones(2, 3), torch.zeros(4)
    expected = fingerprint({"a": one, "b": two}, IMAGES)
    assert fingerprint({"x": two, "y": one}, IMAGES) == expected
    assert fingerprint({"a": one.t().contiguous(), "b": two}, IMAGES) != expected
    assert fingerprint({"a": one.double(), "b": two}, IMAGES) != expected
    assert fingerprint({"a": one + 1e-6, "b": two}, IMAGES) != expected


def test_the_fingerprint_counts_preprocessing_and_tokeniser() -> None:
    tensors, texts = {"a": torch.ones(2, 3)}, text_preprocessing()
    expected = fingerprint(tensors, IMAGES)
    for changed in ({"size": 13}, {"mean": (0.5, 0.4, 0.31)}, {"interpolation": "bilinear"}):
        assert fingerprint(tensors, replace(IMAGES, **changed)) != expected
    assert fingerprint(tensors, texts) != fingerprint(tensors, replace(texts, max_ids=39))
    other_words = texts.tokenizer.replace('"cat"', '"cow"')
    assert fingerprint(tensors, texts) != fingerprint(tensors, replace(texts, tokenizer=other_words))


def test_a_module_with_other_outputs_is_refused() -> None:
    class Pooled(TinyConv):
        def forward(self, images: Tensor) -> Any:
            return super().forward(images)[1]

    class Flat(TinyAttention):
        def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
            return super().forward(ids, mask).mean(1)

    with pytest.raises(GrowLearnError, match=r"returns tokens .B, T, E. and a summary .B, S., in this order"):
        dump_image_encoder(Pooled(), IMAGES, name="x", library="file")
    with pytest.raises(GrowLearnError, match=r"returns hidden states .B, L, E."):
        dump_text_encoder(Flat(40), text_preprocessing(), name="x", library="file")


def test_a_module_that_fails_is_one_sentence() -> None:
    with pytest.raises(GrowLearnError, match=r"fails on an example of shape \[2, 3, 2, 2\]: ") as refused:
        dump_image_encoder(TinyConv(), replace(IMAGES, size=2), name="x", library="file")
    assert "\n" not in str(refused.value)
    with pytest.raises(GrowLearnError, match=r"example of shape \[2, 32\], \[2, 32\]"):
        dump_text_encoder(TinyAttention(8), text_preprocessing(), name="x", library="file")
