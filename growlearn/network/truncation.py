"""Truncation: the first branches of a model form a smaller model."""

from __future__ import annotations

from dataclasses import replace

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.network.model import weights
from growlearn.network.model.head_sum import load_answer
from growlearn.network.model.lineage_features import list_features
from growlearn.ports import Artifacts


def truncate_model(manifest: Manifest, num_branches: int, artifacts: Artifacts) -> Manifest:
    """The model of the first `num_branches` branches, in the order they were grown.

    A task keeps the start of its lineage with its gates; a task without a remaining branch is dropped. A
    replaced task is routable again where a later task is dropped, which may be its replacement. The shortened
    heads are stored. Raises GrowLearnError where the model has fewer branches, and where no task reads the
    first ones: those of a refined task may be later ones.
    """
    if not 1 <= num_branches <= len(manifest.branches):
        raise GrowLearnError(
            f"cannot keep {num_branches} branches: the model has {len(manifest.branches)}",
            hint=f"name a number from 1 to {len(manifest.branches)}",
        )
    kept_branches = manifest.branches[:num_branches]
    names = [branch.id for branch in kept_branches]
    heads = tuple(
        _shorten_head(head, manifest, names, artifacts) for head in manifest.tasks if head.lineage[0] in names
    )
    if not heads:
        least = 1 + min(
            index
            for index, branch in enumerate(manifest.branches)
            if branch.id in [head.lineage[0] for head in manifest.tasks]
        )
        raise GrowLearnError(
            f"no task reads the first {num_branches} branches of the model alone",
            hint=f"name a number from {least} to {len(manifest.branches)}",
        )
    replaced_tasks = _remaining_replaced_tasks(manifest, [head.name for head in heads])
    return replace(manifest, branches=kept_branches, tasks=heads, replaced_tasks=replaced_tasks)


def _remaining_replaced_tasks(manifest: Manifest, kept_names: list[str]) -> tuple[str, ...]:
    names = [head.name for head in manifest.tasks]
    later = {name: names[index + 1 :] for index, name in enumerate(names)}
    return tuple(
        name
        for name in manifest.replaced_tasks
        if all(later_name in kept_names for later_name in later[name])
    )


def _shorten_head(
    head: TaskHead, manifest: Manifest, kept_branches: list[str], artifacts: Artifacts
) -> TaskHead:
    lineage = tuple(branch for branch in head.lineage if branch in kept_branches)
    if lineage == head.lineage:
        return head
    stem_ids = {branch.id: branch.stem for branch in manifest.branches}
    num_features = len(list_features(lineage, stem_ids, manifest.branches[0].stem))
    shorter = load_answer(artifacts.get(head.sha256)).shorten(num_features)
    return replace(head, lineage=lineage, sha256=artifacts.put(weights.dump_weights(shorter.state_dict())))
