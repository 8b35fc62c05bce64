"""The accuracy matrix of a version, from the evaluations of its ancestors."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.evaluation import AccuracyMatrix, Evaluation, build_accuracy_matrix
from growlearn.domain.lineage import Version
from growlearn.ports import Store
from growlearn.registry.version_tree import get_ancestry


def load_accuracy_matrix(store: Store, stream: str, version_number: int | None) -> AccuracyMatrix:
    """R over the ancestry of a version, empty for None; raises NotFound."""
    if version_number is None:
        return build_accuracy_matrix(())
    return build_accuracy_matrix(
        load_evaluations(store, stream, get_ancestry(store.versions(stream), version_number))
    )


def load_evaluations(store: Store, stream: str, versions: Sequence[Version]) -> tuple[Evaluation, ...]:
    """The stored evaluation of each version, in the order given."""
    return tuple(
        require_evaluation(version, store.window_record(stream, version.window).evaluation)
        for version in versions
    )


def require_evaluation(version: Version, evaluation: Evaluation | None) -> Evaluation:
    """The evaluation of a version; raises GrowLearnError where its window has none."""
    if evaluation is None:
        raise GrowLearnError(
            f"version {version.number} of stream {version.stream!r} has no evaluation "
            f"in its window {version.window!r}",
            hint="the record is damaged; restore the database from a backup",
        )
    return evaluation
