"""When an estimate counts as right."""

from __future__ import annotations

from dataclasses import replace

from growlearn.domain.accuracy_estimate import AccuracyEstimate, EstimateRecord, count_right

OPEN = AccuracyEstimate(window="w2", version=1, rows=100, accuracy=0.9, low=0.8, high=0.95)
RIGHT = replace(OPEN, known_rows=40, known_correct=36, known_low=0.9, known_high=0.99)


def test_it_is_judged_on_the_rows_with_labels_once_there_are_enough() -> None:
    assert (OPEN.is_right, OPEN.known_accuracy) == (None, None)
    assert (RIGHT.is_right, RIGHT.known_accuracy) == (True, 0.9)
    assert replace(RIGHT, known_correct=35).is_right is False
    assert replace(RIGHT, known_correct=40).is_right is False
    assert replace(RIGHT, known_rows=29, known_correct=2).is_right is None


def test_the_record_counts_what_could_be_compared() -> None:
    assert count_right([OPEN, RIGHT, replace(RIGHT, known_correct=1)]) == EstimateRecord(2, 1)
    assert count_right([]) == EstimateRecord(0, 0)
