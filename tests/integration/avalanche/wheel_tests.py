"""Avalanche's own tests, as its wheel brings them along, loaded beside ours.

The wheel installs a top-level package `tests`, as our checkout has one: its modules are imported while that
name is theirs, and the name is ours again afterwards.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import files
from pathlib import Path
from types import ModuleType

from growlearn.adapters.avalanche.importing import patch_avalanche_import

DISTRIBUTION = "avalanche-lib"


@cache
def find_package() -> Path | None:
    """The folder of the distribution's package `tests`; None where it was installed without."""
    marks = [path for path in files(DISTRIBUTION) or () if path.as_posix() == "tests/__init__.py"]
    return Path(str(marks[0].locate())).parent if marks else None


@cache
def load_wheel_module(name: str) -> ModuleType:
    """A module of the wheel's `tests`, such as `training.test_strategies`."""
    with patch_avalanche_import(), _names_of_the_wheel():
        return importlib.import_module(f"tests.{name}")


_wheel_modules: dict[str, ModuleType] = {}
"""The wheel's modules by the names under which they import each other."""


@contextmanager
def _names_of_the_wheel() -> Iterator[None]:
    package = find_package()
    assert package is not None, f"{DISTRIBUTION} is installed without its tests"
    ours = _pop_test_modules()
    root = ModuleType("tests")
    root.__path__ = [str(package)]
    sys.modules.update({"tests": root, **_wheel_modules})
    try:
        yield
    finally:
        _wheel_modules.update(_pop_test_modules())
        sys.modules.update(ours)


def _pop_test_modules() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.split(".")[0] == "tests"]
    return {name: sys.modules.pop(name) for name in names}
