from __future__ import annotations

from typing import Any

import pytest

from growlearn.domain.errors import GrowLearnError, NotFound
from growlearn.domain.window import WindowState
from growlearn.registry.matrix import load_accuracy_matrix, load_evaluations


def test_the_matrix_follows_the_versions_a_version_grew_from(history: Any) -> None:
    history.grow("s", a=9)
    history.grow("s", a=9, b=8)
    history.roll_back("s")
    history.grow("s", a=7, c=6)
    assert load_accuracy_matrix(history.store, "s", 2).accuracy == ((0.9, 0.5), (0.9, 0.8))
    third = load_accuracy_matrix(history.store, "s", 3)
    assert third.tasks == ("a", "c")
    assert third.accuracy == ((0.9, 0.5), (0.7, 0.6))


def test_rejected_windows_leave_no_row(history: Any) -> None:
    history.grow("s", a=9)
    history.grow("s", WindowState.REJECTED, a=1, b=1)
    history.grow("s", a=9, c=8)
    assert load_accuracy_matrix(history.store, "s", 2).tasks == ("a", "c")


def test_no_version_has_an_empty_matrix(history: Any) -> None:
    assert load_accuracy_matrix(history.store, "s", None).tasks == ()


def test_an_unknown_version_is_named(history: Any) -> None:
    with pytest.raises(NotFound, match="no version 3"):
        load_accuracy_matrix(history.store, "s", 3)


def test_a_version_without_its_evaluation_means_a_damaged_record(history: Any, versions: Any) -> None:
    history.skip("s")
    with pytest.raises(
        GrowLearnError, match=r"version 1 of stream 's' has no evaluation in its window 'w1' \(the record"
    ):
        load_evaluations(history.store, "s", versions[:1])
