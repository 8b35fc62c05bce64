"""An answer by progressive approximation: the heads of a lineage, each added to the ones before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

from growlearn.domain.growth import Combination
from growlearn.domain.schema import Label
from growlearn.network.model import weights as stored
from growlearn.network.model.head import Head
from growlearn.network.transfer import DoubleModule


class HeadSum(DoubleModule):
    """F_k = a_k F_(k-1) + s_k h_k over heads h_1 ... h_n of one lineage, with F_0 = 0.

    Every head has gates for all F features of the lineage, zero for those that it does not read: what a later
    branch adds to the features changes no bit of an earlier head. All heads have the same classes.
    """

    def __init__(self, heads: Sequence[Head], combinations: Sequence[Combination]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)
        self.combinations = tuple(combinations)  # (a_k, s_k) of every head; the buffers are what is stored
        frozen_weights = [combination.frozen_weight for combination in combinations]
        step_sizes = [combination.step_size for combination in combinations]
        self.register_buffer("frozen_weights", torch.tensor(frozen_weights, dtype=torch.float64))  # a [n]
        self.register_buffer("step_sizes", torch.tensor(step_sizes, dtype=torch.float64))  # s [n]
        self.frozen_weights: Tensor
        self.step_sizes: Tensor

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, F, D] -> logits F_n [B, C]."""
        return self._partial_sums(features)[-1]

    def prefix_logits(self, features: Tensor, num_prefixes: int) -> Tensor:
        """Logits of the last prefixes F_k: features [B, F, D] -> [num_prefixes, B, C]."""
        return torch.stack(self._partial_sums(features)[-num_prefixes:])

    def _partial_sums(self, features: Tensor) -> list[Tensor]:
        """F_1 ... F_n, each [B, C]."""
        sums: list[Tensor] = []
        for head, combination in zip(self.heads, self.combinations, strict=True):
            logits = head(features)
            sums.append(combine(combination, sums[-1], logits) if sums else combination.step_size * logits)
        return sums

    def shorten(self, num_features: int) -> Head | HeadSum:
        """The largest prefix that reads the first features only; at least what is left of the first head."""
        heads = [typed_head(head) for head in self.heads]
        kept = [head for index, head in enumerate(heads) if index == 0 or not head.gates[num_features:].any()]
        return make_answer([head.shorten(num_features) for head in kept], self.combinations[: len(kept)])


def combine(combination: Combination, frozen: Tensor, new: Tensor) -> Tensor:
    """A F_(k-1) + s h_k of logits [..., C]."""
    return combination.frozen_weight * frozen + combination.step_size * new


Answer: TypeAlias = Head | HeadSum
"""What turns the features of a task's lineage into its logits."""


def typed_head(module: nn.Module) -> Head:
    """A module of a list as the head that it is."""
    assert isinstance(module, Head)
    return module


def make_answer(heads: Sequence[Head], combinations: Sequence[Combination]) -> Answer:
    """The sum of heads; a single one at full weight is itself, to the last bit."""
    if len(heads) == 1 and combinations[0].step_size == 1:
        return heads[0]
    return HeadSum(heads, combinations)


def list_terms(answer: Answer) -> tuple[tuple[Head, Combination], ...]:
    """The heads of an answer with their (a, s), first to last."""
    if isinstance(answer, Head):
        return ((answer, Combination()),)
    return tuple(zip(map(typed_head, answer.heads), answer.combinations, strict=True))


def map_classes(answer: Answer, known: Sequence[Label], classes: Sequence[Label]) -> Answer:
    """A copy of an answer over `known` classes that gives logits for `classes`.

    A class that it does not know has the mean of the logits of those it knows.
    """
    index = {label: position for position, label in enumerate(known)}
    heads = [_map_head(head, [index.get(label) for label in classes]) for head, _ in list_terms(answer)]
    return make_answer(heads, [combination for _, combination in list_terms(answer)])


def _map_head(head: Head, positions: Sequence[int | None]) -> Head:
    num_features, width = head.gates.shape
    mapped = Head(num_features, width, len(positions), normed=head.normed).to(head.gates.device)
    mapped.gates = nn.Parameter(head.gates.detach().clone())
    mapped.norm.load_state_dict(head.norm.state_dict())
    weight, bias = head.linear.weight.detach(), head.linear.bias.detach()  # [C, D], [C]
    with torch.no_grad():
        for row, position in enumerate(positions):
            mapped.linear.weight[row] = weight.mean(0) if position is None else weight[position]
            mapped.linear.bias[row] = bias.mean() if position is None else bias[position]
    return mapped


def load_answer(content: bytes) -> Answer:
    """The answer of stored bytes."""
    weights = stored.load_weights(content)
    if "step_sizes" not in weights:
        return _load_head(weights)
    pairs = zip(weights["frozen_weights"].tolist(), weights["step_sizes"].tolist(), strict=True)
    combinations = [Combination(frozen_weight=a, step_size=s) for a, s in pairs]
    heads = [_load_head(stored.with_prefix(f"heads.{index}.", weights)) for index in range(len(combinations))]
    return HeadSum(heads, combinations)


def _load_head(weights: Mapping[str, Tensor]) -> Head:
    num_features, width = weights["gates"].shape
    head = Head(num_features, width, len(weights["linear.bias"]), normed="norm.weight" in weights)
    head.load_state_dict(dict(weights))
    return head
