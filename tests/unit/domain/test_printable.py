from __future__ import annotations

import json

import pytest

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.printable import escape_json, format_reason, list_names, printable, shorten

NASTY = "\x1b[31m\r\n\x9b2J\x7f\u202e\u2028\u200b\ufeff\ud800\U000e0041\x00"


def test_nothing_that_moves_hides_or_recolours_text_is_left() -> None:
    shown = printable(NASTY)
    assert shown.isascii()
    assert shown.isprintable()


@pytest.mark.parametrize("text", ["größe", "日本語", "naïve café", "a b", "😀", "Ω≤∞", "\\x1b"])
def test_text_of_any_language_stays(text: str) -> None:
    assert printable(text) == text


def test_json_says_the_same_with_escapes() -> None:
    document = json.dumps({NASTY: [NASTY, "ü"]}, ensure_ascii=False, indent=2)
    shown = escape_json(document)
    assert json.loads(shown) == {NASTY: [NASTY, "ü"]}
    assert all(line.isprintable() for line in shown.split("\n"))


def test_a_long_reason_keeps_both_ends_and_a_long_list_its_length() -> None:
    assert len(format_reason("a" * 2**20 + "z")) == 1_000
    assert format_reason("a" * 2**20 + "z").endswith("z")
    assert shorten("abc", 3) == "abc"
    assert len(list_names("x" * 2**20 for _ in range(2**10))) < 2_000
    assert list_names(range(2**10)).endswith("9 and 1,014 more")


def test_an_error_has_one_line_and_one_for_each_detail() -> None:
    error = GrowLearnError(f"bad {NASTY}", hint=f"fix {NASTY}", details=[f"this {NASTY}", "that"])
    assert [line.isprintable() for line in str(error).split("\n")] == [True] * 3
    assert error.message.isprintable()
