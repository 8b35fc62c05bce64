"""A version asked again what it answered when it was made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.app.proving import Proof, prove, told
from growlearn.domain.circumstances import Difference
from growlearn.domain.errors import DamagedArtifact, UnknownName
from growlearn.domain.stream import WindowRecord
from growlearn.growth.model import weights
from growlearn.ports import Store
from tests.unit.test_consolidating import World


@pytest.mark.parametrize(
    ("number", "tasks"), [(1, 1), (2, 2), (3, 2)], ids=["first", "grown", "consolidated"]
)
def test_a_version_answers_its_probes_to_the_last_bit(grown: World, number: int, tasks: int) -> None:
    proof = prove(grown.store, grown.artifacts, "digits", number)
    assert proof == Proof(version=number, asked=tasks, apart={}, gone=(), differences=())
    assert proof.holds
    answers = "1 task answers its probe" if tasks == 1 else "2 tasks answer their probes"
    assert told(proof) == f"proven: {answers} to the last bit"


def test_probes_are_a_bounded_number_of_rows_and_stored_once(grown: World) -> None:
    result = grown.store.record("digits", "w2").result
    assert result is not None
    assert result.probes is not None
    stored = weights.load(grown.artifacts.get(result.probes))
    assert sorted(stored) == ["logits.a", "logits.b", "routing.a", "routing.b"]
    assert stored["logits.b"].shape[1] == 2
    assert stored["routing.a"].shape[1] == 4
    assert all(0 < len(answers) <= 64 for answers in stored.values())


def with_result(grown: World, retold: Any, **changes: Any) -> Store:
    """The grown store, whose second window's result is another."""
    record = grown.store.record("digits", "w2")
    assert record.result is not None
    told: WindowRecord = replace(record, result=replace(record.result, **changes))
    store: Store = retold(grown.store, record=lambda *_: told)
    return store


def altered_probes(grown: World, name: str, by: float) -> str:
    result = grown.store.record("digits", "w2").result
    assert result is not None
    assert result.probes is not None
    stored = weights.load(grown.artifacts.get(result.probes))
    stored[name][0, 0] += by
    return grown.artifacts.put(weights.dump(stored))


@pytest.mark.parametrize("name", ["logits.a", "routing.a"])
def test_an_answer_that_differs_is_told_with_its_size_and_its_task(
    grown: World, retold: Any, name: str
) -> None:
    store = with_result(grown, retold, probes=altered_probes(grown, name, 0.25))
    proof = prove(store, grown.artifacts, "digits", 2)
    assert not proof.holds
    assert told(proof) == (
        "not proven: 1 of 2 tasks no longer answer their probes to the last bit; the largest difference is "
        "0.25, of task 'a'; code, packages, processor and threads are those it was made with"
    )


def test_the_circumstances_that_differ_are_told(grown: World, retold: Any) -> None:
    made_in = grown.store.record("digits", "w2").result.circumstances  # type: ignore[union-attr]
    then = replace(made_in, cpu="another", commit=None)  # type: ignore[type-var]
    probes = altered_probes(grown, "logits.b", 1.0)
    store = with_result(grown, retold, probes=probes, circumstances=then)
    proof = prove(store, grown.artifacts, "digits", 2)
    assert "; it was made with cpu another (here " in told(proof)
    unknown = replace(proof, differences=None)
    assert told(unknown).endswith("; in what circumstances it was made was not recorded")
    lost = replace(proof, differences=(Difference(name="torch", recorded="2.13.0", here=None),))
    assert told(lost).endswith("; it was made with torch 2.13.0 (here none)")


def test_a_version_of_an_earlier_growlearn_says_that_nothing_is_stored(grown: World, retold: Any) -> None:
    proof = prove(with_result(grown, retold, probes=None), grown.artifacts, "digits", 2)
    assert not proof.holds
    assert (
        told(proof)
        == "not proven: version 2 was made before probe outputs were kept, so none are stored to compare with"
    )


def test_tasks_whose_rows_were_deleted_are_named_and_the_others_asked(grown: World, retold: Any) -> None:
    tasks = [
        replace(task, reference="0" * 64) if task.name == "a" else task
        for task in grown.store.tasks("digits")
    ]
    proof = prove(retold(grown.store, tasks=lambda _: tasks), grown.artifacts, "digits", 2)
    assert (proof.asked, proof.gone, proof.holds) == (1, ("a",), False)
    assert told(proof) == (
        "not wholly proven: 1 task answers its probe to the last bit, but the rows to ask 'a' are missing"
    )


def test_weights_that_are_gone_are_an_error(grown: World, retold: Any) -> None:
    versions = grown.store.versions("digits")
    lost = replace(versions[1].manifest.branches[0], sha256="f" * 64)
    broken = replace(versions[1], manifest=replace(versions[1].manifest, branches=(lost,)))
    store = retold(grown.store, versions=lambda _: (versions[0], broken))
    with pytest.raises(DamagedArtifact, match="ffff"):
        prove(store, grown.artifacts, "digits", 2)
    with pytest.raises(UnknownName, match="no version 9"):
        prove(grown.store, grown.artifacts, "digits", 9)
