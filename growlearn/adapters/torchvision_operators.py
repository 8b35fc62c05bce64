"""A workaround for a torchvision whose compiled operators do not fit the installed torch.

Avalanche imports torchvision, whose import fails with "operator torchvision::nms does not exist"
when its compiled operators do not load, as with the package index's torchvision beside a CPU build
of torch (pytorch/vision issue 9085). The import only needs the operators to be declared; Avalanche
never calls them.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import torch

_OPERATORS = ("nms", "qnms")


@cache
def declare_missing_operators() -> bool:
    """Declare torchvision's operators where its own cannot be loaded; True if that was needed."""
    if _can_load_operators():
        return False
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in _OPERATORS:
        signature = f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library.define(signature)  # type: ignore[no-untyped-call]
    _declared_libraries.append(library)
    return True


_declared_libraries: list[torch.library.Library] = []
"""Kept referenced: operators are removed with the library that declares them."""


def _can_load_operators() -> bool:
    """Load the compiled operators as torchvision itself does, without importing torchvision."""
    package = find_spec("torchvision")
    if package is None or package.origin is None:
        return True  # the import will raise that torchvision is missing
    for compiled in sorted(Path(package.origin).parent.glob("_C*.so")):
        try:
            torch.ops.load_library(compiled)  # type: ignore[no-untyped-call]
        except OSError:
            continue
        return True
    return False
