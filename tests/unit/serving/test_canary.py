"""Which requests a canary answers, what is counted, and when it stops by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from growlearn.domain.canary import Canary, CanaryCounts
from growlearn.ingest.rows import object_column
from growlearn.serving.canary import (
    count_agreement,
    find_stop_reason,
    is_chosen,
    is_clearly_slower,
    list_predictions,
)
from growlearn.serving.json_rows import JsonRows
from growlearn.serving.micro_batches import Answered
from growlearn.serving.predictor import Answers

CANARY = Canary(
    stream="digits", number=1, version=4, champion=3, share_percent=5.0, alpha=0.05, follows_challenger=True,
    started_at=datetime(2026, 11, 30, tzinfo=UTC), started_by="ada",
)  # fmt: skip


def counted(share_percent: float = 5.0, **counts: int) -> Canary:
    return replace(CANARY, share_percent=share_percent, counts=CanaryCounts(**counts))


def test_the_share_is_kept_and_one_request_has_one_version() -> None:
    keys = [str(number).encode() for number in range(20_000)]
    chosen = [is_chosen(CANARY, key) for key in keys]
    low, high = binom.ppf([0.0005, 0.9995], len(keys), 0.05)
    assert low <= sum(chosen) <= high
    assert [is_chosen(replace(CANARY, counts=CanaryCounts(answered=9)), key) for key in keys] == chosen


def test_a_larger_share_keeps_the_requests_of_a_smaller_one_and_another_canary_has_others() -> None:
    keys = [str(number).encode() for number in range(2000)]
    some = {key for key in keys if is_chosen(CANARY, key)}
    assert some < {key for key in keys if is_chosen(replace(CANARY, share_percent=25.0), key)}
    assert some != {key for key in keys if is_chosen(replace(CANARY, number=2), key)}
    assert not any(is_chosen(replace(CANARY, share_percent=0.0), key) for key in keys)


def simulate(accuracies: tuple[float, float], slower: float, seed: int, looks: int, rows: int) -> bool:
    """Whether a canary stops in a stream in which it is looked at after every few rows."""
    random = np.random.default_rng(seed)
    counts = CanaryCounts()
    for _ in range(looks):
        champion, version = (random.random(rows) < accuracy for accuracy in accuracies)
        pairs = int((random.random(rows // 2) < slower).sum())
        counts += CanaryCounts(
            labelled=rows,
            champion_correct=int(champion.sum()),
            version_correct=int(version.sum()),
            only_champion_correct=int((champion & ~version).sum()),
            timed_pairs=rows // 2,
            slower_pairs=pairs,
        )
        if find_stop_reason(replace(CANARY, counts=counts)) is not None:
            return True
    return False


@settings(max_examples=8, deadline=None)
@given(accuracy=st.floats(0.05, 0.95), rows=st.integers(1, 40), slower=st.floats(0.0, 0.5))
def test_an_equal_challenger_is_stopped_in_no_more_streams_than_alpha(
    accuracy: float, rows: int, slower: float
) -> None:
    streams = 60
    stops = sum(simulate((accuracy, accuracy), slower, seed, 25, rows) for seed in range(streams))
    assert stops <= binom.ppf(0.9999, streams, CANARY.alpha)


@settings(max_examples=8, deadline=None)
@given(accuracy=st.floats(0.3, 1.0), seed=st.integers(0, 2**32))
def test_a_clearly_worse_challenger_is_stopped(accuracy: float, seed: int) -> None:
    assert simulate((accuracy, accuracy - 0.25), 0.0, seed, 60, 25)
    assert simulate((accuracy, accuracy), 0.9, seed, 60, 25)


@settings(max_examples=8, deadline=None)
@given(accuracy=st.floats(0.0, 0.8), seed=st.integers(0, 2**32))
def test_a_better_challenger_goes_on(accuracy: float, seed: int) -> None:
    assert not simulate((accuracy, accuracy + 0.2), 0.1, seed, 40, 25)


def test_the_reason_names_both_figures() -> None:
    worse = counted(labelled=1000, champion_correct=900, version_correct=800, only_champion_correct=150)
    reason = find_stop_reason(worse)
    assert reason is not None
    assert reason.startswith(
        "version 4 is less accurate: 80.00% right against 90.00% of champion 3 on 1000 labelled rows, p "
    )
    slow = find_stop_reason(counted(timed_pairs=60, slower_pairs=55))
    assert slow is not None
    assert slow.startswith("version 4 is slower: it took more than 2 times as long as champion 3 in 55 of 60")
    assert (
        find_stop_reason(counted(failed=2)) == "version 4 could not answer 2 rows that the champion answered"
    )


def test_one_that_answers_nobody_is_never_stopped_by_its_figures() -> None:
    bad = {"failed": 9, "timed_pairs": 60, "slower_pairs": 60, "labelled": 90, "champion_correct": 90}
    assert find_stop_reason(counted(0.0, **bad, only_champion_correct=90)) is None


def test_a_time_is_clearly_slower_only_where_a_caller_could_notice() -> None:
    assert is_clearly_slower(0.012, 0.005)
    assert not is_clearly_slower(0.0014, 0.0003)
    assert not is_clearly_slower(0.009, 0.005)


def test_predictions_are_one_text_a_label_and_none_where_a_row_was_refused() -> None:
    parsed = JsonRows(None, np.array([0, 2, 3]), {1: "x is not a number"})
    answers = Answers(
        object_column([7, "7.0", "late"]), np.ones(3), object_column(["a"] * 3), np.empty((3, 0))
    )
    assert list_predictions(Answered(parsed, answers), 0, 5) == ["7", None, "7", "late", None]
    assert list_predictions(Answered(parsed, answers), 1, 3) == [None, "7"]
    assert list_predictions(Answered(parsed, None), 0, 2) == [None, None]


def test_a_row_that_one_version_refuses_is_no_agreement() -> None:
    counts = count_agreement(["1", "1", None, "1", None], ["1", "2", "1", None, None])
    assert counts == CanaryCounts(compared=4, agreed=1, failed=1)
    assert counts.agreement == 0.25
    assert CanaryCounts().agreement is None
