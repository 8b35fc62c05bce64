"""Whether a version still is what it was: its model, rebuilt, against the answers stored when it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from growlearn.domain.circumstances import Difference, differences
from growlearn.domain.errors import DamagedArtifact
from growlearn.domain.lineage import Version
from growlearn.growth.circumstances import circumstances_here, threads
from growlearn.growth.model import weights
from growlearn.growth.proof import answers_apart, probe_answers, task_of_answer
from growlearn.ingest.rows import Rows, from_parquet
from growlearn.ports import Artifacts, Store
from growlearn.registry.ancestry import find


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What became of asking a version its probes again.

    `asked` counts tasks; None where no answers are stored. `apart` holds the largest difference of an answer,
    by task, where they are not equal to the last bit; `gone` the tasks whose rows are not there any more.
    `differences` are those of the circumstances, None where the recorded ones are not known.
    """

    version: int
    asked: int | None
    apart: Mapping[str, float]
    gone: tuple[str, ...]
    differences: tuple[Difference, ...] | None

    @property
    def holds(self) -> bool:
        """Whether every task was asked, and answered as it did."""
        return self.asked is not None and not self.apart and not self.gone


def prove(store: Store, artifacts: Artifacts, stream: str, number: int) -> Proof:
    """Rebuild a version from its stored weights and ask it its probes, with as many threads as it was made.

    Raises UnknownName, and DamagedArtifact where its weights or the stored answers are missing.
    """
    version = find(store.versions(stream), number)
    result = store.record(stream, version.window).result
    if result is None or result.probes is None:
        return Proof(version=number, asked=None, apart={}, gone=(), differences=None)
    probes = _probes(store, artifacts, version)
    stored = weights.load(artifacts.get(result.probes))
    expected = {name: answer for name, answer in stored.items() if task_of_answer(name) in probes}
    with threads(result.threads):
        answers = probe_answers(version.manifest, artifacts.get, probes)
        here = circumstances_here()
    recorded = result.circumstances
    return Proof(
        version=number,
        asked=len(probes),
        apart=answers_apart(answers, expected),
        gone=tuple(name for name in version.tasks if name not in probes),
        differences=None if recorded is None else differences(recorded, here),
    )


def _probes(store: Store, artifacts: Artifacts, version: Version) -> dict[str, Rows]:
    """The probe of each task of a version, of those whose rows are still there."""
    probes = {}
    for task in store.tasks(version.stream):
        if task.name not in version.tasks:
            continue
        try:
            probes[task.name] = from_parquet(artifacts.get(task.reference), version.manifest.schema)
        except DamagedArtifact:
            continue
    return probes


def told(proof: Proof) -> str:
    """One line that says whether a version is proven, and if not, what is known of why."""
    if proof.asked is None:
        made = f"version {proof.version} was made before probe outputs were kept"
        return f"not proven: {made}, so none are stored to compare with"
    if proof.apart:
        return f"not proven: {_apart(proof, proof.asked)}; {_circumstances(proof.differences)}"
    answer = "1 task answers its probe" if proof.asked == 1 else f"{proof.asked} tasks answer their probes"
    if proof.gone:
        names = ", ".join(map(repr, proof.gone))
        return f"not wholly proven: {answer} to the last bit, but the rows to ask {names} are missing"
    return f"proven: {answer} to the last bit"


def _apart(proof: Proof, asked: int) -> str:
    worst = max(proof.apart, key=lambda task: proof.apart[task])
    return (
        f"{len(proof.apart)} of {asked} tasks no longer answer their probes to the last bit; "
        f"the largest difference is {proof.apart[worst]:.2g}, of task {worst!r}"
    )


def _circumstances(found: tuple[Difference, ...] | None) -> str:
    if found is None:
        return "in what circumstances it was made was not recorded"
    if not found:
        return "code, packages, processor and threads are those it was made with"
    told = ", ".join(f"{each.name} {each.recorded or 'none'} (here {each.here or 'none'})" for each in found)
    return f"it was made with {told}"
