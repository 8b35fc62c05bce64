"""The stem that an encoder feeds, and what grows on it, of encoders with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from growlearn.domain.encoder_config import EncoderConfig
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.growth.augmentation import augment_images
from growlearn.growth.label_smoothing import label_smoothing
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.encoders.features import find_encoder
from growlearn.network.model.network import GrowingNetwork, load_network
from growlearn.network.router.router import Router, load_router
from growlearn.network.stems.encoded import EncodedTokens, make_encoded_columns
from growlearn.network.stems.stem import Stem, make_stem
from growlearn.pipeline.steps import train
from growlearn.serving.predictor import Predictor
from tests.unit.digits import SCHEMA as DIGITS
from tests.unit.digits import Digits
from tests.unit.in_memory import JOB, World
from tests.unit.model_builder import MODEL, ModelBuilder
from tests.unit.tiny_encoders import WORDS, image_encoder, text_encoder

TEXTS = Schema(inputs={"note": InputColumn(type=InputType.TEXT), "size": InputColumn(type=InputType.NUMBER)})


def with_encoder(builder: ModelBuilder, content: bytes, reads: str) -> ModelBuilder:
    """A builder whose model has an encoder that was stored."""
    config = EncoderConfig(source="file", weights="x", sha256=builder.artifacts.put(content), reads=reads)  # type: ignore[arg-type]
    builder.manifest = replace(builder.manifest, model=replace(builder.manifest.model, encoder=config))
    load_network(builder.manifest, builder.artifacts.get)  # opens it
    return builder


def text_rows(count: int = 240) -> Rows:
    """Notes about cats (0) and dogs (1), missing now and then, and a number that says nothing."""
    random = np.random.default_rng(0)
    labels = [int(label) for label in random.integers(0, 2, count)]
    notes = [
        f"the {WORDS[2 + label]} sat a {'good' if i % 3 else 'bad'} film" for i, label in enumerate(labels)
    ]
    notes = [None if i % 17 == 3 else note for i, note in enumerate(notes)]  # type: ignore[misc]
    inputs = {"note": object_column(notes), "size": random.normal(size=count)}
    return Rows(inputs, object_column(labels), None, hash_rows(inputs, TEXTS))


@pytest.fixture
def images(tmp_path: Path, digit_rows: Rows) -> ModelBuilder:
    return with_encoder(ModelBuilder(tmp_path, digit_rows), image_encoder(), "image")


@pytest.fixture
def texts(tmp_path: Path) -> ModelBuilder:
    return with_encoder(ModelBuilder(tmp_path, text_rows(), MODEL, TEXTS), text_encoder(), "text")


def open_network(builder: ModelBuilder) -> GrowingNetwork:
    return load_network(builder.manifest, builder.artifacts.get)


def open_router(builder: ModelBuilder) -> Router:
    return load_router(builder.manifest, open_network(builder).root_stem, builder.artifacts.get)


def new_stem(builder: ModelBuilder) -> Stem:
    torch.manual_seed(0)
    return make_stem(builder.manifest.schema, builder.manifest.model, builder.digits.take(np.arange(100)))


def column_of(stem: Stem) -> EncodedTokens:
    assert stem.encoded is not None
    (column,) = stem.encoded
    assert isinstance(column, EncodedTokens)
    return column


# The stem -------------------------------------------------------------------------------------------


def test_images_that_an_encoder_reads_have_its_tokens_alone(images: ModelBuilder) -> None:
    stem = new_stem(images)
    assert stem.kinds == ()
    inputs = stem.encode(images.digits.take(np.arange(20)))
    assert list(inputs) == ["encoded image"]
    assert inputs["encoded image"].dtype == torch.float16
    assert stem(inputs).shape == (20, 9 + 1, MODEL.embed_dim)


def test_texts_keep_their_own_token_beside_those_of_the_encoder(texts: ModelBuilder) -> None:
    stem = new_stem(texts)
    rows = texts.digits.take(np.arange(20))
    own = sum(stem.columns(kind)(stem.encode(rows)).shape[1] for kind in stem.kinds)
    assert set(stem.kinds) == {InputType.TEXT, InputType.NUMBER}
    assert stem(stem.encode(rows)).shape == (20, own + 8 + 1, MODEL.embed_dim)


def test_features_are_standardised_by_the_first_rows(images: ModelBuilder) -> None:
    stem, rows = new_stem(images), images.digits.take(np.arange(100))
    column = column_of(stem)
    tokens, summary = column.split(stem.encode(rows)["encoded image"])
    scaled = (tokens - column.token_mean) / column.token_scale
    torch.testing.assert_close(scaled.mean((0, 1)), torch.zeros(6), atol=1e-4, rtol=0)
    spread = scaled.std((0, 1), correction=0)
    assert ((spread - 1).abs() < 1e-3)[tokens.std((0, 1)) > 1e-2].all()
    torch.testing.assert_close(summary.mean(0), column.summary_mean)


def test_a_feature_that_was_constant_may_be_anything_later(images: ModelBuilder) -> None:
    column = column_of(new_stem(images))
    column.fit(torch.ones(30, 9 * 6 + 10))
    answer = column(torch.full((2, 9 * 6 + 10), 1000.0))
    assert torch.isfinite(answer).all()
    assert answer.abs().max() < 100


def test_features_are_dropped_in_training_alone(images: ModelBuilder) -> None:
    stem = new_stem(images)
    column, inputs = column_of(stem), stem.encode(images.digits.take(np.arange(5)))
    features = inputs["encoded image"]
    column.eval()
    assert torch.equal(column(features), column(features))
    column.train()
    assert not torch.equal(column(features), column(features))


def test_every_column_of_the_type_is_read(images: ModelBuilder) -> None:
    schema = Schema(inputs={"a": DIGITS.inputs["image"], "b": DIGITS.inputs["image"]})
    pixels = images.digits.inputs["image"][:30]
    inputs = {"a": pixels, "b": 255 - pixels}
    rows = Rows(inputs, object_column([0] * 30), None, hash_rows(inputs, schema))
    stem = make_stem(schema, images.manifest.model, rows)
    assert stem(stem.encode(rows)).shape[1] == 2 * 10
    assert stem.summaries(rows).shape == (30, 20)


def test_an_encoder_that_was_not_stored_is_no_stem(images: ModelBuilder) -> None:
    model = ModelConfig(encoder=EncoderConfig(source="file", weights="x"))
    with pytest.raises(GrowLearnError, match="not stored yet"):
        make_encoded_columns(DIGITS, model)
    assert make_encoded_columns(DIGITS, ModelConfig()) is None


# What grows on it -----------------------------------------------------------------------------------


def grow_two(builder: ModelBuilder, *labels: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Logits of the first task after it was grown, and after a second one was."""
    rows = builder.digits.take(np.arange(60))
    builder.keep(builder.plan(builder.only(*labels[0])))
    before = open_network(builder).logits(rows, "task-1")
    builder.keep(builder.plan(builder.only(*labels[1]), parent="task-1"))
    return torch.from_numpy(before), torch.from_numpy(open_network(builder).logits(rows, "task-1"))


def test_a_second_task_grows_on_the_shared_stem_and_changes_no_bit_of_the_first(images: ModelBuilder) -> None:
    before, after = grow_two(images, (0, 1), (2, 3))
    first, second = images.manifest.branches
    assert torch.equal(before, after)
    assert second.stem == first.id
    assert len(images.artifacts.get(second.sha256)) < len(images.artifacts.get(first.sha256))
    predictions = Predictor(images.manifest, images.artifacts.get).predict_rows(images.only(0, 1, 2, 3))[0]
    accuracy = np.mean(predictions == images.only(0, 1, 2, 3).labels)
    assert accuracy > 0.8  # of an encoder that nobody trained, by chance 0.25


def test_texts_grow_likewise(texts: ModelBuilder) -> None:
    before, after = grow_two(texts, (0, 1), (0, 1))
    assert torch.equal(before, after)
    predictions = Predictor(texts.manifest, texts.artifacts.get).predict_rows(texts.digits)[0]
    assert np.mean(predictions == texts.digits.labels) > 0.9


def test_a_manifest_names_the_encoder_among_what_inference_needs(images: ModelBuilder) -> None:
    images.keep(images.plan(images.only(0, 1)))
    encoder = images.manifest.model.encoder
    assert encoder is not None
    assert encoder.sha256 in images.manifest.inference_artifacts
    stored = images.artifacts.get(images.manifest.branches[0].sha256)
    assert len(stored) < 100_000  # the encoder's weights are not among the branch's


def test_what_is_stored_loads_again_and_answers_to_the_last_bit(images: ModelBuilder) -> None:
    images.keep(images.plan(images.only(0, 1)))
    one, two = open_network(images), open_network(images)
    rows = images.digits.take(np.arange(50))
    assert (one.logits(rows, "task-1") == two.logits(rows, "task-1")).all()
    for name, tensor in one.root_stem.state_dict().items():
        assert torch.equal(tensor, two.root_stem.state_dict()[name])
    routers = open_router(images), open_router(images)
    scores = [router.scores(rows) for router in routers]
    assert torch.equal(*scores)


@pytest.mark.parametrize(("kind", "size", "fixed"), [("images", 10, 0), ("texts", 8 + 16, 0)])
def test_the_router_reads_the_summaries_in_place_of_fixed_features(
    request: pytest.FixtureRequest, kind: str, size: int, fixed: int
) -> None:
    builder: ModelBuilder = request.getfixturevalue(kind)
    builder.keep(builder.plan(builder.only(0, 1)))
    router, stem = open_router(builder), open_network(builder).root_stem
    rows = builder.digits.take(np.arange(20))
    (name,) = stem.encoded.encoded_names  # type: ignore[union-attr]
    encoder = find_encoder(column_of(stem).encoder_sha256)
    features = torch.from_numpy(encoder.features(rows.inputs[name])).float()
    assert len(router.features.parts) == fixed
    assert len(router.features.mean) == size
    raw = router.features._raw_features(stem, rows)
    assert torch.equal(
        raw[:, : encoder.description.summary_size], features[:, -encoder.description.summary_size :]
    )


def test_pixels_are_neither_augmented_nor_is_that_chosen(
    images: ModelBuilder, tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    stem, rows = new_stem(images), images.digits.take(np.arange(5))
    encoded = stem.encode(rows)
    augmented = augment_images(encoded, ("flip", "shift"), torch.Generator().manual_seed(0))
    assert torch.equal(augmented["encoded image"], encoded["encoded image"])

    monkeypatch.setattr(train, "choose_augmentation", lambda *_: pytest.fail("asked"))
    growth = replace(JOB.growth, augmentation="auto", epochs=1)
    world = World(tmp_path, replace(JOB, model=images.manifest.model, growth=growth))
    world.artifacts.put(image_encoder())
    first = world.send("1.parquet", digits[0][:300], digits[1][:300])
    world.send("2.parquet", 255 - digits[0][300:600], digits[1][300:600])
    versions = world.store.versions("digits")
    assert versions[0].window == first.id
    assert len(versions) == 2  # the drift of inverted images was found, and learned


def test_epochs_and_smoothing_are_those_of_features_and_not_of_pixels(images: ModelBuilder) -> None:
    model, plan = images.manifest.model, images.plan(images.only(0, 1))
    assert not model.trains_on_pixels(DIGITS)
    assert ModelConfig().trains_on_pixels(DIGITS)
    assert replace(model, encoder=replace(model.encoder, reads="text")).trains_on_pixels(DIGITS)  # type: ignore[type-var]
    on_pixels = replace(plan, parent_manifest=replace(plan.parent_manifest, model=MODEL))
    assert isinstance(plan, GrowthPlan)
    assert label_smoothing(plan) > label_smoothing(on_pixels) == 0
    assert GrowthConfig().resolve(1000, has_images=False) != GrowthConfig().resolve(1000, has_images=True)
