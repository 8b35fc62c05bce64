"""A training made again beside the one on record: which weights and answers differ, and by how much."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from growlearn.domain.lineage import Manifest
from growlearn.growth.model import weights
from growlearn.growth.model.network import Logits, load_network
from growlearn.growth.proof import difference
from growlearn.growth.router.router import load_router
from growlearn.ingest.rows import Rows

Read = Callable[[str], bytes]


class Likeness(StrEnum):
    """How like the recorded model the one made again is."""

    BIT_EQUAL = "bit-equal"
    WITHIN_TOLERANCE = "within tolerance"
    DIFFERENT = "different"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A tensor that differs, in one part of the model: a branch, a head, or a part of the router.

    `tensor` is None where all of the part is on one side only. `difference` is the largest absolute one;
    infinite where the two cannot be subtracted.
    """

    part: str
    tensor: str | None
    difference: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two models: where their weights differ, the largest difference first, and how far apart they answer.

    `answers` is the largest absolute difference of a probability, of a class or of a task that a row is
    routed to, on `rows` rows.
    """

    places: tuple[Place, ...]
    answers: float
    rows: int

    @property
    def weights(self) -> float:
        """The largest absolute difference of a weight."""
        return max((place.difference for place in self.places), default=0.0)

    def likeness(self, tolerance: float) -> Likeness:
        """What that amounts to, where answers may differ by `tolerance` in a probability."""
        if not self.places:
            return Likeness.BIT_EQUAL
        return Likeness.WITHIN_TOLERANCE if self.answers <= tolerance else Likeness.DIFFERENT


def compare(recorded: Manifest, again: Manifest, read: Read, rows: Mapping[str, Rows]) -> Comparison:
    """Compare every stored part of two models, and their answers to rows of some tasks.

    Answers are not asked for where all weights are equal to the last bit.
    """
    places = sorted(_places(recorded, again, read), key=lambda place: -place.difference)
    apart = _answers_apart(recorded, again, read, rows) if places else 0.0
    return Comparison(places=tuple(places), answers=apart, rows=sum(map(len, rows.values())))


def parts_of(manifest: Manifest) -> dict[str, str]:
    """sha256 of everything a model is made of, by what it is in words."""
    parts = {f"branch {branch.id}": branch.sha256 for branch in manifest.branches}
    parts |= {f"head of task {head.name!r}": head.sha256 for head in manifest.tasks}
    router = manifest.router
    if router is not None:
        parts |= {"router's features": router.features, "router's moments": router.moments}
        parts["router's readout"] = router.readout
        if router.stem is not None:
            parts["branch whose stem the router reads"] = router.stem
    return parts


def _places(recorded: Manifest, again: Manifest, read: Read) -> Iterator[Place]:
    before, now = parts_of(recorded), parts_of(again)
    for part in {**before, **now}:
        if before.get(part) == now.get(part):
            continue
        if part not in before or part not in now:
            yield Place(part=part, tensor=None, difference=math.inf)
            continue
        one, other = weights.load(read(before[part])), weights.load(read(now[part]))
        for tensor in {**one, **other}:
            found = difference(one.get(tensor), other.get(tensor))
            if found is not None:
                yield Place(part=part, tensor=tensor, difference=found)


def _answers_apart(recorded: Manifest, again: Manifest, read: Read, rows: Mapping[str, Rows]) -> float:
    pairs = zip(_answers(recorded, read, rows), _answers(again, read, rows), strict=True)
    return max((_apart(one, other) for one, other in pairs), default=0.0)


def _answers(manifest: Manifest, read: Read, rows: Mapping[str, Rows]) -> Iterator[Logits]:
    """Probabilities of each task's classes on its rows, then of the tasks these are routed to."""
    network = load_network(manifest, read)
    for task, asked in rows.items():
        yield network.outputs(asked, task)
    if manifest.router is not None:
        router = load_router(manifest, network.root_stem, read)
        for asked in rows.values():
            yield router.probabilities(asked, manifest.active).numpy()


def _apart(one: Logits, other: Logits) -> float:
    if one.shape != other.shape:
        return math.inf
    largest = float(np.abs(one.astype(np.float64) - other).max(initial=0.0))
    return largest if math.isfinite(largest) else math.inf
