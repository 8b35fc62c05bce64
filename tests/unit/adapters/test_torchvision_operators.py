"""Each test in a fresh process, because operators once declared stay declared."""

from __future__ import annotations

import subprocess
import sys


def run(script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_operators_are_declared_only_where_torchvision_s_own_operators_do_not_load() -> None:
    run("""
import warnings
warnings.simplefilter("error")
from growlearn.adapters.torchvision_operators import declare_missing_operators
needed = declare_missing_operators()
assert declare_missing_operators() == needed
import torchvision
from torchvision.extension import _has_ops
assert needed != _has_ops(), (needed, _has_ops())
""")


def test_operators_that_are_there_are_left_alone() -> None:
    """As where the compiled operators load: nothing is declared a second time."""
    run("""
import torch
torch.ops.load_library = lambda path: None
from growlearn.adapters.torchvision_operators import declare_missing_operators
assert declare_missing_operators() is False
assert not hasattr(torch.ops.torchvision, "nms")
""")
