"""The weight of each class's rows in the training loss, and the class that a two-class metric is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from growlearn.domain.errors import JobError
from growlearn.domain.lineage import Manifest
from growlearn.domain.printable import list_names, plain_name
from growlearn.domain.schema import Label, sort_labels
from growlearn.ingest.rows import Column


def resolve_class_weights(
    config: Literal["balanced"] | Mapping[str, float] | None,
    classes: Sequence[Label],
    labels: Column,
    known_labels: Iterable[Label],
) -> tuple[float, ...]:
    """The weight of each class, in their order, with mean 1 over the training rows; empty without weights.

    `labels` are those of the training rows. `balanced` gives every class the same total weight, and one
    without training rows weight 1; a class that the job does not name has weight 1 before scaling. Raises
    JobError for a name that is no known label.
    """
    if config is None:
        return ()
    counts = Counter(labels)
    if config == "balanced":
        share = len(labels) / len(counts)  # of each class, in rows
        return tuple(share / counts[label] if counts[label] else 1.0 for label in classes)
    _require_known_names(config, known_labels)
    weights = [config.get(str(label), 1.0) for label in classes]
    total = sum(weight * counts[label] for weight, label in zip(weights, classes, strict=True))
    return tuple(weight * len(labels) / total for weight in weights)


def _require_known_names(config: Mapping[str, float], known_labels: Iterable[Label]) -> None:
    known = dict.fromkeys(map(str, sort_labels(known_labels)))
    for name in config:
        if name not in known:
            raise JobError(
                f"class_weight names {name!r}, which is no class of this stream",
                hint="correct it in the job file, or remove it until rows of that class have come; classes: "
                + list_names(known, plain_name),
            )


def choose_positive_class(parent: Manifest, classes: Sequence[Label], labels: Column) -> Label | None:
    """The positive one of two classes: that of an earlier task with the same, else the rarer in `labels`.

    None for more than two classes. Of equally frequent ones the last.
    """
    if len(classes) != 2:
        return None
    inherited = [head.positive_class for head in parent.tasks if head.classes == tuple(classes)]
    if inherited and inherited[0] is not None:
        return inherited[0]
    counts = Counter(labels)
    return classes[0] if counts[classes[0]] < counts[classes[1]] else classes[1]
