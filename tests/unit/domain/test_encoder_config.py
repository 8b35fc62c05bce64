"""What a job may say of an encoder, and how it is stored."""

from __future__ import annotations

from typing import Any

import pytest

from growlearn.domain.encoder_config import EncoderConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.registry.json_codec import from_json, to_json


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"source": "timm"}, "from timm needs name"),
        ({"source": "timm", "weights": "w"}, "from timm needs name"),
        ({"source": "transformers"}, "from transformers needs name"),
        ({"source": "file"}, "from file needs weights"),
        ({"source": "file", "weights": "w", "name": "x"}, "name is for an encoder from timm or transformers"),
        ({"source": "file", "weights": "w", "revision": "x"}, "nothing of weights from a file"),
        ({"source": "timm", "name": "x", "weights": "w", "revision": "x"}, "nothing of weights from a file"),
        ({"source": "transformers", "name": "x", "image_size": 64}, "image_size"),
        ({"source": "timm", "name": "x", "image_size": 8}, "image_size must be 16 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EncoderConfig(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"source": "timm", "name": "x", "revision": "abc", "image_size": 16},
        {
            "source": "timm",
            "name": "x",
            "weights": "w",
            "sha256": "a",
            "reads": "image",
            "weights_sha256": "b",
        },
        {"source": "transformers", "weights": "folder"},
        {"source": "file", "weights": "w"},
    ],
)
def test_it_is_stored_under_the_word_of_the_job_file_and_read_again(given: dict[str, Any]) -> None:
    model = ModelConfig(encoder=EncoderConfig(**given))
    content = to_json(model, ModelConfig)
    assert b'"from"' in content
    assert b'"source"' not in content
    assert from_json(content, ModelConfig) == model
