"""A version's outputs are compared with those stored when it was made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.environment import EnvironmentDifference
from growlearn.domain.errors import CorruptArtifact, NotFound
from growlearn.domain.stream import WindowRecord
from growlearn.network.model import weights
from growlearn.pipeline.verify import Verification, describe_verification, find_refusal, verify_version
from growlearn.ports import Store
from tests.unit.consolidated import World


@pytest.mark.parametrize(
    ("number", "tasks"), [(1, 1), (2, 2), (3, 2)], ids=["first", "grown", "consolidated"]
)
def test_a_version_answers_its_probes_to_the_last_bit(grown: World, number: int, tasks: int) -> None:
    proof = verify_version(grown.store, grown.artifacts, "digits", number)
    assert proof == Verification(
        version=number,
        num_checked_tasks=tasks,
        output_differences={},
        missing_tasks=(),
        environment_differences=(),
    )
    assert proof.is_verified
    answers = "1 task gives its stored logits" if tasks == 1 else "2 tasks give their stored logits"
    assert describe_verification(proof) == f"verified: {answers} to the last bit on cpu"


def test_probes_are_a_bounded_number_of_rows_and_stored_once(grown: World) -> None:
    result = grown.store.window_record("digits", "w2").result
    assert result is not None
    assert result.check_logits is not None
    stored = weights.load_weights(grown.artifacts.get(result.check_logits))
    assert sorted(stored) == ["logits.a", "logits.b", "routing.a", "routing.b"]
    assert stored["logits.b"].shape[1] == 2
    assert stored["routing.a"].shape[1] == 4
    assert all(0 < len(answers) <= 64 for answers in stored.values())


def with_result(grown: World, patched_store: Any, **changes: Any) -> Store:
    """The grown store, whose second window's result is another."""
    record = grown.store.window_record("digits", "w2")
    assert record.result is not None
    changed: WindowRecord = replace(record, result=replace(record.result, **changes))
    store: Store = patched_store(grown.store, window_record=lambda *_: changed)
    return store


def altered_check_logits(grown: World, name: str, by: float) -> str:
    result = grown.store.window_record("digits", "w2").result
    assert result is not None
    assert result.check_logits is not None
    stored = weights.load_weights(grown.artifacts.get(result.check_logits))
    stored[name][0, 0] += by
    return grown.artifacts.put(weights.dump_weights(stored))


@pytest.mark.parametrize("name", ["logits.a", "routing.a"])
def test_an_answer_that_differs_is_told_with_its_size_and_its_task(
    grown: World, patched_store: Any, name: str
) -> None:
    store = with_result(grown, patched_store, check_logits=altered_check_logits(grown, name, 0.25))
    proof = verify_version(store, grown.artifacts, "digits", 2)
    assert not proof.is_verified
    assert describe_verification(proof) == (
        "not verified: 1 of 2 tasks no longer give their stored logits to the last bit on cpu; the largest "
        "difference is 0.25, of task 'a'; code, packages, processor and threads are those it was made with"
    )


def test_the_circumstances_that_differ_are_told(grown: World, patched_store: Any) -> None:
    made_in = grown.store.window_record("digits", "w2").result.environment  # type: ignore[union-attr]
    then = replace(made_in, cpu="another", commit=None)  # type: ignore[type-var]
    check_logits = altered_check_logits(grown, "logits.b", 1.0)
    store = with_result(grown, patched_store, check_logits=check_logits, environment=then)
    proof = verify_version(store, grown.artifacts, "digits", 2)
    assert "; it was made with cpu another (now " in describe_verification(proof)
    unknown = replace(proof, environment_differences=None)
    assert describe_verification(unknown).endswith("; the environment it was trained in was not recorded")
    lost = replace(
        proof, environment_differences=(EnvironmentDifference(name="torch", recorded="2.13.0", current=None),)
    )
    assert describe_verification(lost).endswith("; it was made with torch 2.13.0 (now none)")


@pytest.mark.parametrize(
    ("by", "elsewhere", "is_proven"), [(1e-6, False, False), (1e-6, True, True), (1e-2, True, False)]
)
def test_only_another_environment_explains_a_small_difference(
    grown: World, patched_store: Any, by: float, elsewhere: bool, is_proven: bool
) -> None:
    made_in = grown.store.window_record("digits", "w2").result.environment  # type: ignore[union-attr]
    environment = replace(made_in, cpu="another") if elsewhere else made_in  # type: ignore[type-var]
    check_logits = altered_check_logits(grown, "logits.a", by)
    store = with_result(grown, patched_store, check_logits=check_logits, environment=environment)
    assert verify_version(store, grown.artifacts, "digits", 2).is_proven is is_proven
    assert (find_refusal(store, grown.artifacts, "digits", 2) is None) is is_proven


def test_a_version_of_an_earlier_growlearn_says_that_nothing_is_stored(
    grown: World, patched_store: Any
) -> None:
    proof = verify_version(with_result(grown, patched_store, check_logits=None), grown.artifacts, "digits", 2)
    assert not proof.is_verified
    assert describe_verification(proof) == "not verified: version 2 has no stored check logits"


def test_tasks_whose_rows_were_deleted_are_named_and_the_others_asked(
    grown: World, patched_store: Any
) -> None:
    tasks = [
        replace(task, reference_rows="0" * 64) if task.name == "a" else task
        for task in grown.store.tasks("digits")
    ]
    proof = verify_version(patched_store(grown.store, tasks=lambda _: tasks), grown.artifacts, "digits", 2)
    assert (proof.num_checked_tasks, proof.missing_tasks, proof.is_verified) == (1, ("a",), False)
    assert describe_verification(proof) == (
        "partly verified: 1 task gives its stored logits to the last bit on cpu, but the check rows of 'a' "
        "are missing"
    )


def test_weights_that_are_gone_are_an_error(grown: World, patched_store: Any) -> None:
    versions = grown.store.versions("digits")
    lost = replace(versions[1].manifest.branches[0], sha256="f" * 64)
    broken = replace(versions[1], manifest=replace(versions[1].manifest, branches=(lost,)))
    store = patched_store(grown.store, versions=lambda _: (versions[0], broken))
    with pytest.raises(CorruptArtifact, match="ffff"):
        verify_version(store, grown.artifacts, "digits", 2)
    assert "ffff" in str(find_refusal(store, grown.artifacts, "digits", 2))
    with pytest.raises(NotFound, match="no version 9"):
        verify_version(grown.store, grown.artifacts, "digits", 9)


def test_another_device_than_the_recorded_one_may_differ_by_a_little(
    grown: World, patched_store: Any
) -> None:
    recorded = "cuda NVIDIA H200, CUDA 13.0, cuDNN 91002"
    for by, is_verified in ((1e-5, True), (1e-3, False)):
        check_logits = altered_check_logits(grown, "logits.a", by)
        store = with_result(grown, patched_store, check_logits=check_logits, check_device=recorded)
        proof = verify_version(store, grown.artifacts, "digits", 2)
        assert proof.is_verified is is_verified
        told = describe_verification(proof)
        assert f"their stored logits within 0.0001 on cpu (stored: {recorded})" in told
        assert told.startswith("verified: 2 tasks" if is_verified else "not verified: 1 of 2 tasks")
