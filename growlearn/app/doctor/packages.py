"""Checks Python and the packages that growlearn needs against its declared version ranges."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from growlearn.app.doctor.finding import Finding, error_finding, ok_finding, pluralize, warning_finding

_PACKAGE = "growlearn"


def python() -> Iterator[Finding]:
    """Whether growlearn supports this Python."""
    version = platform.python_version()
    wanted = SpecifierSet(metadata.metadata(_PACKAGE)["Requires-Python"])
    if wanted.contains(version, prereleases=True):
        yield ok_finding("python", version)
    else:
        hint = f"create an environment with Python {wanted} and install growlearn there"
        yield error_finding("python", f"this is Python {version}, {wanted} is required", hint)


def packages() -> Iterator[Finding]:
    """Whether each package is installed in the required range; those of extras only where installed."""
    in_range = 0
    for name, (requirement, is_extra) in sorted(_requirements().items()):
        hint = f"run: pip install '{name}{requirement.specifier}'"
        version = _installed_version(name)
        if version is None:
            if not is_extra:
                yield error_finding("packages", f"{name} is not installed", hint)
        elif requirement.specifier.contains(version, prereleases=True):
            in_range += 1
        else:
            message = f"{name} is {version}, {requirement.specifier} is required"
            yield (warning_finding if is_extra else error_finding)("packages", message, hint)
    yield ok_finding("packages", f"{pluralize(in_range, 'package')} in the required ranges")


def _requirements() -> dict[str, tuple[Requirement, bool]]:
    """Requirements by name, and whether only an extra needs it."""
    by_name: dict[str, tuple[Requirement, bool]] = {}
    for line in metadata.requires(_PACKAGE) or ():
        requirement = Requirement(line)
        is_extra = requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})
        if not is_extra or requirement.name not in by_name:
            by_name[requirement.name] = (requirement, is_extra)
    return by_name


def _installed_version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
