from __future__ import annotations

from typing import Any

import pytest

from growlearn.domain.errors import GrowLearnError, UnknownName
from growlearn.domain.window import WindowState
from growlearn.registry.matrix import evaluations_of, matrix_for


def test_the_matrix_follows_the_versions_a_version_grew_from(ledger: Any) -> None:
    ledger.grow("s", a=9)
    ledger.grow("s", a=9, b=8)
    ledger.roll_back("s")
    ledger.grow("s", a=7, c=6)
    assert matrix_for(ledger.store, "s", 2).accuracy == ((0.9, 0.5), (0.9, 0.8))
    third = matrix_for(ledger.store, "s", 3)
    assert third.tasks == ("a", "c")
    assert third.accuracy == ((0.9, 0.5), (0.7, 0.6))


def test_rejected_windows_leave_no_row(ledger: Any) -> None:
    ledger.grow("s", a=9)
    ledger.grow("s", WindowState.REJECTED, a=1, b=1)
    ledger.grow("s", a=9, c=8)
    assert matrix_for(ledger.store, "s", 2).tasks == ("a", "c")


def test_no_version_has_an_empty_matrix(ledger: Any) -> None:
    assert matrix_for(ledger.store, "s", None).tasks == ()


def test_an_unknown_version_is_named(ledger: Any) -> None:
    with pytest.raises(UnknownName, match="no version 3"):
        matrix_for(ledger.store, "s", 3)


def test_a_version_without_its_evaluation_is_a_damaged_record(ledger: Any, versions: Any) -> None:
    ledger.settle("s")
    with pytest.raises(GrowLearnError, match=r"'w1' of stream 's' made version 1 unevaluated \(the record"):
        evaluations_of(ledger.store, "s", versions[:1])
