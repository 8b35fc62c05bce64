"""Python and the packages growlearn needs, against the ranges it was published with."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from growlearn.app.doctor.finding import Finding, counted, ok, warning, wrong

_PACKAGE = "growlearn"


def python() -> Iterator[Finding]:
    """Whether this Python is one that growlearn runs on."""
    version = platform.python_version()
    wanted = SpecifierSet(metadata.metadata(_PACKAGE)["Requires-Python"])
    if wanted.contains(version, prereleases=True):
        yield ok("python", version)
    else:
        cure = f"make a new environment with Python {wanted} and install growlearn there"
        yield wrong("python", f"this is Python {version}, {wanted} is wanted", cure)


def packages() -> Iterator[Finding]:
    """Whether each package is there in the range asked for; those of extras only where they are installed."""
    in_range = 0
    for name, (requirement, is_extra) in sorted(_requirements().items()):
        cure = f"run: pip install '{name}{requirement.specifier}'"
        version = _version(name)
        if version is None:
            if not is_extra:
                yield wrong("packages", f"{name} is not installed", cure)
        elif requirement.specifier.contains(version, prereleases=True):
            in_range += 1
        else:
            found = f"{name} is {version}, {requirement.specifier} is wanted"
            yield (warning if is_extra else wrong)("packages", found, cure)
    yield ok("packages", f"{counted(in_range, 'package')} in the range that growlearn asks for")


def _requirements() -> dict[str, tuple[Requirement, bool]]:
    """By name, and whether only an extra asks for it."""
    asked: dict[str, tuple[Requirement, bool]] = {}
    for line in metadata.requires(_PACKAGE) or ():
        requirement = Requirement(line)
        is_extra = requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})
        if not is_extra or requirement.name not in asked:
            asked[requirement.name] = (requirement, is_extra)
    return asked


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
