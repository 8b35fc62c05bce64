"""Who may read what this installation writes: its own user alone, but for the files made for people."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

PRIVATE_UMASK = 0o077
"""Folders 0700, files 0600: rows, weights and the database are nobody else's."""

_people_umask = 0o022


@contextmanager
def private_files() -> Iterator[None]:
    """Files made inside the block, and by processes started there, are for this user alone."""
    global _people_umask  # noqa: PLW0603 - a process has one umask
    before = os.umask(PRIVATE_UMASK)
    _people_umask = before
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def files_for_people() -> Iterator[None]:
    """Files made inside the block have the mode that the shell gives: an export, a table, a plot."""
    before = os.umask(_people_umask)
    try:
        yield
    finally:
        os.umask(before)
