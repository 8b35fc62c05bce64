"""An encoder that `growlearn.encoders.save_encoder` wrote."""

from __future__ import annotations

from pathlib import Path

from growlearn.domain.encoder_config import EncoderConfig
from growlearn.domain.errors import GrowLearnError
from growlearn.network.encoders.encoder import read_encoder


def read(config: EncoderConfig) -> bytes:
    """The bytes of the file; raises GrowLearnError where it is none, or cannot be read."""
    assert config.weights is not None
    try:
        content = Path(config.weights).read_bytes()
    except OSError as error:
        raise GrowLearnError(
            f"cannot read the encoder {config.weights}: {error.strerror}", hint="check model.encoder.weights"
        ) from error
    try:
        read_encoder(content)
    except GrowLearnError as error:
        raise GrowLearnError(f"{config.weights}: {error.message}", hint=error.hint) from error
    return content
