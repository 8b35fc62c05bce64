"""torch with torchvision, a pair that breaks at import where the two do not fit; Avalanche imports both."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from growlearn.app.doctor.finding import Finding, ok, warning, wrong

_LONGEST_S = 300
_IMPORT = """
import json
from growlearn.adapters.avalanche.torchvision_operators import declare_missing
declared = declare_missing()
import torchvision
print(json.dumps(declared))
"""


def torchvision() -> Iterator[Finding]:
    """Whether torchvision imports beside this torch, and is of the release that goes with it.

    It is tried in a process of its own: compiled parts that do not fit may end the one that loads them.
    """
    torch, vision = metadata.version("torch"), metadata.version("torchvision")
    pair = f"torchvision {vision} beside torch {torch}"
    wanted = _torch_wanted()
    unknown = wanted is not None and not wanted.specifier.contains(torch, prereleases=True)
    cure = f"install a pair of one release, as in constraints.txt; torchvision {vision} goes with {wanted}"
    tried = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", _IMPORT], capture_output=True, text=True, timeout=_LONGEST_S, check=False
    )
    if tried.returncode != 0:
        yield wrong("torchvision", f"{pair} cannot be imported: {_why(tried)}", cure)
    elif unknown:
        yield warning("torchvision", f"{pair} can be imported, but they are no known pair", cure)
    else:
        declared = json.loads(tried.stdout.splitlines()[-1])
        note = "; its compiled operators do not fit and were declared, as nothing here calls them"
        yield ok("torchvision", pair + (note if declared else ""))


def _torch_wanted() -> Requirement | None:
    """The torch that this torchvision was built for, as it says itself."""
    wanted = [Requirement(line) for line in metadata.requires("torchvision") or ()]
    return next((each for each in wanted if each.name == "torch"), None)


def _why(tried: subprocess.CompletedProcess[str]) -> str:
    if tried.returncode < 0:
        return f"the process that tried ended with {signal.Signals(-tried.returncode).name}"
    return (tried.stderr.strip().splitlines() or [f"exit status {tried.returncode}"])[-1]
