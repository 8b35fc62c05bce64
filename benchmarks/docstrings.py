"""Real text that every installation has: docstrings of four packages, as token ids and as plain text."""

from __future__ import annotations

import ast
import importlib.util
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

PACKAGES = ("numpy", "pandas", "scipy", "sklearn")
VOCABULARY, LENGTH = 4096, 64
_NAMES = {"numpy", "np", "pandas", "pd", "scipy", "sp", "sklearn", "scikit"}  # would give the answer away
_NAME = re.compile(rf"\b(?:{'|'.join(sorted(_NAMES))})\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")
_FEWEST_WORDS = 20


def load(most: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Token ids [N, LENGTH], -1 after the last, and the place in PACKAGES that each docstring comes from.

    At most `most` of each package, chosen at random once. Read from the source text, nothing is imported;
    of docstrings that start with the same LENGTH words one is kept.
    """
    texts, labels = load_texts(most)
    padded = [([*tokens(text)] + [-1] * LENGTH)[:LENGTH] for text in texts]
    return np.array(padded, dtype=np.int32), labels


def load_texts(most: int) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The same docstrings as whole texts, but for the packages' own names; and their labels."""
    texts: list[str] = []
    labels: list[int] = []
    seen: set[tuple[int, ...]] = set()
    for label, package in enumerate(PACKAGES):
        first_texts: dict[tuple[int, ...], str] = {}
        for text in docstrings(package):
            first_texts.setdefault(tokens(text), text)
        fresh = [each for each in first_texts if len(each) >= _FEWEST_WORDS and each not in seen]
        seen.update(fresh)
        order = np.random.default_rng(0).permutation(len(fresh))[:most]
        texts += [_NAME.sub("", first_texts[fresh[at]]) for at in order]
        labels += [label] * len(order)
    return texts, np.array(labels)


def tokens(text: str) -> tuple[int, ...]:
    """The first LENGTH words of a text, but for the packages' own names, as hashes of their letters."""
    words = [word for word in _WORD.findall(text.lower()) if word not in _NAMES]
    return tuple(zlib.crc32(word.encode()) % VOCABULARY for word in words[:LENGTH])


def docstrings(package: str) -> Iterator[str]:
    """Docstrings of functions and classes in a package's source files, its tests left out."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    for path in sorted(folder.rglob("*.py")):
        if "tests" in path.relative_to(folder).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield ast.get_docstring(node) or ""
