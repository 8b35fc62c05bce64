"""An encoder of your own: `from growlearn.encoders import save_encoder`, then `from: file` in the job."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from growlearn.adapters.encoders.store_module import dump_image_encoder, dump_text_encoder
from growlearn.network.encoders.encoder import ImagePreprocessing, TextPreprocessing

__all__ = ["ImagePreprocessing", "TextPreprocessing", "save_encoder"]


def save_encoder(
    module: nn.Module, preprocessing: ImagePreprocessing | TextPreprocessing, path: Path | str, name: str
) -> None:
    """Write a frozen module as an encoder file, which needs neither its library nor its code any more.

    Of images: float32 [B, 3, size, size] -> tokens [B, T, E] and a summary [B, S]. Of texts: ids and mask
    int64 [B, L] -> hidden states [B, L, E]. Raises GrowLearnError where the module returns something else,
    or cannot be traced: its forward must be one path of torch operators.
    """
    if isinstance(preprocessing, ImagePreprocessing):
        content = dump_image_encoder(module, preprocessing, name=name, library="file")
    else:
        content = dump_text_encoder(module, preprocessing, name=name, library="file")
    Path(path).write_bytes(content)
