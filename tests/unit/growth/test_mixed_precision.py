from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from growlearn.growth.mixed_precision import mixed_precision


@pytest.mark.parametrize(
    ("device", "precision"), [("cpu", "bfloat16"), ("cpu", "float32"), ("cuda", "float32")]
)
def test_only_a_gpu_that_is_asked_to_multiplies_in_bfloat16(device: str, precision: str) -> None:
    assert isinstance(mixed_precision(torch.device(device), precision), nullcontext)


def test_a_gpu_multiplies_in_bfloat16_and_keeps_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(torch, "autocast", lambda *arguments: asked.append(arguments))
    mixed_precision(torch.device("cuda"), "bfloat16")
    assert asked == [("cuda", torch.bfloat16)]
