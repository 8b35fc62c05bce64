"""Puts a file into the folder of a source: whole, and once under a name."""

from __future__ import annotations

from hashlib import sha256

from growlearn.adapters.sources.folder import compile_pattern
from growlearn.adapters.sources.tree import open_tree
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import SourceConfig
from growlearn.domain.sql_source import SqlSourceConfig

_HASH_DIGITS = 32


def choose_name(spec: SourceConfig | SqlSourceConfig, stem: str, suffix: str) -> str:
    """A name with this stem that the source's pattern takes.

    Raises GrowLearnError where the source takes no single files, or none of that suffix.

    >>> choose_name(SourceConfig(url="in", pattern="day-*.csv"), "pushed-1", ".csv")
    'day-pushed-1.csv'
    """
    if not isinstance(spec, SourceConfig) or spec.type != "folder":
        raise GrowLearnError(
            f"a source of type {spec.type!r} takes no rows", hint="only one of type folder does"
        )
    pattern = compile_pattern(spec.pattern)
    for name in (stem + suffix, spec.pattern.replace("**/", "").replace("*", stem, 1).replace("*", "")):
        if name.endswith(suffix) and pattern.match(name):
            return name
    raise GrowLearnError(
        f"the source takes files {spec.pattern!r}; none of them ends in {suffix}",
        hint='widen source.pattern, for example to "*", or send another format',
    )


def choose_name_by_content(
    spec: SourceConfig | SqlSourceConfig, prefix: str, content: bytes, suffix: str
) -> str:
    """A name with this prefix that only a file of this content has; raises as `choose_name` does."""
    return choose_name(spec, f"{prefix}-{sha256(content).hexdigest()[:_HASH_DIGITS]}", suffix)


def deposit_file(spec: SourceConfig | SqlSourceConfig, name: str, content: bytes | memoryview) -> bool:
    """Write a file into the source's folder; False where it was there already.

    No reader sees a part of it. Raises GrowLearnError where the folder is missing or cannot be written.
    """
    return open_tree(spec.url).add_file(name, content)
