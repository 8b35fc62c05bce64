from __future__ import annotations

import pytest

from growlearn.domain import errors
from growlearn.domain.errors import DiskFull, GrowLearnError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, GrowLearnError) and kind is not DiskFull
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_says_what_is_wrong_and_what_to_do(kind: type[GrowLearnError]) -> None:
    error = kind("x is broken", hint="fix x")
    assert str(error) == "x is broken (fix x)"
    assert (error.message, error.hint) == ("x is broken", "fix x")


def test_a_full_disk_is_called_so_and_says_that_nothing_is_lost() -> None:
    error = DiskFull("a.db cannot be written")
    assert error.message == "the disk is full: a.db cannot be written"
    assert "nothing that was recorded is lost" in str(error.hint)


def test_an_error_without_a_hint_says_what_is_wrong_only() -> None:
    assert str(GrowLearnError("x is broken")) == "x is broken"
