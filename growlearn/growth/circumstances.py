"""The circumstances that this process trains in."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

import torch

import growlearn
from growlearn.domain.circumstances import Circumstances

_NAMED = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "avalanche-lib",
    "pyarrow",
    "pandas",
    "pillow",
    "safetensors",
    "pydantic",
    "mlflow",
)
"""Packages that compute, read rows or store weights; those not installed are left out."""
_PACKAGE = Path(growlearn.__file__).parent
_BUNDLED = "_bundled"  # what only a wheel carries: no code that trains
_CPU_INFO = Path("/proc/cpuinfo")


def circumstances_here() -> Circumstances:
    """Those of this process as it is now; all but the threads are looked up once."""
    return Circumstances(
        growlearn=growlearn.__version__,
        commit=_commit(),
        code_sha256=_code_sha256(),
        python=platform.python_version(),
        packages=_packages(),
        packages_sha256=_packages_sha256(),
        platform=platform.platform(),
        cpu=_cpu(),
        instructions=torch.backends.cpu.get_cpu_capability(),
        threads=torch.get_num_threads(),
        device=str(torch.get_default_device()),
    )


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute with so many threads for the time of the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def _code_sha256() -> str:
    digest = sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        name = path.relative_to(_PACKAGE)
        if name.parts[0] != _BUNDLED:
            digest.update(f"{name.as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def _commit() -> str | None:
    """Of the checkout this package is part of; None where it lies anywhere else, or git is not there."""
    part_of_it = _git("ls-files", "--error-unmatch", "__init__.py") is not None
    return _git("rev-parse", "HEAD") if part_of_it else None


def _git(*arguments: str) -> str | None:
    # A hook of git's names its own repository to every git that it starts.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["git", "-C", str(_PACKAGE), *arguments],  # noqa: S607 - whichever git is there
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in _NAMED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def _packages_sha256() -> str:
    installed = {f"{each.name}=={each.version}".lower() for each in distributions()}
    return sha256("\n".join(sorted(installed)).encode()).hexdigest()


@cache
def _cpu() -> str:
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
