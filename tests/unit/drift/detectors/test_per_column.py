from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from growlearn.domain.schema import InputType
from growlearn.drift.detectors.per_column import per_column
from growlearn.drift.detectors.result import Inconclusive
from growlearn.drift.text_statistics import unknown_word_shares
from growlearn.ingest.rows import object_column

ROWS = 300


def table(make_sample: Any, seed: int, **replaced: Any) -> Any:
    """Four columns of numbers, n0 to n3, and one of categories."""
    rng = np.random.default_rng(seed)
    inputs = {f"n{k}": rng.normal(size=ROWS) for k in range(4)}
    inputs["colour"] = object_column(rng.choice(["red", "green", "blue"], size=ROWS).tolist())
    inputs |= replaced
    kinds = {name: InputType.CATEGORY if name == "colour" else InputType.NUMBER for name in inputs}
    return make_sample(inputs=inputs, kinds=kinds)


def rejected_names(results: Any) -> list[str]:
    return [result.name for result in results if result.rejected]


def test_the_columns_that_shifted_are_named_and_no_others(make_sample: Any) -> None:
    reference = table(make_sample, 0)
    query = table(
        make_sample, 1, n2=np.random.default_rng(2).normal(1, size=ROWS), colour=object_column(["red"] * ROWS)
    )
    results = per_column(reference, query, 0.05)
    assert [result.name for result in results] == [f"column n{k}" for k in range(4)] + ["column colour"]
    assert rejected_names(results) == ["column n2", "column colour"]
    effects = {result.name: result.effect for result in results}
    assert effects["column n2"] > 0.5
    assert effects["column n1"] < 0.2
    assert {result.threshold for result in results} == {0.05 * 2 / 5}


TEXT_TESTS = ("length", "digits", "capital letters", "characters outside ASCII", "unknown words")


def texts(seed: int, change: Callable[[str], str] = str) -> Any:
    """Sentences of 3 to 12 words out of a thousand, the first of them frequent."""
    rng = np.random.default_rng(seed)
    rows = [rng.zipf(1.5, rng.integers(3, 13)) % 1000 for _ in range(ROWS)]
    return object_column([change(" ".join(f"w{number}x" for number in row)) for row in rows])


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (str, []),
        (lambda text: f"{text} {text} {text}", ["length"]),
        (str.upper, ["capital letters"]),
        (lambda text: text.replace("x", "é"), ["characters outside ASCII", "unknown words"]),
        (lambda text: text.replace("w", "7"), ["digits", "unknown words"]),
    ],
)
def test_what_shifted_in_a_text_is_named(
    make_sample: Any, change: Callable[[str], str], names: list[str]
) -> None:
    reference, query = (
        make_sample(inputs={"t": values}, kinds={"t": InputType.TEXT})
        for values in (texts(0), texts(1, change))
    )
    results = per_column(reference, query, 0.01)
    assert [result.name for result in results] == [f"column t, {name}" for name in TEXT_TESTS]
    assert rejected_names(results) == [f"column t, {name}" for name in names]


def test_texts_that_are_all_the_same_tell_nothing_and_missing_ones_are_a_result(make_sample: Any) -> None:
    same = make_sample(inputs={"t": object_column(["a b"] * ROWS)}, kinds={"t": InputType.TEXT})
    with pytest.raises(Inconclusive, match="no column of the 300 reference rows"):
        per_column(same, same, 0.05)
    gone = object_column([None] * 100 + texts(1).tolist()[100:])
    reference, query = (
        make_sample(inputs={"t": values}, kinds={"t": InputType.TEXT}) for values in (texts(0), gone)
    )
    assert rejected_names(per_column(reference, query, 0.01)) == ["column t, missing"]


def test_unknown_words_are_no_alarm_without_drift() -> None:
    p_values = []
    for seed in range(40):
        shares = unknown_word_shares(texts(2 * seed), texts(2 * seed + 1))
        p_values.append(ks_2samp(*shares, method="asymp").pvalue)
    assert np.mean(np.array(p_values) < 0.1) <= 0.2


def test_values_that_went_missing_are_a_separate_result(make_sample: Any) -> None:
    reference = table(make_sample, 0)
    gone = reference.inputs["n1"].copy()
    gone[:60] = [np.nan, np.inf, -np.inf] * 20
    results = per_column(reference, table(make_sample, 1, n1=gone), 0.05)
    assert rejected_names(results) == ["column n1, missing"]


def test_a_column_of_the_window_that_is_missing_as_a_whole_is_detected(make_sample: Any) -> None:
    query = table(make_sample, 1, n1=np.full(ROWS, np.nan), colour=object_column([None] * ROWS))
    results = per_column(table(make_sample, 0), query, 0.05)
    assert rejected_names(results) == ["column n1, missing", "column colour, missing"]
    assert "column n1" not in [result.name for result in results]


def test_values_missing_on_both_sides_alike_are_not(make_sample: Any) -> None:
    rng = np.random.default_rng(5)
    reference, query = (
        table(make_sample, k, n0=np.where(rng.random(ROWS) < 0.3, np.nan, 1.0)) for k in (0, 1)
    )
    assert rejected_names(per_column(reference, query, 0.05)) == []


def test_a_constant_column_that_changes_is_detected_among_others(make_sample: Any) -> None:
    reference, query = (table(make_sample, k, n3=np.full(ROWS, float(k))) for k in (0, 1))
    (name,) = rejected_names(per_column(reference, query, 0.05))
    assert name == "column n3"


def test_one_value_on_either_side_is_no_drift(make_sample: Any) -> None:
    first, second = (np.array([value] + [np.nan] * (ROWS - 1)) for value in (1.0, 2.0))
    results = per_column(table(make_sample, 0, n1=first), table(make_sample, 1, n1=second), 0.05)
    assert {result.name: result.p_value for result in results}["column n1"] == 1.0
    assert rejected_names(results) == []


def test_new_categories_are_detected(make_sample: Any) -> None:
    query = table(make_sample, 1, colour=object_column(["mauve", "red", "blue"] * 100))
    assert rejected_names(per_column(table(make_sample, 0), query, 0.05)) == ["column colour"]


@pytest.mark.parametrize("kind", [InputType.IMAGE, InputType.TOKENS, InputType.SERIES])
def test_what_is_no_column_of_a_table_is_inconclusive(make_sample: Any, kind: InputType) -> None:
    sample = make_sample(inputs={"x": np.zeros((5, 1, 2, 2))}, kinds={"x": kind})
    message = rf"'x' is of type {kind}; per-column .*use mmd, classifier-two-sample or output-ks"
    with pytest.raises(Inconclusive, match=message):
        per_column(sample, sample, 0.05)


def test_false_discoveries_are_a_small_share_of_discoveries(make_sample: Any) -> None:
    """Ten of twenty columns shift a little; about alpha / 2 of the rejected ones are false."""
    rng, wrong, named = np.random.default_rng(0), 0, 0
    kinds = {f"n{k}": InputType.NUMBER for k in range(20)}
    for _ in range(20):
        reference = make_sample(inputs={n: rng.normal(size=100) for n in kinds}, kinds=kinds)
        shifted = {n: rng.normal(0.6 * (k < 10), size=100) for k, n in enumerate(kinds)}
        names = rejected_names(per_column(reference, make_sample(inputs=shifted, kinds=kinds), 0.1))
        named += len(names)
        wrong += sum(int(name.removeprefix("column n")) >= 10 for name in names)
    assert named > 140
    assert wrong / named < 0.08


def test_booleans_are_compared_as_categories(make_sample: Any) -> None:
    def sample(true: int) -> Any:
        column = object_column(["true"] * true + ["false"] * (ROWS - true))
        return make_sample(inputs={"b": column}, kinds={"b": InputType.BOOLEAN})

    assert rejected_names(per_column(sample(150), sample(220), 0.05)) == ["column b"]
    assert rejected_names(per_column(sample(150), sample(155), 0.05)) == []


def test_times_move_on_without_drift_and_only_their_missing_share_is_tested(make_sample: Any) -> None:
    def sample(start: str, missing: int) -> Any:
        times = np.datetime64(start, "us") + np.arange(ROWS).astype("timedelta64[h]")
        times[:missing] = np.datetime64("NaT")
        numbers = np.random.default_rng(0).normal(size=ROWS)
        kinds = {"t": InputType.DATETIME, "n": InputType.NUMBER}
        return make_sample(inputs={"t": times, "n": numbers}, kinds=kinds)

    complete = per_column(sample("2013-01-01", 0), sample("2014-01-01", 0), 0.05)
    assert [result.name for result in complete] == ["column n"]
    assert rejected_names(per_column(sample("2013-01-01", 5), sample("2014-01-01", 90), 0.05)) == [
        "column t, missing"
    ]


def test_times_alone_are_inconclusive(make_sample: Any) -> None:
    times = np.datetime64("2013-01-01", "us") + np.arange(ROWS).astype("timedelta64[h]")
    sample = make_sample(inputs={"t": times}, kinds={"t": InputType.DATETIME})
    with pytest.raises(Inconclusive, match="no column of the 300 reference rows has two values to compare"):
        per_column(sample, sample, 0.05)
