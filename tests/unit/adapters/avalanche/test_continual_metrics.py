"""Where our metrics and Avalanche's agree, and where they differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import growlearn.adapters.avalanche.task_accuracy  # noqa: F401 - the torchvision workaround comes before avalanche
from growlearn.domain.evaluation import AccuracyMatrix

Square = list[list[float]]


def make_matrix(rows: Square) -> AccuracyMatrix:
    size = len(rows)
    return AccuracyMatrix(
        tasks=tuple(f"t{j}" for j in range(size)),
        accuracy=tuple(tuple(row) for row in rows),
        chance_level=(0.0,) * size,
        single_task=(None,) * size,
    )


def compute_with_avalanche(metric: str, rows: Square) -> float:
    """Avalanche's metric fed as its strategies feed it: first value at j's own growth, last at the end."""
    from avalanche.evaluation.metrics import BWT, Forgetting, ForwardTransfer  # noqa: PLC0415 - see above

    kinds = {"forgetting": Forgetting, "backward": BWT, "forward": ForwardTransfer}
    fed = kinds[metric]()
    last = len(rows) - 1
    keys = range(1, len(rows)) if metric == "forward" else range(last)
    for j in keys:
        fed.update(j, 0.0 if metric == "forward" else rows[j][j], initial=True)
        fed.update(j, rows[j - 1][j] if metric == "forward" else rows[last][j])
    values = [fed.result_key(j) for j in keys]
    return float(sum(values) / len(values))


@st.composite
def squares(draw: st.DrawFn) -> Square:
    size = draw(st.integers(2, 5))
    row = st.lists(st.floats(0, 1), min_size=size, max_size=size)
    return draw(st.lists(row, min_size=size, max_size=size))


@given(squares())
def test_backward_transfer_is_avalanche_s(rows: Square) -> None:
    assert make_matrix(rows).backward_transfer == pytest.approx(
        compute_with_avalanche("backward", rows), abs=1e-12
    )


@given(squares())
def test_forward_transfer_is_avalanche_s(rows: Square) -> None:
    assert make_matrix(rows).forward_transfer == pytest.approx(
        compute_with_avalanche("forward", rows), abs=1e-12
    )


@given(squares())
def test_forgetting_is_avalanche_s_where_no_task_ever_got_better_later(rows: Square) -> None:
    for j in range(len(rows)):
        for i in range(j + 1, len(rows)):
            rows[i][j] = min(rows[i][j], rows[i - 1][j])
    assert make_matrix(rows).forgetting == pytest.approx(
        compute_with_avalanche("forgetting", rows), abs=1e-12
    )


def test_forgetting_differs_where_a_task_got_better_and_then_worse() -> None:
    """Avalanche: first minus last. Ours, and the literature's: best past minus current."""
    rows = [[0.8, 0.0, 0.0], [0.95, 0.9, 0.0], [0.85, 0.9, 0.9]]
    assert compute_with_avalanche("forgetting", rows) == pytest.approx(((0.8 - 0.85) + (0.9 - 0.9)) / 2)
    assert make_matrix(rows).forgetting == pytest.approx(((0.95 - 0.85) + (0.9 - 0.9)) / 2)
