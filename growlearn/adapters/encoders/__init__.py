"""Where pretrained encoders come from, by the name that a job file gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType

from growlearn.domain.encoder_config import EncoderConfig

_MODULES: Mapping[str, str] = MappingProxyType(
    {"timm": "timm_models", "transformers": "transformers_models", "file": "files"}
)


def import_encoder(config: EncoderConfig) -> bytes:
    """The stored form of the encoder that a job names; raises GrowLearnError saying what is missing.

    The library is imported here alone: what is stored needs torch and nothing else.
    """
    read: Callable[[EncoderConfig], bytes] = import_module(f"{__name__}.{_MODULES[config.source]}").read
    return read(config)
