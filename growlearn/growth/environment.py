"""The software and hardware that this process trains with."""

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
from threading import RLock

import torch

import growlearn
from growlearn.domain.environment import TrainingEnvironment
from growlearn.network.devices import CPU_DEVICE, describe_device

_TRACKED_PACKAGES = (
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
"""Packages that compute, read rows or store weights; missing ones are not listed."""
_PACKAGE = Path(growlearn.__file__).parent
_BUNDLED = "_bundled"  # only in a wheel; holds no code that trains
_CPU_INFO = Path("/proc/cpuinfo")
_ONE_AT_A_TIME = RLock()


def capture_environment(device: torch.device = CPU_DEVICE) -> TrainingEnvironment:
    """The environment of this process with a device; all but that and the number of threads is read once."""
    return TrainingEnvironment(
        growlearn=growlearn.__version__,
        commit=_commit(),
        code_sha256=_code_sha256(),
        python=platform.python_version(),
        packages=_package_versions(),
        packages_sha256=_packages_sha256(),
        platform=platform.platform(),
        cpu=_cpu_model(),
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        threads=torch.get_num_threads(),
        device=describe_device(device),
    )


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Set the number of torch threads, which is the process's, for the duration of the block.

    One block at a time: of two that overlap, the later would restore what the earlier had set.
    """
    with _ONE_AT_A_TIME:
        previous = torch.get_num_threads()
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(previous)


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
    """The commit of the checkout that holds this package; None outside a checkout or without git."""
    is_tracked = _run_git("ls-files", "--error-unmatch", "__init__.py") is not None
    return _run_git("rev-parse", "HEAD") if is_tracked else None


def _run_git(*arguments: str) -> str | None:
    # A git hook sets GIT_* variables that point every git process at its own repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        process = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(_PACKAGE), *arguments],  # noqa: S607 - the git on PATH
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return process.stdout.strip() if process.returncode == 0 else None


@cache
def _package_versions() -> dict[str, str]:
    versions = {}
    for name in _TRACKED_PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


@cache
def _packages_sha256() -> str:
    installed = {f"{distribution.name}=={distribution.version}".lower() for distribution in distributions()}
    return sha256("\n".join(sorted(installed)).encode()).hexdigest()


@cache
def _cpu_model() -> str:
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
