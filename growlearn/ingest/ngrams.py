"""Texts -> hashes of their words, pairs of words and character n-grams, in the manner of fastText.

Sources: Bojanowski, Grave, Joulin, Mikolov, "Enriching Word Vectors with Subword Information" (TACL 2017);
Joulin, Grave, Bojanowski, Mikolov, "Bag of Tricks for Efficient Text Classification" (EACL 2017).

A hash is a polynomial of the code points, modulo 2^64: h(c_1..c_n) = mix(sum_i mix(c_i) / B^i), with mix the
finaliser of SplitMix64 (Steele, Lea, Flood 2014) and B odd, so that it has an inverse. The prefix sums of one
pass give the hash of every substring. It is arithmetic on code points alone: equal in every process and on
every platform.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]

MAX_CHARACTERS = 20_000
"""Of a text, from its start, that are hashed."""
_MAX_WORD_LENGTH = 32  # characters; a longer run without a break, such as a URL, counts as several words
_NGRAM_LENGTHS = (3, 4, 5)  # characters, the marks before and after a word included
_CHUNK_CHARACTERS = 500_000  # hashed at once, to bound memory

_SEPARATOR, _LETTER, _SINGLE = 0, 1, 2
_SINGLE_RANGES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2600, 0x27BF),  # symbols, dingbats
    (0x2E80, 0x2FDF),  # radicals
    (0x3040, 0x30FF),  # hiragana, katakana
    (0x3400, 0x4DBF),  # ideographs
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x1F000, 0x1FAFF),  # emoji
    (0x20000, 0x3FFFF),  # more ideographs
)
"""Characters that are words by themselves: emoji, and scripts that write no spaces between words."""
_SEPARATOR_RANGES = (
    (0x0000, 0x002F),
    (0x003A, 0x0040),
    (0x005B, 0x005E),
    (0x0060, 0x0060),
    (0x007B, 0x00A9),
    (0x00AB, 0x00B4),
    (0x00B6, 0x00B9),
    (0x00BB, 0x00BF),
    (0x00D7, 0x00D7),
    (0x00F7, 0x00F7),
    (0x055A, 0x055F),  # Armenian, Hebrew, Arabic punctuation
    (0x05BE, 0x05BE),
    (0x060C, 0x060D),
    (0x061B, 0x061F),
    (0x066A, 0x066D),
    (0x06D4, 0x06D4),
    (0x0964, 0x0965),  # danda
    (0x1361, 0x1368),  # Ethiopic
    (0x2000, 0x200B),  # spaces; the joiners 200C and 200D are part of words
    (0x200E, 0x206F),  # general punctuation
    (0x2E00, 0x2E7F),
    (0x3000, 0x303F),  # CJK punctuation
    (0xFE30, 0xFE4F),
    (0xFF01, 0xFF0F),  # full-width punctuation
    (0xFF1A, 0xFF20),
    (0xFF3B, 0xFF40),
    (0xFF5B, 0xFF65),
    (0xFFFC, 0xFFFF),
)
"""Characters that end a word. Fixed here: Unicode's categories differ between versions of Python."""
_NUM_CODE_POINTS = 0x110000
_FOLDED_CODE_POINTS = 0x20000  # above are no letters with an upper and a lower case

_BASE = 0x9E3779B97F4A7C15  # odd
_INVERSE_BASE = pow(_BASE, -1, 2**64)
_WORD_MARK, _PAIR_MARK, _NGRAM_MARK = (np.uint64(mark) for mark in (0x51, 0x52, 0x53))
_BEGIN, _END = 0x110001, 0x110002  # stand before and after a word; no code points


@dataclass(frozen=True, eq=False)
class HashedTexts:
    """The n-grams of N texts, in the order of the texts.

    words: uint64 [W], each word without regard to case. pairs: uint64 [W], each word after the one before it;
    the first of a text after nothing. word_rows: int64 [W], the index of each word's text. ngrams: uint64
    [G], character n-grams of 3 to 5 with the word's beginning and end, as the word is written.
    ngram_words: int64 [G], the index of the word that each is part of.
    """

    words: Hashes
    pairs: Hashes
    word_rows: Indices
    ngrams: Hashes
    ngram_words: Indices


def hash_texts(texts: Sequence[str | None], *, with_ngrams: bool = True) -> HashedTexts:
    """Hash N texts; a missing one has no n-gram. Of each the first MAX_CHARACTERS count.

    Character n-grams take some 50 bytes a character; without them there are words and pairs only.
    """
    parts: list[HashedTexts] = []
    num_words = 0
    for start, chunk in _iter_chunks(texts):
        part = _hash_chunk(chunk, with_ngrams)
        parts.append(
            HashedTexts(
                part.words, part.pairs, part.word_rows + start, part.ngrams, part.ngram_words + num_words
            )
        )
        num_words += len(part.words)
    names = ("words", "pairs", "word_rows", "ngrams", "ngram_words")
    return HashedTexts(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _iter_chunks(texts: Sequence[str | None]) -> Iterator[tuple[int, list[str]]]:
    """Consecutive texts, cut, with the index of the first; one chunk where there are none."""
    chunk: list[str] = []
    start = size = 0
    for index, text in enumerate(texts):
        cut = "" if text is None else text[:MAX_CHARACTERS]
        if size + len(cut) > _CHUNK_CHARACTERS:
            yield start, chunk
            chunk, start, size = [], index, 0
        chunk.append(cut)
        size += len(cut)
    yield start, chunk


def _hash_chunk(texts: list[str], with_ngrams: bool) -> HashedTexts:
    codes = np.frombuffer("\n".join(texts).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32)
    starts, ends = _find_words(codes)
    text_ends = np.cumsum([len(text) + 1 for text in texts])
    rows = np.searchsorted(text_ends, starts, side="right")  # [W]
    folded = np.where(codes < _FOLDED_CODE_POINTS, make_case_folding()[codes % _FOLDED_CODE_POINTS], codes)
    words = _Substrings(folded).hashes(starts, ends, _WORD_MARK)
    before = np.zeros_like(words)
    before[1:] = np.where(rows[1:] == rows[:-1], words[:-1], 0)
    pairs = _mix(_mix(before ^ _PAIR_MARK) + words)
    ngrams = _hash_ngrams(codes, starts, ends) if with_ngrams else (words[:0], rows[:0])
    return HashedTexts(words, pairs, rows, *ngrams)


def _find_words(codes: npt.NDArray[np.uint32]) -> tuple[Indices, Indices]:
    """The first index of each word, and the one after its last: two arrays [W]."""
    kinds = np.concatenate([[_SEPARATOR], _character_kinds()[codes], [_SEPARATOR]])
    before, here = kinds[:-1], kinds[1:]
    is_border = (before != here) | (here == _SINGLE)  # [n + 1]
    borders = np.flatnonzero(is_border)
    starts, ends = borders[:-1], borders[1:]
    is_word = here[starts] != _SEPARATOR
    return _split_long_words(starts[is_word], ends[is_word])


def _split_long_words(starts: Indices, ends: Indices) -> tuple[Indices, Indices]:
    """The same words, longer ones as several of at most 32 characters."""
    counts = -(-(ends - starts) // _MAX_WORD_LENGTH)
    piece = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    piece_starts = np.repeat(starts, counts) + piece * _MAX_WORD_LENGTH
    return piece_starts, np.minimum(piece_starts + _MAX_WORD_LENGTH, np.repeat(ends, counts))


def _hash_ngrams(codes: npt.NDArray[np.uint32], starts: Indices, ends: Indices) -> tuple[Hashes, Indices]:
    """Hashes of the character n-grams of every word, and the words' indices; ordered by word."""
    lengths = ends - starts + 2  # with both marks
    offsets = np.cumsum(lengths) - lengths  # [W]
    owners = np.repeat(np.arange(len(starts)), lengths)
    places = np.arange(lengths.sum()) - np.repeat(offsets, lengths)  # in the word, 0 for the first mark
    sources = np.clip(np.repeat(starts, lengths) + places - 1, 0, max(len(codes) - 1, 0))
    marked = codes[sources] if len(codes) else np.empty(0, np.uint32)
    marked = np.where(places == 0, _BEGIN, np.where(places == lengths[owners] - 1, _END, marked))
    substrings = _Substrings(marked)
    left = lengths[owners] - places  # characters from here to the word's end
    hashes, words = [], []
    for size in _NGRAM_LENGTHS:
        begin = np.flatnonzero(left >= size)
        hashes.append(substrings.hashes(begin, begin + size, _NGRAM_MARK))
        words.append(owners[begin])
    order = np.argsort(np.concatenate(words), kind="stable")
    return np.concatenate(hashes)[order], np.concatenate(words)[order]


class _Substrings:
    """The hash of every substring of a sequence of code points, from prefix sums."""

    def __init__(self, codes: npt.NDArray[np.uint32]) -> None:
        n = len(codes)
        self._powers = _powers(_BASE, n + 1)
        terms = _mix(codes.astype(np.uint64)) * _powers(_INVERSE_BASE, n)
        self._sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])

    def hashes(self, starts: Indices, ends: Indices, mark: np.uint64) -> Hashes:
        """The hash of each substring [start, end), different for each mark."""
        return _mix((self._sums[ends] - self._sums[starts]) * self._powers[starts] ^ mark)


def _powers(base: int, count: int) -> Hashes:
    """base^0, base^1, ... modulo 2^64."""
    factors = np.full(count, base, np.uint64)
    factors[:1] = 1
    return np.multiply.accumulate(factors)


def _mix(values: Hashes) -> Hashes:
    """The finaliser of SplitMix64: every bit of a value changes about half of the bits."""
    mixed = values + np.uint64(_BASE)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


@cache
def _character_kinds() -> npt.NDArray[np.uint8]:
    """_SEPARATOR, _LETTER or _SINGLE for each code point."""
    kinds = np.full(_NUM_CODE_POINTS, _LETTER, np.uint8)
    for kind, ranges in ((_SINGLE, _SINGLE_RANGES), (_SEPARATOR, _SEPARATOR_RANGES)):
        for first, last in ranges:
            kinds[first : last + 1] = kind
    return kinds


@cache
def make_case_folding() -> npt.NDArray[np.uint32]:
    """Each code point's case folding, where that is one character (Unicode never changes an existing one)."""
    folded = [chr(code).casefold() for code in range(_FOLDED_CODE_POINTS)]
    return np.array([ord(text) if len(text) == 1 else code for code, text in enumerate(folded)], np.uint32)
