"""Encoders of images from timm: convolutional networks and vision transformers by their name there."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.adapters.encoders.hub import find_in_hub
from growlearn.adapters.encoders.store_module import dump_image_encoder
from growlearn.adapters.encoders.weights_files import load_into_module, needing, read_weights
from growlearn.adapters.torchvision_operators import declare_missing_operators
from growlearn.domain.encoder_config import EncoderConfig
from growlearn.domain.errors import GrowLearnError
from growlearn.network.encoders.encoder import ImagePreprocessing

_MAX_SIDE = 7  # tokens along each side: more are pooled, since a branch costs as much a token
_MAX_STRIDE = 16  # pixels of the input a token; the last map of a convolutional network is coarser


class TimmFeatures(nn.Module):
    """Tokens of the last map with at most 16 pixels a token, and the vector before the classifier.

    Where every map is coarser, the last of the finest.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        strides = [info["reduction"] for info in model.feature_info]  # pixels a token, of each map
        self.index = max(i for i, stride in enumerate(strides) if stride <= max(_MAX_STRIDE, min(strides)))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Float32 [B, 3, size, size] -> tokens [B, T, E] and summary [B, S]."""
        final, (grid,) = self.model.forward_intermediates(images, indices=[self.index], output_fmt="NCHW")
        side = min(_MAX_SIDE, grid.shape[2])
        tokens = F.adaptive_avg_pool2d(grid, side) if side < grid.shape[2] else grid  # [B, E, h, w]
        return tokens.flatten(2).transpose(1, 2), self.model.forward_head(final, pre_logits=True)


def read(config: EncoderConfig) -> bytes:
    """The stored form of a timm model; raises GrowLearnError where name or weights are wrong or missing."""
    declare_missing_operators()
    with needing("timm", "vision"):
        timm: Any = import_module("timm")  # an extra, and takes seconds
    assert config.name is not None
    if not timm.is_model(config.name):
        raise GrowLearnError(
            f"timm {timm.__version__} has no model {config.name!r}",
            hint="growlearn takes the names that timm.list_models() prints",
        )
    model = timm.create_model(config.name, pretrained=False, num_classes=0)
    path = Path(config.weights) if config.weights else find_in_hub(_hub_id(model, config), config.revision)
    load_into_module(model, read_weights(path), path=path, name=config.name)
    data = timm.data.resolve_data_config({}, model=model)
    if config.image_size is not None and hasattr(model, "set_input_size"):
        # A transformer's positions are resampled with its weights; other models take any size as they are.
        model.set_input_size(img_size=config.image_size)
    how = ImagePreprocessing(
        size=config.image_size or data["input_size"][-1],
        mean=tuple(data["mean"]),
        std=tuple(data["std"]),
        interpolation="bilinear" if data["interpolation"] == "bilinear" else "bicubic",
    )
    return dump_image_encoder(TimmFeatures(model), how, name=config.name, library=f"timm {timm.__version__}")


def _hub_id(model: Any, config: EncoderConfig) -> str:
    found = model.pretrained_cfg.get("hf_hub_id")
    if not found:
        raise GrowLearnError(
            f"timm has no pretrained weights of {config.name!r}", hint="give model.encoder.weights a file"
        )
    return str(found)
