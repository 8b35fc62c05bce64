"""The two networks that speed is measured on: 16 layers in sequence, and the same 16 as 8 branches of 2."""

from __future__ import annotations

from collections.abc import Iterable

import fashion_mnist
import numpy as np
import torch
from branch_growth import SCHEMA, make_rows
from torch import Tensor, nn

from growlearn.domain.model_config import ModelConfig
from growlearn.ingest.rows import Rows
from growlearn.network.model.branch import Layer, ResidualBranch
from growlearn.network.model.head import Head
from growlearn.network.model.network import GrowingNetwork
from growlearn.network.stems.columns import EncodedInputs
from growlearn.network.stems.stem import Stem, make_stem

BRANCHES, DEPTH, CLASSES = 8, 2, 10


def spec_of(width: int) -> ModelConfig:
    """8 branches of 2 layers on 49 patches of 4 x 4 pixels; heads of 16 or 64 channels, as is usual."""
    return ModelConfig(
        embed_dim=width, depth=DEPTH, num_heads=4 if width == 64 else 3, stem="patches", patch_size=4
    )


def images(rows: int) -> Rows:
    """The first test images of Fashion-MNIST."""
    pixels, labels = fashion_mnist.load("t10k")
    return make_rows(pixels[:rows], np.asarray(labels[:rows]))


class End(nn.Module):
    """Layers one after the other, the mean over tokens, and the head.

    The last layer takes the mean before its last linear map, as the last layer of every branch does.
    """

    def __init__(self, layers: nn.ModuleList, width: int) -> None:
        super().__init__()
        self.layers = layers
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, CLASSES)

    def forward(self, h: Tensor) -> Tensor:
        """Tokens [B, T, D] -> logits [B, C]."""
        *first, last = self.layers
        assert isinstance(last, Layer)
        h = through(first, h)
        logits: Tensor = self.linear(self.norm(h.mean(1) + last.pooled(h)))
        return logits


class Deep(nn.Module):
    """A ViT: the same stem, 16 of the same layers one after the other, the same head."""

    def __init__(self, spec: ModelConfig, stem: Stem) -> None:
        super().__init__()
        self.stem = stem
        layers = nn.ModuleList(Layer(spec.embed_dim, spec.num_heads) for _ in range(BRANCHES * DEPTH))
        self.end = End(layers, spec.embed_dim)

    def forward(self, inputs: EncodedInputs) -> Tensor:
        """Encoded images -> logits [B, C]."""
        logits: Tensor = self.end(self.stem(inputs))
        return logits

    def in_runs(self, inputs: EncodedInputs, rows: int) -> Tensor:
        """The same, with the layers run on so many rows at a time, whose activations stay in cache."""
        z = self.stem(inputs)  # [B, T, D]
        return self.end(z) if len(z) <= rows else torch.cat([self.end(run) for run in z.split(rows)])


class Start(nn.Module):
    """The first of two stages of a ViT: stem and 8 layers."""

    def __init__(self, vit: Deep) -> None:
        super().__init__()
        self.stem, self.layers = vit.stem, vit.end.layers[:BRANCHES]
        (self.name,) = vit.stem.encode(images(1))

    def forward(self, pixels: Tensor) -> Tensor:
        """Images [B, 1, 28, 28] -> tokens [B, T, D]."""
        return through(self.layers, self.stem({self.name: pixels}))


def stages(spec: ModelConfig, rows: Rows) -> tuple[Start, End]:
    """A ViT cut in two: stem and 8 layers, 8 layers and head."""
    vit = deep(spec, rows)
    end = End(vit.end.layers[BRANCHES:], spec.embed_dim)
    end.norm, end.linear = vit.end.norm, vit.end.linear
    return Start(vit), end


def through(layers: Iterable[nn.Module], h: Tensor) -> Tensor:
    """Tokens through layers one after the other: [B, T, D] -> [B, T, D]."""
    for layer in layers:
        h = h + layer(h)
    return h


def deep(spec: ModelConfig, rows: Rows) -> Deep:
    """A ViT with random weights."""
    torch.manual_seed(0)
    return Deep(spec, make_stem(SCHEMA, spec, rows))


def wide(spec: ModelConfig, rows: Rows) -> GrowingNetwork:
    """A network of one task over 8 branches, with random weights."""
    torch.manual_seed(0)
    network = GrowingNetwork(spec)
    names = [f"b{i + 1}" for i in range(BRANCHES)]
    for name in names:
        stem = make_stem(SCHEMA, spec, rows) if name == names[0] else None
        network.add_branch(name, ResidualBranch(spec), names[0], stem)
    network.add_task("all", range(CLASSES), names, Head(1 + BRANCHES, spec.embed_dim, CLASSES))
    return network


def parameters(network: nn.Module) -> int:
    """How many."""
    return sum(parameter.numel() for parameter in network.parameters())
