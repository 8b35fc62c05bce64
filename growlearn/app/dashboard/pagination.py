"""One page of a long list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """The items of page `number`, from 1, of `pages`; `total` counts those of all."""

    items: Sequence[T]
    number: int
    pages: int
    total: int

    @property
    def previous(self) -> int | None:
        """The page before."""
        return self.number - 1 if self.number > 1 else None

    @property
    def following(self) -> int | None:
        """The page behind."""
        return self.number + 1 if self.number < self.pages else None


def take_page(items: Sequence[T], number: int, size: int) -> Page[T]:
    """A page of `size` items; a number beyond the last gives the last.

    >>> take_page("abcde", 2, 2), take_page("", 3, 2)
    (Page(items='cd', number=2, pages=3, total=5), Page(items='', number=1, pages=1, total=0))
    """
    pages = max(1, -(-len(items) // size))
    number = min(number, pages)
    return Page(items[(number - 1) * size : number * size], number, pages, len(items))
