"""Puts a file into the folder of a source: whole, under a name of its content, once."""

from __future__ import annotations

from hashlib import sha256

from growlearn.adapters.sources.folder import compile_pattern
from growlearn.adapters.sources.tree import open_tree
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import SourceConfig

_PREFIX = "pushed-"
_HASH_DIGITS = 32


def choose_name(spec: SourceConfig, content: bytes | memoryview, suffix: str) -> str:
    """The name of a file with that content, which the source's pattern takes.

    Raises GrowLearnError where the source takes no single files, or none of that suffix.

    >>> choose_name(SourceConfig(url="in", pattern="day-*.csv"), b"a", ".csv")
    'day-pushed-ca978112ca1bbdcafac231b39a23dc4d.csv'
    """
    if spec.type != "folder":
        raise GrowLearnError(
            f"a source of type {spec.type!r} takes no rows", hint="push to a stream whose source is a folder"
        )
    stem = _PREFIX + sha256(content).hexdigest()[:_HASH_DIGITS]
    pattern = compile_pattern(spec.pattern)
    for name in (stem + suffix, spec.pattern.replace("**/", "").replace("*", stem, 1).replace("*", "")):
        if name.endswith(suffix) and pattern.match(name):
            return name
    raise GrowLearnError(
        f"the source takes files {spec.pattern!r}; none of them ends in {suffix}",
        hint='push another format, or widen source.pattern, for example to "*"',
    )


def deposit_file(spec: SourceConfig, name: str, content: bytes | memoryview) -> bool:
    """Write a file into the source's folder; False where it was there already.

    No reader sees a part of it. Raises GrowLearnError where the folder is missing or cannot be written.
    """
    return open_tree(spec.url).add_file(name, content)
