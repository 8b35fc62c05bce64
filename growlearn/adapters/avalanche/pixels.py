"""Image tensors of Avalanche's data sets -> rows as the network reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.schema import InputColumn, InputType, Label, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column

IMAGE_COLUMN = "image"


class PixelQuantizer(nn.Module):
    """Images of any range -> the 256 grey levels of a row; the range is that of the first experience.

    Later values outside it are clipped. Images in [0, 1], as torchvision's ToTensor returns them, are
    converted without loss.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.tensor(0.0))
        self.register_buffer("high", torch.tensor(255.0))
        self.low: Tensor
        self.high: Tensor

    def fit(self, images: Tensor) -> Schema:
        """Learn the range of images [N, C, H, W] or [N, H, W], and their schema."""
        _, channels, height, width = shape = _check_images(images).shape
        if images.dtype != torch.uint8:
            self.low.fill_(images.min().item())
            self.high.fill_(max(images.max().item(), self.low.item() + 1e-6))
        try:
            image = InputColumn(type=InputType.IMAGE, shape=(channels, height, width))
        except ValueError as error:
            raise GrowLearnError(f"images of shape {list(shape[1:])} cannot be read: {error}") from None
        return Schema(inputs={IMAGE_COLUMN: image})

    def to_rows(self, images: Tensor, schema: Schema, labels: Sequence[Label | None] | None = None) -> Rows:
        """Images [N, C, H, W] as rows; raises GrowLearnError where their shape is another one."""
        images = _check_images(images.detach().cpu())
        if tuple(images.shape[1:]) != schema.inputs[IMAGE_COLUMN].shape:
            raise GrowLearnError(
                f"images of shape {list(images.shape[1:])}; the first experience had "
                f"{list(schema.inputs[IMAGE_COLUMN].shape or ())}",
                hint="bring all images to one size",
            )
        low, high = self.low.cpu(), self.high.cpu()  # rows are those of the CPU, whatever the device
        scaled = (images.float() - low) / (high - low)
        levels = (scaled * 255).round().clamp(0, 255).to(torch.uint8).numpy()
        inputs = {IMAGE_COLUMN: np.ascontiguousarray(levels)}
        row_labels = [None] * len(levels) if labels is None else labels
        return Rows(inputs, object_column(row_labels), None, hash_rows(inputs, schema))


def _check_images(images: Tensor) -> Tensor:
    """Images [N, C, H, W] or [N, H, W] -> [N, C, H, W]; raises GrowLearnError for anything else."""
    if images.ndim == 3:
        images = images[:, None]
    if images.ndim != 4:
        raise GrowLearnError(
            f"a batch of shape {list(images.shape)} is no batch of images",
            hint="give images [channels, height, width], as torchvision's ToTensor does, or vectors",
        )
    if images.is_floating_point() and not images.isfinite().all():
        raise GrowLearnError("images have NaN or infinite pixels", hint="replace them")
    return images
