"""Checks that torch and torchvision match; Avalanche imports both, and a mismatch fails at import."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from growlearn.app.doctor.finding import Finding, error_finding, ok_finding, warning_finding

_TIMEOUT_S = 300
_IMPORT_SCRIPT = """
import json
from growlearn.adapters.torchvision_operators import declare_missing_operators
declared = declare_missing_operators()
import torchvision
print(json.dumps(declared))
"""


def torchvision() -> Iterator[Finding]:
    """Whether torchvision can be imported with this torch, and is the matching release.

    The import runs in a process of its own: mismatched compiled code may crash the process that loads it.
    """
    torch, vision = metadata.version("torch"), metadata.version("torchvision")
    pair = f"torchvision {vision} beside torch {torch}"
    required_torch = _required_torch()
    unknown = required_torch is not None and not required_torch.specifier.contains(torch, prereleases=True)
    hint = f"install a matching pair, as in constraints.txt; torchvision {vision} goes with {required_torch}"
    process = subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-c", _IMPORT_SCRIPT],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if process.returncode != 0:
        yield error_finding("torchvision", f"{pair} cannot be imported: {_failure_reason(process)}", hint)
    elif unknown:
        yield warning_finding("torchvision", f"{pair} can be imported, but they are not a known pair", hint)
    else:
        declared = json.loads(process.stdout.splitlines()[-1])
        note = "; its compiled operators do not match and were declared, as growlearn calls none of them"
        yield ok_finding("torchvision", pair + (note if declared else ""))


def _required_torch() -> Requirement | None:
    """The torch that this torchvision requires, from its metadata."""
    requirements = [Requirement(line) for line in metadata.requires("torchvision") or ()]
    return next((requirement for requirement in requirements if requirement.name == "torch"), None)


def _failure_reason(process: subprocess.CompletedProcess[str]) -> str:
    if process.returncode < 0:
        return f"the import process ended with {signal.Signals(-process.returncode).name}"
    return (process.stderr.strip().splitlines() or [f"exit status {process.returncode}"])[-1]
