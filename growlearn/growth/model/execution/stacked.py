"""All branches of a lineage at once: their weights stacked, one batched product in place of K.

It saves calls, so it is fastest for one row. Larger batches go through in runs of rows small enough for
every branch's activations to stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.growth.model.branch import Branch, Layer
from growlearn.growth.model.execution.loop import Loop
from growlearn.growth.model.execution.parts import Lineage, Parts

_RUN_CELLS = 262_144  # branches x tokens x width of one run; measured best between half and twice of it


@dataclass(frozen=True, eq=False)
class Maps:
    """K linear maps side by side: weight [K, in, out], bias [K, 1, out]."""

    weight: Tensor
    bias: Tensor

    def __call__(self, h: Tensor) -> Tensor:
        """H [K, N, in] -> [K, N, out]."""
        return torch.baddbmm(self.bias, h, self.weight)


@dataclass(frozen=True, eq=False)
class StackedLayer:
    """One layer of K branches; each norm's gain and shift are folded into the map that follows it."""

    qkv: Maps
    attention_out: Maps
    mlp_in: Maps
    mlp_out: Maps
    heads: int

    def attend(self, normed: Tensor, rows: int, tokens: int) -> Tensor:
        """Attention of every row within every branch: [K, B * T, D] -> [K, B * T, D]."""
        qkv = self.qkv(normed)  # [K, B*T, 3D]
        count, cells, width = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
        apart = qkv.view(count * rows, tokens, 3, self.heads, width // self.heads)
        q, k, v = apart.permute(2, 0, 3, 1, 4)  # each [K*B, heads, T, D/heads]
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)  # [K*B, T, heads, D/heads]
        return self.attention_out(mixed.reshape(count, cells, width))

    def hidden(self, h: Tensor) -> Tensor:
        """The MLP up to its last map: [K, B * T, D] -> [K, B * T, 4D]."""
        return F.gelu(self.mlp_in(_normed(h)))


@dataclass(frozen=True, eq=False)
class Stacked:
    """Stacked weights of every lineage a task answers with; any other lineage goes branch by branch."""

    loop: Loop
    stacks: Mapping[Lineage, tuple[StackedLayer, ...]]

    def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        """Tokens z [B, T, D] by stem -> pool(R_i(z)) [B, D] along the lineage."""
        layers = self.stacks.get(tuple(lineage))
        if layers is None:
            return self.loop(tokens, lineage)
        owners = [self.loop.parts.stem_of[name] for name in lineage]
        if len(set(owners)) == 1:
            z = tokens[owners[0]][None]  # [1, B, T, D]
        else:
            z = torch.stack([tokens[owner] for owner in owners])  # [K, B, T, D]
        rows = max(1, _RUN_CELLS // (len(lineage) * z.shape[2] * z.shape[3]))
        parts = [_pooled(layers, run) for run in torch.split(z, rows, dim=1)]
        return list(torch.cat(parts, dim=1))


def stack(parts: Parts) -> Stacked:
    """Copy the weights of frozen branches, lineage by lineage, into the form one product wants."""
    with torch.no_grad():
        stacks = {
            lineage: _layers([parts.branch(name) for name in lineage])
            for lineage in parts.lineages
            if lineage
        }
    return Stacked(Loop(parts), stacks)


def _pooled(layers: Sequence[StackedLayer], z: Tensor) -> Tensor:
    """Z [1 or K, B, T, D] -> pool(R_i(z)) [K, B, D]."""
    rows, tokens = z.shape[1], z.shape[2]
    z = z.flatten(1, 2)  # [1 or K, B*T, D]
    count = len(layers[0].qkv.weight)
    h, residual = z, None
    for layer in layers:
        attended = layer.attend(_normed(h).expand(count, -1, -1), rows, tokens)  # [K, B*T, D]
        residual = attended if residual is None else residual + attended
        hidden = layer.hidden(z + residual)  # [K, B*T, 4D]
        if layer is layers[-1]:
            break
        residual = residual + layer.mlp_out(hidden)
        h = z + residual
    assert residual is not None
    # The last map is linear, so the mean over tokens is taken before it.
    last = layers[-1].mlp_out(_mean(hidden, rows, tokens))  # [K, B, D]
    return _mean(residual, rows, tokens) + last


def _mean(h: Tensor, rows: int, tokens: int) -> Tensor:
    """Mean over the tokens of each row: [K, B * T, D] -> [K, B, D]."""
    return h.view(len(h), rows, tokens, h.shape[2]).mean(2)


def _normed(h: Tensor) -> Tensor:
    return F.layer_norm(h, h.shape[-1:])


def _layers(branches: Sequence[Branch]) -> tuple[StackedLayer, ...]:
    depth = len(branches[0].layers)
    return tuple(_layer([branch.layers[at] for branch in branches]) for at in range(depth))


def _layer(layers: Sequence[nn.Module]) -> StackedLayer:
    mine = [layer for layer in layers if isinstance(layer, Layer)]
    return StackedLayer(
        qkv=_maps(mine, lambda layer: _folded(layer.attention_norm, layer.qkv)),
        attention_out=_maps(mine, lambda layer: (layer.attention_out.weight, layer.attention_out.bias)),
        mlp_in=_maps(mine, lambda layer: _folded(layer.mlp_norm, layer.mlp_in)),
        mlp_out=_maps(mine, lambda layer: (layer.mlp_out.weight, layer.mlp_out.bias)),
        heads=mine[0].heads,
    )


def _maps(layers: Sequence[Layer], of: Callable[[Layer], tuple[Tensor, Tensor]]) -> Maps:
    weights, biases = zip(*(of(layer) for layer in layers), strict=True)
    return Maps(torch.stack(weights).transpose(1, 2).contiguous(), torch.stack(biases)[:, None])


def _folded(norm: nn.LayerNorm, linear: nn.Linear) -> tuple[Tensor, Tensor]:
    """W (g * n + s) + b as W' n + b', in double precision before it is rounded once."""
    weight, gain, shift = linear.weight.double(), norm.weight.double(), norm.bias.double()
    return (weight * gain).float(), (weight @ shift + linear.bias.double()).float()
