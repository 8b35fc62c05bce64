"""The accuracy matrix of a version, from the evaluations along the versions it grew from."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.evaluation import AccuracyMatrix, Evaluation, matrix_of
from growlearn.domain.lineage import Version
from growlearn.ports import Store
from growlearn.registry.ancestry import chain


def matrix_for(store: Store, stream: str, version_number: int | None) -> AccuracyMatrix:
    """R along the chain of a version, empty for None; raises UnknownName."""
    if version_number is None:
        return matrix_of(())
    return matrix_of(evaluations_of(store, stream, chain(store.versions(stream), version_number)))


def evaluations_of(store: Store, stream: str, versions: Sequence[Version]) -> tuple[Evaluation, ...]:
    """The stored evaluation of each version, in the order given."""
    return tuple(_evaluation(store, stream, version) for version in versions)


def _evaluation(store: Store, stream: str, version: Version) -> Evaluation:
    evaluation = store.record(stream, version.window).evaluation
    if evaluation is None:
        raise GrowLearnError(
            f"window {version.window!r} of stream {stream!r} made version {version.number} unevaluated",
            cure="the record is damaged; restore the database from a backup",
        )
    return evaluation
