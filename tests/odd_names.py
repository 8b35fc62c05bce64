"""Names of folders that a URL, a pattern or an escape could read as something else."""

from __future__ import annotations

ODD_NAMES = (
    "home%41",
    "a%20b",
    "a b",
    "what?",
    "what?mode=memory",
    "half#way",
    "a::b",
    "u%C3%BC",
    "%2541",
    "100%d",
    "n\u00e4chste \u6625",
    "s3:",
    "a&b=c;d",
    "[x]{y}*",
    "ann:pw@host",
)
"""Each is a legal name on Linux, and its own."""

LOOKALIKES = (
    ("home%41", "homeA"),
    ("a%20b", "a b"),
    ("a+b", "a b"),
    ("what?", "what"),
    ("what?mode=memory", "what"),
    ("half#way", "half"),
    ("a::b", "a"),
    ("u%C3%BC", "u\u00fc"),
    ("%2541", "%41"),
    ("\u00e9", "e\u0301"),  # one character, and two that look the same
)
"""Pairs of names of which some reader makes one."""
