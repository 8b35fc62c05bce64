from __future__ import annotations

from typing import Any

import pytest

from growlearn.drift.detectors.errors import run_on_error_stream


def with_errors(make_sample: Any, errors: list[int]) -> Any:
    """Rows predicted 0 whose labels make these errors; the outputs differ a little."""
    outputs = [[0.9 - 0.01 * (row % 2), 0.1] for row in range(len(errors))]
    return make_sample(outputs=outputs, targets=errors)


def test_the_reference_is_read_first_and_its_alarms_are_not_counted(make_sample: Any) -> None:
    errors_read: list[int] = []

    def update(error: int) -> bool:
        errors_read.append(error)
        return error == 1

    reference, query = with_errors(make_sample, [1, 1, 0]), with_errors(make_sample, [0, 0, 0, 0])
    (stable,) = run_on_error_stream(reference, query, 0.05, update)
    assert errors_read == [1, 1, 0, 0, 0, 0, 0]
    assert (stable.statistic, stable.p_value, stable.rejected) == (0, 1, False)
    assert stable.effect == pytest.approx(-2 / 3)
    (alarmed,) = run_on_error_stream(query, reference, 0.05, update)
    assert (alarmed.statistic, alarmed.p_value, alarmed.rejected) == (2, 0, True)


def test_only_rows_with_a_label_and_only_as_many_as_are_remembered_are_read(make_sample: Any) -> None:
    errors_read: list[int] = []
    reference = with_errors(make_sample, [0, 1, 0, -1, 1, -1])
    query = with_errors(make_sample, [-1, 1, -1])

    def update(error: int) -> bool:
        errors_read.append(error)
        return False

    run_on_error_stream(reference, query, 0.05, update, recall=2)
    assert errors_read == [0, 1, 1]
