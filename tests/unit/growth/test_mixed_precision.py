from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import Tensor

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.growth import mixed_precision as module
from growlearn.growth.mixed_precision import mixed_precision
from growlearn.ingest.rows import Rows, hash_rows
from growlearn.network.stems import stem as stem_module
from growlearn.network.stems.images import ConvStem
from growlearn.network.stems.stem import Stem, training_mode

SCHEMA = Schema(inputs={"image": InputColumn(type=InputType.IMAGE, shape=(1, 16, 16))})
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 1, 16, 16), np.uint8)
ROWS = Rows({"image": IMAGES}, np.full(6, None), None, hash_rows({"image": IMAGES}, SCHEMA))
CPU = torch.device("cpu")


def make_stem() -> Stem:
    torch.manual_seed(0)
    return stem_module.make_stem(SCHEMA, ModelConfig(embed_dim=32, num_heads=2), ROWS)


def list_mixed(stem: Stem) -> list[bool]:
    return [part.is_mixed for part in stem.modules() if isinstance(part, ConvStem)]


@pytest.fixture(autouse=True)
def processor_with_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "multiplies_bfloat16", lambda: True)


@pytest.mark.parametrize("precision", ["auto", "bfloat16"])
def test_wide_convolutions_multiply_in_bfloat16_within_a_step(precision: str) -> None:
    stem = make_stem()
    with mixed_precision(stem, CPU, precision):
        assert list_mixed(stem) == [True]
    assert list_mixed(stem) == [False]


def test_a_failed_step_leaves_the_stem_as_it_was() -> None:
    stem = make_stem()
    with pytest.raises(ArithmeticError), mixed_precision(stem, CPU, "auto"):
        raise ArithmeticError
    assert list_mixed(stem) == [False]


@pytest.mark.parametrize(("device", "precision"), [("cpu", "float32"), ("mps", "auto"), ("cuda", "auto")])
def test_all_else_multiplies_in_float32(device: str, precision: str) -> None:
    stem = make_stem()
    with mixed_precision(stem, torch.device(device), precision):
        assert list_mixed(stem) == [False]


def test_a_processor_without_the_instructions_multiplies_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "multiplies_bfloat16", lambda: False)
    stem = make_stem()
    with mixed_precision(stem, CPU, "bfloat16"):
        assert list_mixed(stem) == [False]


def test_a_plan_without_a_trainable_stem_has_nothing_to_convolve() -> None:
    with mixed_precision(None, CPU, "auto"):
        pass


@pytest.mark.parametrize(
    ("width", "sides", "changes"), [(32, (15, 17), False), (16, (16, 16), False), (32, (16, 16), True)]
)
def test_narrow_stems_and_images_of_fewer_than_256_pixels_are_convolved_in_float32(
    width: int, sides: tuple[int, int], changes: bool
) -> None:
    torch.manual_seed(0)
    stem, images = ConvStem(1, ModelConfig(embed_dim=width, num_heads=2)), torch.rand(2, 1, *sides)
    exact = stem(images)
    stem.is_mixed = True
    assert torch.equal(stem(images), exact) != changes


def test_tokens_gradients_and_weights_stay_float32() -> None:
    def tokens_and_gradients(precision: str) -> tuple[Tensor, list[Tensor]]:
        stem = make_stem()
        with training_mode(stem), mixed_precision(stem, CPU, precision):
            tokens = stem(stem.encode(ROWS))  # [B, T, D]
        tokens.square().mean().backward()
        return tokens, [weight.grad for weight in stem.parameters() if weight.grad is not None]

    exact, exact_gradients = tokens_and_gradients("float32")
    mixed, mixed_gradients = tokens_and_gradients("auto")
    assert {tensor.dtype for tensor in (mixed, *mixed_gradients)} == {torch.float32}
    assert not torch.equal(mixed, exact)
    torch.testing.assert_close(mixed, exact, rtol=0.1, atol=0.1)
    assert len(mixed_gradients) == len(exact_gradients)


def test_a_gpu_that_is_asked_to_multiplies_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def autocast(*arguments: object) -> nullcontext[None]:
        asked.append(arguments)
        return nullcontext()

    monkeypatch.setattr(torch, "autocast", autocast)
    with mixed_precision(None, torch.device("cuda"), "bfloat16"):
        assert asked == [("cuda", torch.bfloat16)]
