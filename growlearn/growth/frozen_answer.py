"""The frozen answer that a new branch is trained to correct: F_(k-1) of the sum a F_(k-1) + s h_k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from growlearn.domain.growth import Combination, GrowthPlan
from growlearn.growth.head_fit import cross_entropy
from growlearn.ingest.rows import Rows
from growlearn.network.model.head import Head
from growlearn.network.model.head_sum import Answer, list_terms, make_answer, map_classes
from growlearn.network.model.lineage_features import Feature, expand_head
from growlearn.network.model.network import GrowingNetwork
from growlearn.network.transfer import to_device


@dataclass(frozen=True)
class FrozenAnswer:
    """The answer of a known task, for the classes of the new one, over the features of its lineage."""

    lineage: tuple[str, ...]
    answer: Answer

    def features(self, network: GrowingNetwork, rows: Rows) -> Tensor:
        """N rows -> features of the lineage [N, F, D]."""
        return to_device(torch.from_numpy(network.pooled_features(rows, self.lineage)), network.device)

    def logits(self, features: Tensor) -> Tensor:
        """Features of the lineage [N, F, D] -> F [N, C]."""
        with torch.no_grad():
            logits: Tensor = self.answer(features)
        return logits

    def prefix_logits(self, network: GrowingNetwork, rows: Rows) -> Tensor:
        """N rows -> the answer's prefixes F_1 .. F_k [k, N, C]."""
        terms = len(list_terms(self.answer))
        return self.answer.prefix_logits(self.features(network, rows), terms)

    def prefix_names(self, network: GrowingNetwork) -> tuple[str | None, ...]:
        """The last branch of each prefix; None for one of the stem alone."""
        features = network.list_features(self.lineage)
        read = [_read_branches(head, features) for head, _ in list_terms(self.answer)]
        return tuple(branches[-1] if branches else None for branches in read)


def load_frozen_answer(
    plan: GrowthPlan, network: GrowingNetwork, rows: Rows, targets: Tensor
) -> FrozenAnswer | None:
    """The answer that a plan's branch is trained to correct: the first of `list_frozen_answers`, if any."""
    return next((frozen for frozen, _ in list_frozen_answers(plan, network, rows, targets)), None)


def list_frozen_answers(
    plan: GrowthPlan, network: GrowingNetwork, rows: Rows, targets: Tensor
) -> list[tuple[FrozenAnswer, Tensor]]:
    """The answers that a plan's branch may join, with their logits [N, C]; empty where it answers alone.

    It is that of `plan.parent_task`. Where its lineage would become longer than the model allows, there is
    one answer for each head that may be left out, the one with the least loss on the validation rows [N] with
    class indices `targets` [N] first. A head all of whose branches the new head reads itself stays.
    """
    if not plan.combinations:
        return []
    assert plan.parent_task is not None, "a frozen answer is that of a task"
    parent = plan.parent_manifest.task(plan.parent_task)
    answer = map_classes(network.head(parent.name), parent.classes, plan.classes).requires_grad_(False)
    whole = FrozenAnswer(parent.lineage, answer)
    features = whole.features(network, rows)
    manifest = plan.parent_manifest
    max_length = manifest.model.lineage_limit(manifest.schema) - len(plan.new_branches)
    shortened = _shorten(network, (whole, features), max_length, plan.lineage)
    with torch.no_grad():
        answers = [(frozen, frozen.answer(own_features)) for frozen, own_features in shortened]
    return sorted(answers, key=lambda item: cross_entropy(item[1], to_device(targets, item[1].device)).item())


def _shorten(
    network: GrowingNetwork,
    whole: tuple[FrozenAnswer, Tensor],
    max_length: int,
    protected: Sequence[str],
) -> list[tuple[FrozenAnswer, Tensor]]:
    """The answer with its features, or all that are left of it when heads are left out until it fits."""
    if len(whole[0].lineage) <= max_length:
        return [whole]
    shorter = _leave_out_each(network, *whole, protected)
    if not shorter:
        return [whole]
    return [answer for item in shorter for answer in _shorten(network, item, max_length, protected)]


def _leave_out_each(
    network: GrowingNetwork, frozen: FrozenAnswer, features: Tensor, protected: Sequence[str]
) -> list[tuple[FrozenAnswer, Tensor]]:
    """The answer without each head that can go, with its linear term, and the features that are left."""
    terms, before = list_terms(frozen.answer), network.list_features(frozen.lineage)
    groups = _group_terms(terms)
    if len(groups) == 1:
        return []
    shorter = []
    for left_out in groups:
        read = {branch for index in left_out for branch in _read_branches(terms[index][0], before)}
        if read <= set(protected):
            continue
        kept = list_terms(_without(terms, left_out))
        used = {branch for head, _ in kept for branch in _read_branches(head, before)}
        lineage = tuple(branch for branch in frozen.lineage if branch in used)
        after = network.list_features(lineage)
        heads = [expand_head(head, before, after) for head, _ in kept]
        answer = make_answer(heads, [combination for _, combination in kept]).requires_grad_(False)
        index = [before.index(feature) for feature in after]
        shorter.append((FrozenAnswer(lineage, answer), features[:, index]))
    return shorter


def _group_terms(terms: Sequence[tuple[Head, Combination]]) -> list[list[int]]:
    """The indices of the terms that stay or go together: a linear term and the head after it, of one stem."""
    groups: list[list[int]] = [[]]
    for index, (head, _) in enumerate(terms):
        groups[-1].append(index)
        if head.normed:
            groups.append([])
    return [group for group in groups if group]


def _without(terms: Sequence[tuple[Head, Combination]], left_out: Sequence[int]) -> Answer:
    """The sum without some heads: the others keep their shares, and the sum of all weights stays."""
    weights = _total_weights([combination for _, combination in terms])
    factor = sum(weights) / (sum(weights) - sum(weights[index] for index in left_out))
    kept, frozen_weight = [], 1.0
    for index, (head, combination) in enumerate(terms):
        if index in left_out:
            frozen_weight *= combination.frozen_weight  # what the head did to those before it stays
            continue
        frozen_weight *= combination.frozen_weight
        kept.append(
            (head, Combination(frozen_weight=frozen_weight, step_size=combination.step_size * factor))
        )
        frozen_weight = 1.0
    return make_answer([head for head, _ in kept], [combination for _, combination in kept])


def _total_weights(combinations: Sequence[Combination]) -> list[float]:
    """The weight of each head in the whole sum: s_k times all later a.

    >>> _total_weights([Combination(), Combination(frozen_weight=0.5, step_size=0.5)])
    [0.5, 0.5]
    """
    weights: list[float] = []
    for combination in combinations:
        weights = [combination.frozen_weight * weight for weight in weights] + [combination.step_size]
    return weights


def _read_branches(head: Head, features: Sequence[Feature]) -> list[str]:
    """The branches that a head has gates for, in the order of the features."""
    return [
        feature.branch
        for feature, gates in zip(features, head.gates, strict=True)
        if not feature.is_stem and bool(gates.any())
    ]
