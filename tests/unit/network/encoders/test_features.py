"""Features of an opened encoder: of a value alone, in every batch, order and process."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
import torch
from torch import Tensor

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.encoder_config import EncoderConfig
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.model_config import ModelConfig
from growlearn.ingest.rows import Column, object_column
from growlearn.network.encoders.cache import FeatureCache
from growlearn.network.encoders.encoder import read_encoder
from growlearn.network.encoders.features import Encoder, find_encoder, open_encoder_of
from growlearn.network.encoders.preprocessing import prepare_images
from tests.unit.tiny_encoders import IMAGES, TinyConv, image_encoder, text_encoder

TEXTS = ["the cat sat", None, "", "a good film", "the bad dog " * 5, "ran " * 60, "猫"]


def new_encoder(content: bytes) -> Encoder:
    description, graph = read_encoder(content)
    return Encoder(description, graph, FeatureCache("0" * 64, description.num_features))


def some_images(rows: int) -> Column:
    return np.random.default_rng(0).integers(0, 256, (rows, 3, 12, 12), dtype=np.uint8)


def some_texts(rows: int) -> Column:
    words = ["the", "cat", "good", "bad", "film"]
    return object_column([" ".join(words[(i * j) % 5] for j in range(i % 37)) for i in range(rows)])


VALUES = {"image": (image_encoder, some_images), "text": (text_encoder, some_texts)}


def test_features_are_the_module_s_tokens_then_its_summary_in_half_precision() -> None:
    images = some_images(20)
    with torch.no_grad():
        tokens, summary = TinyConv().eval()(prepare_images(images, IMAGES))
    expected = torch.cat([tokens.flatten(1), summary], dim=1).half().numpy()
    assert (new_encoder(image_encoder()).features(images) == expected).all()


@pytest.mark.parametrize("kind", VALUES)
def test_they_do_not_depend_on_the_companions(kind: str) -> None:
    content, make = VALUES[kind]
    values = make(200)
    expected = new_encoder(content()).features(values)
    for part in (np.arange(16), np.arange(199, -1, -1), np.arange(3, 200, 7), np.r_[5, 5, 20:90]):
        assert (new_encoder(content()).features(values[part]) == expected[part]).all()


@pytest.mark.parametrize("kind", VALUES)
def test_few_values_have_the_features_that_each_has_alone(kind: str) -> None:
    content, make = VALUES[kind]
    values = make(40)
    encoder = new_encoder(content())
    encoder.features(values)  # those of many may differ in the last bit, and are not handed to few
    few = encoder.features(values[:15])
    alone = [new_encoder(content()).features(values[i : i + 1])[0] for i in range(15)]
    assert (few == alone).all()
    np.testing.assert_allclose(few, encoder.features(values)[:15], rtol=2e-3, atol=1e-3)


def test_the_rest_of_a_request_that_is_mostly_known_is_computed_as_one_of_many() -> None:
    values, batches = some_images(200), []
    encoder = new_encoder(image_encoder())
    encoder.features(values[:198])
    graph = encoder.graph

    def count(*inputs: Tensor) -> tuple[Tensor, ...]:
        batches.append(len(inputs[0]))
        return graph(*inputs)  # type: ignore[no-any-return]

    encoder.graph = count  # type: ignore[assignment]
    encoder.features(values)
    assert batches == [16]


def test_texts_of_every_length_have_features_and_none_has_those_of_an_empty_one() -> None:
    encoder = new_encoder(text_encoder())
    features = encoder.features(object_column(TEXTS))
    assert features.shape == (7, 8 * 8 + 8)
    assert np.isfinite(features).all()
    assert (features[1] == features[2]).all()
    assert len({features[i].tobytes() for i in (0, 2, 3, 4, 5, 6)}) == 6
    padded = [(None if i % 3 else "") for i in range(20)]
    assert np.isfinite(encoder.features(object_column(padded))).all()


def test_images_of_equal_bytes_and_other_shapes_are_not_confused() -> None:
    encoder, pixels = new_encoder(image_encoder()), some_images(1)
    wide = encoder.features(pixels.reshape(1, 3, 6, 24))
    assert (wide != encoder.features(pixels)).any()


def test_a_feature_beyond_half_precision_is_the_largest_number() -> None:
    description, graph = read_encoder(image_encoder())
    for tensor in graph.buffers():
        if tensor.ndim == 4:
            tensor.mul_(1e6)
    encoder = Encoder(description, graph, FeatureCache("0" * 64, description.num_features))
    assert np.isfinite(encoder.features(some_images(3))).all()


def test_an_encoder_is_opened_once_and_found_by_its_sha256() -> None:
    content, artifacts = image_encoder(), MemoryArtifacts()
    config = EncoderConfig(source="file", weights="x", sha256=artifacts.put(content), reads="image")
    model, reads = ModelConfig(encoder=config), []

    def read(digest: str) -> bytes:
        reads.append(digest)
        return artifacts.get(digest)

    open_encoder_of(model, read)
    opened = find_encoder(sha256(content).hexdigest())
    open_encoder_of(model, read)
    open_encoder_of(ModelConfig(), read)
    assert find_encoder(sha256(content).hexdigest()) is opened
    assert len(reads) <= 1  # another test of this process may have opened it
    with pytest.raises(GrowLearnError, match="the encoder eeeeeeeeeeee is not open"):
        find_encoder("e" * 64)
    assert replace(model, encoder=None) == ModelConfig()
