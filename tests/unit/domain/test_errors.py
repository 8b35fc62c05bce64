from __future__ import annotations

import pytest

from growlearn.domain import errors
from growlearn.domain.errors import GrowLearnError

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GrowLearnError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_says_what_is_wrong_and_what_to_do(kind: type[GrowLearnError]) -> None:
    error = kind("x is broken", hint="fix x")
    assert str(error) == "x is broken (fix x)"
    assert (error.message, error.hint) == ("x is broken", "fix x")


def test_an_error_without_a_hint_says_what_is_wrong_only() -> None:
    assert str(GrowLearnError("x is broken")) == "x is broken"
