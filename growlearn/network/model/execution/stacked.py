"""All branches of a lineage at once: stacked weights, one batched product in place of K.

Fewer calls make it fastest for one row. On the CPU large batches are split into chunks of rows whose
activations fit in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.domain.device import CPU
from growlearn.network.model.branch import Layer, ResidualBranch
from growlearn.network.model.execution.loop import LoopExecutor
from growlearn.network.model.execution.parts import BranchSet, Lineage

_STACKED_CHUNK_ELEMENTS = 262_144  # branches x rows x tokens x width of one chunk; fastest of 1/2x, 1x, 2x


@dataclass(frozen=True, eq=False)
class BatchedLinear:
    """K linear maps side by side: weight [K, in, out], bias [K, 1, out]."""

    weight: Tensor
    bias: Tensor

    def __call__(self, h: Tensor) -> Tensor:
        """H [K, N, in] -> [K, N, out]."""
        return torch.baddbmm(self.bias, h, self.weight)


@dataclass(frozen=True, eq=False)
class StackedLayer:
    """One layer of K branches; each norm's gain and shift are folded into the next linear map."""

    qkv: BatchedLinear
    attention_out: BatchedLinear
    mlp_in: BatchedLinear
    mlp_out: BatchedLinear
    num_heads: int

    def attend(self, normed: Tensor, rows: int, tokens: int) -> Tensor:
        """Attention within each row and branch: [K, B * T, D] -> [K, B * T, D]."""
        qkv = self.qkv(normed)  # [K, B*T, 3D]
        count, positions, width = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
        per_head = qkv.view(count * rows, tokens, 3, self.num_heads, width // self.num_heads)
        q, k, v = per_head.permute(2, 0, 3, 1, 4)  # each [K*B, heads, T, D/heads]
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)  # [K*B, T, heads, D/heads]
        return self.attention_out(attended.reshape(count, positions, width))

    def hidden(self, h: Tensor) -> Tensor:
        """The MLP without its last linear map: [K, B * T, D] -> [K, B * T, 4D]."""
        return F.gelu(self.mlp_in(_layer_norm(h)))


@dataclass(frozen=True, eq=False)
class StackedExecutor:
    """Stacked weights of every task's lineage; any other lineage runs branch by branch."""

    loop: LoopExecutor
    stacks: Mapping[Lineage, tuple[StackedLayer, ...]]

    def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        """Tokens z [B, T, D] by stem -> pool(R_i(z)) [B, D] along the lineage."""
        layers = self.stacks.get(tuple(lineage))
        if layers is None:
            return self.loop(tokens, lineage)
        stem_ids = [self.loop.branch_set.stem_ids[name] for name in lineage]
        if len(set(stem_ids)) == 1:
            z = tokens[stem_ids[0]][None]  # [1, B, T, D]
        else:
            z = torch.stack([tokens[stem_id] for stem_id in stem_ids])  # [K, B, T, D]
        rows = max(1, _STACKED_CHUNK_ELEMENTS // (len(lineage) * z.shape[2] * z.shape[3]))
        if z.device.type != CPU:
            rows = max(1, z.shape[1])
        parts = [_pooled_residuals(layers, chunk) for chunk in torch.split(z, rows, dim=1)]
        return list(torch.cat(parts, dim=1))


def stack_branches(branch_set: BranchSet) -> StackedExecutor:
    """Stack copies of the frozen branches' weights, lineage by lineage."""
    with torch.no_grad():
        stacks = {
            lineage: _stack_layers([branch_set.get_branch(name) for name in lineage])
            for lineage in branch_set.lineages
            if lineage
        }
    return StackedExecutor(LoopExecutor(branch_set), stacks)


def _pooled_residuals(layers: Sequence[StackedLayer], z: Tensor) -> Tensor:
    """Z [1 or K, B, T, D] -> pool(R_i(z)) [K, B, D]."""
    rows, tokens = z.shape[1], z.shape[2]
    z = z.flatten(1, 2)  # [1 or K, B*T, D]
    count = len(layers[0].qkv.weight)
    h, residual = z, None
    for layer in layers:
        attended = layer.attend(_layer_norm(h).expand(count, -1, -1), rows, tokens)  # [K, B*T, D]
        residual = attended if residual is None else residual + attended
        hidden = layer.hidden(z + residual)  # [K, B*T, 4D]
        if layer is layers[-1]:
            break
        residual = residual + layer.mlp_out(hidden)
        h = z + residual
    assert residual is not None
    # The last map is linear, so the mean over tokens can be taken before it.
    last = layers[-1].mlp_out(_token_mean(hidden, rows, tokens))  # [K, B, D]
    return _token_mean(residual, rows, tokens) + last


def _token_mean(h: Tensor, rows: int, tokens: int) -> Tensor:
    """Mean over the tokens of each row: [K, B * T, D] -> [K, B, D]."""
    return h.view(len(h), rows, tokens, h.shape[2]).mean(2)


def _layer_norm(h: Tensor) -> Tensor:
    return F.layer_norm(h, h.shape[-1:])


def _stack_layers(branches: Sequence[ResidualBranch]) -> tuple[StackedLayer, ...]:
    depth = len(branches[0].layers)
    return tuple(
        _stack_layer([branch.layers[layer_index] for branch in branches]) for layer_index in range(depth)
    )


def _stack_layer(layers: Sequence[nn.Module]) -> StackedLayer:
    typed_layers = [layer for layer in layers if isinstance(layer, Layer)]
    return StackedLayer(
        qkv=_batch_linears(typed_layers, lambda layer: _fold_norm(layer.attention_norm, layer.qkv)),
        attention_out=_batch_linears(
            typed_layers, lambda layer: (layer.attention_out.weight, layer.attention_out.bias)
        ),
        mlp_in=_batch_linears(typed_layers, lambda layer: _fold_norm(layer.mlp_norm, layer.mlp_in)),
        mlp_out=_batch_linears(typed_layers, lambda layer: (layer.mlp_out.weight, layer.mlp_out.bias)),
        num_heads=typed_layers[0].num_heads,
    )


def _batch_linears(
    layers: Sequence[Layer], get_weights: Callable[[Layer], tuple[Tensor, Tensor]]
) -> BatchedLinear:
    weights, biases = zip(*(get_weights(layer) for layer in layers), strict=True)
    return BatchedLinear(torch.stack(weights).transpose(1, 2).contiguous(), torch.stack(biases)[:, None])


def _fold_norm(norm: nn.LayerNorm, linear: nn.Linear) -> tuple[Tensor, Tensor]:
    """W (g * n + s) + b as W' n + b', computed in double precision and rounded once."""
    weight, gain, shift = linear.weight.double(), norm.weight.double(), norm.bias.double()
    return (weight * gain).float(), (weight @ shift + linear.bias.double()).float()
