"""Charts: a mark for each thing, at the place of its value."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from growlearn.app.dashboard.charts.curve import Series, draw_curve
from growlearn.app.dashboard.charts.evidence import draw_evidence
from growlearn.app.dashboard.charts.heat_map import draw_heat_map
from growlearn.app.dashboard.charts.pairs import Pair, draw_pairs
from growlearn.app.dashboard.charts.scale import Scale
from growlearn.app.dashboard.charts.tree import draw_tree
from growlearn.app.dashboard.evidence import WindowEvidence
from growlearn.domain.lineage import BranchRecord, BranchState

NO_EVIDENCE = WindowEvidence(window="w1", verdict="first", task="a", reason=None)


def evidence(*values: float | None, alarm: float | None = 3.0) -> list[WindowEvidence]:
    return [
        replace(NO_EVIDENCE, window=f"w{number}", value=value, alarm=None if value is None else alarm)
        for number, value in enumerate(values, start=1)
    ]


def test_a_bar_is_above_the_alarm_line_where_its_evidence_is() -> None:
    chart = draw_evidence(evidence(2.9, 3.1))
    (points,) = chart.alarm_lines
    line_y = float(points.split()[0].partition(",")[2])
    below, above = chart.bars
    assert above.y < line_y < below.y
    assert [bar.y + bar.height for bar in chart.bars] == pytest.approx([chart.baseline] * 2)


def test_a_window_without_a_test_has_a_mark_and_no_line() -> None:
    chart = draw_evidence(evidence(None, 1.0, None, 2.0))
    assert len(chart.bars) == 4
    assert all(bar.height > 0 for bar in chart.bars)
    assert len(chart.alarm_lines) == 2


@pytest.mark.parametrize("largest", [300.0, 13.0])
def test_huge_evidence_is_cut_so_that_the_line_stays_visible(largest: float) -> None:
    chart = draw_evidence(evidence(1.0, largest))
    line_y = float(chart.alarm_lines[0].split()[0].partition(",")[2])
    assert [bar.is_cut for bar in chart.bars] == [False, largest > 12]
    assert chart.baseline - line_y > 30


def test_no_evidence_at_all_is_a_chart_too() -> None:
    assert draw_evidence([]).bars == ()
    assert draw_evidence(evidence(0.0)).bars[0].height >= 1


def test_the_heat_map_is_strongest_where_the_value_is_best() -> None:
    values = ((0.9, 0.5), (0.8, 0.95))
    for greater_is_better, best in ((True, 0.95), (False, 0.5)):
        chart = draw_heat_map(("a", "b"), values, greater_is_better=greater_is_better)
        assert [cell.value for cell in chart.cells] == [0.9, 0.5, 0.8, 0.95]
        strongest = max(chart.cells, key=lambda cell: cell.opacity)
        assert (strongest.value, strongest.opacity, strongest.is_strong) == (best, 1.0, True)
    assert len(draw_heat_map(("a", "b"), ((0.9, None), (0.8, 0.95))).cells) == 3
    assert draw_heat_map((), ()).cells == ()
    assert draw_heat_map(("a",), ((0.5,),)).cells[0].opacity == 1.0


def test_many_tasks_leave_no_room_for_text() -> None:
    tasks = [f"task-{number}" for number in range(40)]
    chart = draw_heat_map(tasks, [[0.5] * 40] * 40)
    assert (chart.has_text, len(chart.cells)) == (False, 1600)


def test_a_curve_leaves_out_what_is_not_finite() -> None:
    curve = draw_curve(["0", "1", "2"], (Series("loss", "first", [math.inf, 1.0, 0.5]),))
    (line,) = curve.lines
    assert [(point.step, point.value) for point in line.points] == [("1", 1.0), ("2", 0.5)]
    assert line.points[0].y < line.points[1].y <= curve.baseline
    assert draw_curve(["0"], (Series("loss", "first", [math.nan]),)).lines[0].points == ()


def branch(name: str, parent: str | None) -> BranchRecord:
    return BranchRecord(
        stream="s", id=name, parent=parent, stem=name, task="a", window="w1", version=1, parameters=1,
        sha256="0" * 64, state=BranchState.ACCEPTED, created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def test_a_tree_has_each_branch_right_of_its_parent_and_no_two_in_one_place() -> None:
    parents = {"b1": None, "b2": "b1", "b3": "b1", "b4": "b2", "b5": None, "b6": "gone"}
    tree = draw_tree([branch(name, parent) for name, parent in parents.items()])
    places = {node.branch.id: (node.x, node.y) for node in tree.nodes}
    assert list(places) == list(parents)
    assert len(set(places.values())) == len(parents)
    assert len(tree.edges) == 3
    assert all(places[name][0] > places[parent][0] for name, parent in parents.items() if parent in places)
    assert places["b2"][1] == places["b1"][1]
    assert all(x + tree.node_width <= tree.width for x, _ in places.values())
    assert all(y + tree.node_height <= tree.height for _, y in places.values())


def test_a_tree_of_a_very_long_lineage_is_drawn() -> None:
    tree = draw_tree([branch(f"b{n}", f"b{n - 1}" if n else None) for n in range(3000)])
    assert len(tree.edges) == 2999
    assert len({node.y for node in tree.nodes}) == 1


def test_pairs_have_a_mark_for_each_value_that_was_measured() -> None:
    chart = draw_pairs([Pair("a", 0.9, 0.8), Pair("b", None, 0.95)])
    first, second = chart.marks
    assert first.after_x is not None
    assert first.before_x is not None
    assert first.after_x < first.before_x
    assert (second.before_x, second.pair.difference) == (None, None)
    assert draw_pairs([]).marks == ()


@pytest.mark.parametrize("high", [1e-7, 0.3, 7, 12_345])
def test_ticks_are_few_and_on_the_axis(high: float) -> None:
    ticks = Scale(0, high, 0, 100).ticks()
    assert 2 <= len(ticks) <= 6
    assert all(0 <= tick.at <= 100 for tick in ticks)
