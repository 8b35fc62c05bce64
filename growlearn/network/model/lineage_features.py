"""The order of a lineage's features: the residual of each branch, and each stem before its first branch.

A lineage b1, b2, b3 of which b3 has a stem of its own, and b2 reads that of b1, has the features

    pool(z_b1), pool(R_b1), pool(R_b2), pool(z_b3), pool(R_b3).

A longer lineage has those of every shorter one first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from growlearn.network.model.head import Head


@dataclass(frozen=True)
class Feature:
    """The mean over tokens of a branch's residual; or of the stem that `branch` owns, where `is_stem`."""

    branch: str
    is_stem: bool = False


def list_features(lineage: Sequence[str], stem_ids: Mapping[str, str], root_stem: str) -> tuple[Feature, ...]:
    """The features of a lineage; an empty one has those of the root's stem alone.

    >>> stem_ids = {"b1": "b1", "b2": "b1", "b3": "b3"}
    >>> [("z_" if f.is_stem else "R_") + f.branch for f in list_features(("b1", "b2", "b3"), stem_ids, "b1")]
    ['z_b1', 'R_b1', 'R_b2', 'z_b3', 'R_b3']
    """
    return tuple(_iter_features(lineage, stem_ids)) or (Feature(root_stem, is_stem=True),)


def _iter_features(lineage: Sequence[str], stem_ids: Mapping[str, str]) -> Iterator[Feature]:
    known_stems: set[str] = set()
    for branch in lineage:
        if stem_ids[branch] not in known_stems:
            known_stems.add(stem_ids[branch])
            yield Feature(stem_ids[branch], is_stem=True)
        yield Feature(branch)


def expand_head(head: Head, before: Sequence[Feature], after: Sequence[Feature]) -> Head:
    """A copy of a head over features `before` that reads the same ones among features `after`.

    Its gates are zero for all others; what `after` lacks must have had gates of zero.
    """
    expanded = Head(len(after), head.gates.shape[1], head.linear.out_features, normed=head.normed)
    expanded.to(head.gates.device)
    position = {feature: index for index, feature in enumerate(after)}
    with torch.no_grad():
        expanded.gates.zero_()
        for feature, gates in zip(before, head.gates, strict=True):
            if feature in position:
                expanded.gates[position[feature]] = gates
    expanded.norm.load_state_dict(head.norm.state_dict())
    expanded.linear.load_state_dict(head.linear.state_dict())
    return expanded
