"""A trained head over the features of its whole lineage, alone or added to the frozen answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from growlearn.domain.growth import ALONE, Combination, GrowthPlan
from growlearn.growth.branch_init import TrainableParts
from growlearn.growth.frozen_answer import FrozenAnswer
from growlearn.growth.linear_fit import make_linear_head
from growlearn.network.model.head import Head
from growlearn.network.model.head_sum import Answer, list_terms, make_answer
from growlearn.network.model.lineage_features import Feature, expand_head, list_features
from growlearn.network.model.network import GrowingNetwork

Lineage = tuple[str, ...]


def join_answer(
    plan: GrowthPlan,
    network: GrowingNetwork,
    trainable: TrainableParts,
    frozen: FrozenAnswer | None,
    combination: Combination,
    linear_combination: Combination = ALONE,
) -> tuple[Lineage, Answer]:
    """The lineage and the answer of the grown task: a F + s h where a frozen answer enters, else h.

    h is the trained head; or, by `linear_combination`, its sum with the linear term of the trained stem.
    """
    new_branches = plan.new_branches[: len(trainable.branches)]
    own_features = _list_own_features(plan, network, trainable, new_branches)
    frozen_lineage = () if frozen is None else frozen.lineage
    lineage = tuple(dict.fromkeys((*frozen_lineage, *plan.lineage, *new_branches)))
    features = _list_lineage_features(network, lineage, new_branches, own_features[0].branch)
    own_terms = [
        (_expand(head, own_features, features), own)
        for head, own in _list_own_terms(trainable, len(own_features), linear_combination)
    ]
    if frozen is None:
        return lineage, _sum_terms(own_terms)
    before = network.list_features(frozen.lineage)
    terms = [(expand_head(head, before, features), known) for head, known in list_terms(frozen.answer)]
    first, *others = (
        (head, replace(own, step_size=own.step_size * combination.step_size)) for head, own in own_terms
    )
    joined = (first[0], replace(first[1], frozen_weight=combination.frozen_weight))
    return lineage, _sum_terms([*terms, joined, *others])


def _list_own_features(
    plan: GrowthPlan, network: GrowingNetwork, trainable: TrainableParts, new_branches: Lineage
) -> tuple[Feature, ...]:
    """What a plan's own heads read: one stem, the trained one or that of the parent, and the branches."""
    stem_id = plan.new_branches[0] if trainable.stem is not None else network.get_stem_id(plan.lineage)
    return Feature(stem_id, is_stem=True), *map(Feature, (*plan.lineage, *new_branches))


def _list_lineage_features(
    network: GrowingNetwork, lineage: Lineage, new_branches: Lineage, stem_id: str
) -> tuple[Feature, ...]:
    """What a head over a lineage reads, whose new branches are on one stem: every stem of the lineage."""
    return list_features(lineage, {**network.stem_ids, **dict.fromkeys(new_branches, stem_id)}, stem_id)


def _expand(head: Head, own_features: tuple[Feature, ...], features: tuple[Feature, ...]) -> Head:
    return head if own_features == features else expand_head(head, own_features, features)


Term = tuple[Head, Combination]


def _list_own_terms(trainable: TrainableParts, num_features: int, linear: Combination) -> list[Term]:
    """The linear term L and the trained head h' as a L + s h', or h' alone.

    With (a, s) as step sizes, so that a factor before both is one before each.
    """
    term = None if trainable.stem is None else make_linear_head(trainable.stem, num_features)
    if term is None or linear == ALONE:
        return [(trainable.head, Combination())]
    return [
        (term, Combination(step_size=linear.frozen_weight)),
        (trainable.head, Combination(frozen_weight=1.0, step_size=linear.step_size)),
    ]


def _sum_terms(terms: Sequence[Term]) -> Answer:
    return make_answer([head for head, _ in terms], [combination for _, combination in terms])


def find_initial_answer(
    plan: GrowthPlan, network: GrowingNetwork, trainable: TrainableParts, frozen: FrozenAnswer | None
) -> tuple[Lineage, Answer]:
    """The lineage and the answer before training: the frozen answer, or the initial head alone."""
    if frozen is not None:
        return frozen.lineage, frozen.answer
    return find_untrained_answer(plan, network, trainable)


def find_untrained_answer(
    plan: GrowthPlan, network: GrowingNetwork, trainable: TrainableParts
) -> tuple[Lineage, Answer]:
    """The lineage and the initial head of the branch alone, before training."""
    new_branches = () if trainable.stem is None else plan.new_branches
    lineage = (*plan.lineage, *new_branches)
    own_features = _list_own_features(plan, network, trainable, new_branches)
    features = _list_lineage_features(network, lineage, new_branches, own_features[0].branch)
    return lineage, _expand(trainable.initial_head, own_features, features)
