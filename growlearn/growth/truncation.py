"""Truncation as compression: the first branches of a model are a smaller model."""

from __future__ import annotations

from dataclasses import replace

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.growth.model import weights
from growlearn.growth.model.network import load_head
from growlearn.ports import Artifacts


def truncated(manifest: Manifest, branches: int, artifacts: Artifacts) -> Manifest:
    """The model of the first `branches` branches, in the order they were grown.

    A task keeps the beginning of its lineage, and the gates of it; one of whose lineage nothing is left
    is left out. A superseded task is active again where a later one is left out, as that may be the one that
    took its place. The shortened heads are stored. Raises GrowLearnError where there are fewer branches.
    """
    if not 1 <= branches <= len(manifest.branches):
        raise GrowLearnError(
            f"cannot keep {branches} branches: the model has {len(manifest.branches)}",
            cure=f"name a number from 1 to {len(manifest.branches)}",
        )
    kept = manifest.branches[:branches]
    names = [branch.id for branch in kept]
    heads = tuple(_shortened(head, names, artifacts) for head in manifest.tasks if head.lineage[0] in names)
    superseded = _still_superseded(manifest, [head.name for head in heads])
    return replace(manifest, branches=kept, tasks=heads, superseded=superseded)


def _still_superseded(manifest: Manifest, left: list[str]) -> tuple[str, ...]:
    names = [head.name for head in manifest.tasks]
    later = {name: names[at + 1 :] for at, name in enumerate(names)}
    return tuple(name for name in manifest.superseded if all(each in left for each in later[name]))


def _shortened(head: TaskHead, names: list[str], artifacts: Artifacts) -> TaskHead:
    lineage = tuple(branch for branch in head.lineage if branch in names)
    if lineage == head.lineage:
        return head
    shorter = load_head(artifacts.get(head.sha256)).without_last(len(head.lineage) - len(lineage))
    return replace(head, lineage=lineage, sha256=artifacts.put(weights.dump(shorter.state_dict())))
