"""Answers that sum the heads of a lineage."""

from __future__ import annotations

import pytest
import torch

from growlearn.domain.growth import Combination
from growlearn.network.model.head import Head
from growlearn.network.model.head_sum import HeadSum, list_terms, load_answer, make_answer, map_classes
from growlearn.network.model.lineage_features import Feature, expand_head, list_features
from growlearn.network.model.weights import dump_weights

HALVES = Combination(frozen_weight=0.5, step_size=0.5)
STEP = Combination(frozen_weight=1.0, step_size=0.3)
STEM_IDS = {"b1": "b1", "b2": "b1", "b3": "b3"}
FIRST, WHOLE = list_features(("b1",), STEM_IDS, "b1"), list_features(("b1", "b2", "b3"), STEM_IDS, "b1")


def _head(seed: int, num_features: int, classes: int = 3) -> Head:
    torch.manual_seed(seed)
    head = Head(num_features, 8, classes)
    with torch.no_grad():
        head.gates.normal_()
    return head


def _sum() -> tuple[HeadSum, Head, Head, Head]:
    """Three heads that read b1; b2; and b3 with its own stem."""
    own = (Feature("b1", is_stem=True), Feature("b2")), (Feature("b3", is_stem=True), Feature("b3"))
    first, second, third = _head(1, 2), _head(2, 2), _head(3, 2)
    terms = ((first, FIRST), (second, own[0]), (third, own[1]))
    heads = [expand_head(head, features, WHOLE) for head, features in terms]
    answer = make_answer(heads, [Combination(), STEP, HALVES])
    assert isinstance(answer, HeadSum)
    return answer, first, second, third


def test_the_answer_is_the_sum_of_the_recursion() -> None:
    answer, first, second, third = _sum()
    features = torch.randn(5, 5, 8)
    before = first(features[:, :2]) + 0.3 * second(features[:, [0, 2]])
    expected = 0.5 * before + 0.5 * third(features[:, 3:])
    assert torch.allclose(answer(features), expected, atol=1e-6)
    prefixes = answer.prefix_logits(features, 2)
    assert torch.allclose(prefixes[0], before, atol=1e-6)
    assert torch.equal(prefixes[1], answer(features))


def test_an_expanded_head_gives_the_same_bits_whatever_the_other_features_are() -> None:
    head = _head(1, 2)
    features = torch.randn(7, 5, 8)
    features[:, 2:] *= 1e30
    assert torch.equal(expand_head(head, FIRST, WHOLE)(features), head(features[:, :2]))


def test_an_answer_is_stored_and_loaded_to_the_last_bit() -> None:
    answer, first, *_ = _sum()
    features = torch.randn(4, 5, 8)
    for kept, read in ((answer, features), (first, features[:, :2])):
        loaded = load_answer(dump_weights(kept.state_dict()))
        assert type(loaded) is type(kept)
        assert torch.equal(loaded(read), kept(read))


def test_one_head_at_full_weight_is_itself_and_one_at_a_part_is_a_sum() -> None:
    head = _head(1, 2)
    assert make_answer([head], [Combination()]) is head
    small = make_answer([head], [STEP])
    features = torch.randn(4, 2, 8)
    assert torch.allclose(small(features), 0.3 * head(features))


@pytest.mark.parametrize(("num_features", "num_heads"), [(5, 3), (4, 2), (3, 2), (2, 1), (1, 1)])
def test_a_shorter_answer_is_the_prefix_that_needs_no_more_features(
    num_features: int, num_heads: int
) -> None:
    answer, *_ = _sum()
    shorter = answer.shorten(num_features)
    features = torch.randn(4, 5, 8)
    assert len(list_terms(shorter)) == num_heads
    if num_features > 1:
        expected = answer.prefix_logits(features, 3)[num_heads - 1]
        assert torch.allclose(shorter(features[:, :num_features]), expected, atol=1e-6)


def test_classes_are_mapped_by_name_and_unknown_ones_have_the_mean_logit() -> None:
    answer, *_ = _sum()
    features = torch.randn(4, 5, 8)
    known = answer(features)  # of a, b, c
    mapped = map_classes(answer, ("a", "b", "c"), ("c", "new", "a"))(features)
    assert torch.allclose(mapped[:, [0, 2]], known[:, [2, 0]], atol=1e-5)
    assert torch.allclose(mapped[:, 1], known.mean(1), atol=1e-5)
