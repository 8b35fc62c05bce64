"""Text from files, names and errors as it may be shown: no control characters, and no longer than a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from growlearn.domain.redaction import redact

MAX_REASON_LENGTH = 1_000
"""Characters of a reason, an error or a hint that are kept; of a longer one its middle is left out."""
MAX_LISTED_NAMES = 10
_MAX_NAME_LENGTH = 80

# Control characters (terminal escapes, newlines), marks that turn the direction of text, invisible ones, line
# separators, and surrogates, which are no characters at all.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def printable(text: str) -> str:
    r"""The text on one line, with escapes in place of what would move, hide or recolour it on a terminal.

    >>> print(printable("a\x1b[2J\r\nb"), printable("ü"))
    a\x1b[2J\r\nb ü
    """
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def escape_json(text: str) -> str:
    r"""A JSON document whose strings show no unprintable character; it still says the same.

    >>> print(escape_json('{"a": "\x9b"}'))
    {"a": "\u009b"}
    """
    lines = text.split("\n")  # within a string JSON has escaped them already
    return "\n".join(_UNPRINTABLE.sub(lambda match: _escape_in_json(match[0]), line) for line in lines)


def _escape_in_json(character: str) -> str:
    encoded = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{encoded[i]:02x}{encoded[i + 1]:02x}" for i in range(0, len(encoded), 2))


def shorten(text: str, max_length: int = MAX_REASON_LENGTH) -> str:
    """The text, or its two ends where it is longer than `max_length` characters.

    >>> shorten("abcdefghijklmnopqrstuvwxyz", 13)
    'abcdef ... yz'
    """
    if len(text) <= max_length:
        return text
    end = max(max_length // 5, 1)
    return f"{text[: max_length - 5 - end]} ... {text[-end:]}"


def format_reason(text: str) -> str:
    """A reason or an error as it is recorded and shown: without credentials, printable and shortened."""
    return printable(shorten(redact(text)))


def quote_name(name: object) -> str:
    r"""A name or a value of a file in quotes, as Python writes it, shortened.

    >>> print(quote_name("a\nb"), quote_name("x" * 100)[:20])
    'a\nb' 'xxxxxxxxxxxxxxxxxxx
    """
    written = repr(shorten(name, _MAX_NAME_LENGTH) if isinstance(name, str) else name)
    return shorten(written, 2 * _MAX_NAME_LENGTH)


def plain_name(name: object) -> str:
    """A name without quotes, shortened."""
    return shorten(str(name), _MAX_NAME_LENGTH)


def list_names(names: Iterable[object], write: Callable[[object], str] = quote_name) -> str:
    """Names, in quotes by default, the first ten of them, and how many more there are.

    >>> list_names(["a", "b"])
    "'a', 'b'"
    >>> list_names(range(12))
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more'
    """
    every = list(names)
    listed = ", ".join(map(write, every[:MAX_LISTED_NAMES]))
    more = len(every) - MAX_LISTED_NAMES
    return f"{listed} and {more:,} more" if more > 0 else listed
