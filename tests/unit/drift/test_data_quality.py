"""Data quality issues, as opposed to drift."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from growlearn.drift.data_quality import find_quality_issue

RANDOM = np.random.default_rng(0)
NUMBERS, OTHERS = RANDOM.normal(5, 2, 300), RANDOM.normal(5, 2, 200)
WORDS = np.array(["red", "green", "blue"] * 100, dtype=object)
IMAGES = RANDOM.integers(0, 255, (300, 1, 4, 4)).astype(np.uint8)


def test_valid_columns_have_no_issue(make_side: Any) -> None:
    reference = make_side(300, n=NUMBERS, w=WORDS, i=IMAGES)
    assert find_quality_issue(reference, make_side(200, n=OTHERS, w=WORDS[:200], i=IMAGES[:200])) is None


def test_columns_that_only_shifted_have_no_issue(make_side: Any) -> None:
    reference = make_side(300, n=NUMBERS, w=WORDS, i=IMAGES)
    shifted = make_side(
        200, n=OTHERS + 3, w=np.array(["red"] * 150 + ["blue"] * 50, object), i=255 - IMAGES[:200]
    )
    assert find_quality_issue(reference, shifted) is None


def test_a_number_that_became_constant(make_side: Any) -> None:
    reason = find_quality_issue(make_side(300, n=NUMBERS), make_side(200, n=np.zeros(200)))
    assert reason == "column 'n' is 0 in every row; the reference has 300 values of it"


TEXTS = np.array([f"order {number} of {number % 7} boxes came late" for number in range(300)], dtype=object)


def test_texts_without_one_known_word(make_side: Any) -> None:
    reference = make_side(300, t=TEXTS)
    garbled = np.array([f"xx{number} yy{number}" for number in range(200)], dtype=object)
    reason = find_quality_issue(reference, make_side(200, t=garbled))
    assert reason == "no text of column 't' has a word that was seen before, such as 'xx0 yy0'"
    assert find_quality_issue(reference, make_side(200, t=TEXTS[:200])) is None
    shifted = np.array([f"{text} again" for text in garbled[:199]] + ["order 5"], dtype=object)
    assert find_quality_issue(reference, make_side(200, t=shifted)) is None


def test_a_text_that_is_the_same_in_every_row_or_missing(make_side: Any) -> None:
    same = np.full(200, "the same long text " * 9, dtype=object)
    reason = find_quality_issue(make_side(300, t=TEXTS), make_side(200, t=same))
    assert reason == (
        "column 't' is 'the same long text the same long tex... in every row; "
        "the reference has 300 values of it"
    )
    none = np.full(200, None, dtype=object)
    reason = find_quality_issue(make_side(300, t=TEXTS), make_side(200, t=none))
    assert reason == "column 't' is missing in every row; in the reference it is missing in 0% of them"


def test_a_date_that_is_the_same_in_a_whole_window_has_no_issue(make_side: Any) -> None:
    days = np.datetime64("2013-01-31", "us") - np.arange(300) % 31 * np.timedelta64(1, "D")
    one_day = np.full(200, np.datetime64("2013-02-01", "us"))
    assert find_quality_issue(make_side(300, t=days), make_side(200, t=one_day)) is None


def test_a_column_that_is_nearly_constant_anyway_has_no_issue(make_side: Any) -> None:
    reference = np.where(np.arange(300) == 7, 1.0, 0.0)
    assert find_quality_issue(make_side(300, n=reference), make_side(200, n=np.zeros(200))) is None


def test_few_rows_that_are_equal_by_chance_are_no_issue(make_side: Any) -> None:
    half = np.array(["a", "b"] * 150, dtype=object)
    assert find_quality_issue(make_side(300, w=half), make_side(10, w=half[:1].repeat(10))) is None
    assert find_quality_issue(make_side(300, w=half), make_side(40, w=half[:1].repeat(40))) is not None


@pytest.mark.parametrize("times", [1000.0, 0.01])
def test_another_unit(make_side: Any, times: float) -> None:
    reason = find_quality_issue(make_side(300, n=NUMBERS), make_side(200, n=OTHERS * times))
    assert reason is not None
    assert "was its unit changed?" in reason


def test_another_unit_of_a_column_that_is_mostly_zero(make_side: Any) -> None:
    rng = np.random.default_rng(0)
    reference, window = (
        np.where(rng.random(rows) < 0.2, rng.integers(-9, 9, rows), 0.0) for rows in (900, 400)
    )
    reason = find_quality_issue(make_side(900, n=reference), make_side(400, n=window * 1000))
    assert reason == (
        "column 'n' is 1e+03 times as large as in the reference and otherwise alike: was its unit changed?"
    )
    assert find_quality_issue(make_side(900, n=reference), make_side(400, n=window)) is None


def test_more_zeros_and_larger_numbers_are_no_other_unit(make_side: Any) -> None:
    zeros = np.where(np.arange(200) % 2, OTHERS * 1000, 0.0)
    assert find_quality_issue(make_side(300, n=NUMBERS), make_side(200, n=zeros)) is None


def test_heavier_rain_is_no_other_unit(make_side: Any) -> None:
    rng = np.random.default_rng(0)
    fair, stormy = (
        np.where(rng.random(rows) < 0.08, 0.01 * np.ceil(rng.exponential(scale, rows)), 0.0)
        for rows, scale in ((1000, 2), (6000, 12))
    )
    assert find_quality_issue(make_side(1000, n=fair), make_side(6000, n=stormy)) is None
    assert find_quality_issue(make_side(1000, n=fair), make_side(6000, n=fair.repeat(6) * 25.4)) is not None


def test_larger_numbers_of_another_shape_are_no_other_unit(make_side: Any) -> None:
    assert find_quality_issue(make_side(300, n=NUMBERS), make_side(200, n=OTHERS + 1000)) is None


def test_categories_none_of_which_was_ever_seen(make_side: Any) -> None:
    reason = find_quality_issue(
        make_side(300, w=WORDS), make_side(200, w=np.array(["RED", "BLUE"] * 100, object))
    )
    assert reason == "column 'w' has not one value that was seen before, such as 'RED'"


def test_images_that_are_all_equal(make_side: Any) -> None:
    reason = find_quality_issue(make_side(300, i=IMAGES), make_side(200, i=IMAGES[:1].repeat(200, 0)))
    assert reason == "the images of 'i' are the same in every row"


def test_blank_images(make_side: Any) -> None:
    shades = np.broadcast_to(np.arange(200, dtype=np.uint8)[:, None, None, None], (200, 1, 4, 4))
    reason = find_quality_issue(make_side(300, i=IMAGES), make_side(200, i=shades))
    assert reason == "the images of 'i' hold one value throughout, in every row"


def test_no_rows_have_no_issue(make_side: Any) -> None:
    assert find_quality_issue(make_side(300, n=NUMBERS), make_side(0, n=NUMBERS[:0])) is None


def test_a_column_that_is_missing_in_every_row(make_side: Any) -> None:
    reference = make_side(300, n=np.where(np.arange(300) < 30, np.nan, NUMBERS), w=WORDS)
    window = make_side(200, n=np.full(200, np.nan), w=np.array([None] * 200, object))
    assert find_quality_issue(reference, window) == (
        "column 'n' is missing in every row; in the reference it is missing in 10% of them; "
        "column 'w' is missing in every row; in the reference it is missing in 0% of them"
    )


def test_a_column_that_was_always_missing_has_no_issue(make_side: Any) -> None:
    nothing = np.full(300, np.nan)
    assert find_quality_issue(make_side(300, n=nothing), make_side(200, n=nothing[:200])) is None
    assert find_quality_issue(make_side(300, n=nothing), make_side(200, n=OTHERS)) is None


def with_gaps(words: Any, gaps: Any) -> Any:
    """The words, None where there is a gap."""
    words = words.copy()
    words[gaps] = None
    return words


def test_missing_values_hide_no_issue_and_make_none(make_side: Any) -> None:
    gaps = np.arange(200) % 4 == 0
    reference = make_side(300, n=NUMBERS, w=WORDS)
    same = make_side(200, n=np.where(gaps, np.nan, OTHERS), w=with_gaps(WORDS[:200], gaps))
    assert find_quality_issue(reference, same) is None
    for values in (np.zeros(200), OTHERS * 1000):
        assert find_quality_issue(reference, make_side(200, n=np.where(gaps, np.nan, values))) is not None
    red = make_side(200, w=with_gaps(np.array(["red"] * 200, object), gaps))
    assert find_quality_issue(reference, red) == (
        "column 'w' is 'red' in every row that has a value; the reference has 3 values of it"
    )
    new = make_side(200, w=with_gaps(np.array(["teal", "pink"] * 100, object), gaps))
    assert "has not one value that was seen before" in str(find_quality_issue(reference, new))


def test_a_time_that_is_the_same_in_every_row(make_side: Any) -> None:
    times = np.datetime64("2013-01-01", "us") + np.arange(300).astype("timedelta64[h]")
    reference, later = make_side(300, t=times), times[:200] + np.timedelta64(90, "D")
    assert find_quality_issue(reference, make_side(200, t=later)) is None
    reason = find_quality_issue(reference, make_side(200, t=np.full(200, times[0])))
    assert reason == (
        "column 't' is '2013-01-01T00:00:00.000000' in every row; the reference has 300 values of it"
    )


def test_a_column_whose_every_row_has_a_value_of_its_own_has_no_issue(make_side: Any) -> None:
    """Such as a customer: not one of tomorrow's was there yesterday, and that is as it was."""
    users = np.array([f"user {number}" for number in range(500)], dtype=object)
    assert find_quality_issue(make_side(300, u=users[:300]), make_side(200, u=users[300:])) is None


def test_a_column_that_was_constant_has_no_issue(make_side: Any) -> None:
    """One site, one month: the next one is another, and nothing says how far they vary."""
    before = make_side(300, site=np.array(["A"] * 300, dtype=object), month=np.ones(300))
    after = make_side(200, site=np.array(["B"] * 200, dtype=object), month=np.full(200, 2.0))
    assert find_quality_issue(before, after) is None
