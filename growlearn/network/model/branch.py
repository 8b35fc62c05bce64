"""One branch: a shallow stack of pre-norm Transformer layers that gives only its residual."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.domain.model_config import ModelConfig


class Layer(nn.Module):
    """Pre-norm attention and MLP (Xiong et al. 2020) that return only what they add to the input."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.attention_norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp_in = nn.Linear(width, 4 * width)
        self.mlp_out = nn.Linear(4 * width, width)

    def zero_init_output(self) -> None:
        """Zero the output projections: before training the layer adds exactly zero."""
        for projection in (self.attention_out, self.mlp_out):
            nn.init.zeros_(projection.weight)
            nn.init.zeros_(projection.bias)

    def forward(self, h: Tensor) -> Tensor:
        """From h [B, T, D] to what this layer adds to it [B, T, D]."""
        added = self._attend(self.attention_norm(h))
        mlp: Tensor = self.mlp_out(self._hidden(h + added))
        return added + mlp

    def pooled(self, h: Tensor) -> Tensor:
        """The mean over tokens of what this layer adds: h [B, T, D] -> [B, D].

        The last map of the MLP is linear, so the mean is taken before it: one row a sample instead of T.
        """
        added = self._attend(self.attention_norm(h))
        mlp: Tensor = self.mlp_out(self._hidden(h + added).mean(1))  # [B, 4D] -> [B, D]
        return added.mean(1) + mlp

    def _hidden(self, h: Tensor) -> Tensor:
        return F.gelu(self.mlp_in(self.mlp_norm(h)))  # [B, T, 4D]

    def _attend(self, h: Tensor) -> Tensor:
        batch, tokens, width = h.shape
        qkv = self.qkv(h).view(batch, tokens, 3, self.num_heads, width // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [B, heads, T, D/heads]
        attended = F.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.attention_out(attended.transpose(1, 2).reshape(batch, tokens, width))
        return out


class ResidualBranch(nn.Module):
    """R(z) = branch(z) - z, summed layer by layer so that it is exactly zero with zeroed outputs."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(config.embed_dim, config.num_heads) for _ in range(config.depth))

    def zero_init_output(self) -> None:
        """Make the branch add exactly zero."""
        for layer in self.layers:
            assert isinstance(layer, Layer)
            layer.zero_init_output()

    def forward(self, z: Tensor) -> Tensor:
        """From z [B, T, D] to its residual R(z) [B, T, D]."""
        residual = self.layers[0](z)
        for layer in self.layers[1:]:
            residual = residual + layer(z + residual)
        result: Tensor = residual
        return result

    def pooled(self, z: Tensor) -> Tensor:
        """From z [B, T, D] to pool(R(z)) [B, D], the mean over tokens, without computing every token of R."""
        *first, last = self.layers
        assert isinstance(last, Layer)
        if not first:
            return last.pooled(z)
        residual = first[0](z)  # [B, T, D]
        for layer in first[1:]:
            residual = residual + layer(z + residual)
        pooled: Tensor = residual.mean(1) + last.pooled(z + residual)
        return pooled
