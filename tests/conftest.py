"""The skip policy: a test that lacks its tool names it; under CI=true that is a failure."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from growlearn.adapters.mlflow.quiet import hush

hush()  # before any test file imports MLflow itself
# Networks here are tiny: more threads only wait for each other, dearly so where tests share the cores.
for _name in ("OMP_NUM_THREADS", "GROWLEARN_THREADS"):
    os.environ.setdefault(_name, "1")

Need = Callable[[str, bool], None]


@pytest.fixture(scope="session")
def need() -> Need:
    """`need("what is missing and how to get it", it_is_there)`: go on, skip, or fail under CI=true."""
    return _need


def _need(tool: str, there: bool) -> None:
    if there:
        return
    message = f"needs {tool}"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{message}; under CI nothing may be skipped", pytrace=False)
    pytest.skip(message)
