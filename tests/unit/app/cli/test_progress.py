from __future__ import annotations

from growlearn.app.cli.progress import make_line_reporter
from growlearn.domain.growth import Progress


def test_a_pipe_gets_the_first_and_last_line_of_a_stage_and_few_between() -> None:
    lines: list[str] = []
    now_s = 0.0
    report = make_line_reporter(lines.append, lambda: now_s)
    for done in range(1, 31):
        report(Progress(stage="training", done=done, total=30))
        now_s += 1
    assert lines == [f"training: {done} of 30" for done in (1, 11, 21, 30)]


def test_a_new_stage_is_told_at_once() -> None:
    lines: list[str] = []
    report = make_line_reporter(lines.append, lambda: 0.0)
    report(Progress(stage="training", done=1, total=3))
    report(Progress(stage="measuring", done=0, total=0, note="2 tasks"))
    assert lines == ["training: 1 of 3", "measuring, 2 tasks"]


def test_the_start_of_a_single_step_is_not_told() -> None:
    lines: list[str] = []
    report = make_line_reporter(lines.append, lambda: 0.0)
    report(Progress(stage="reading files", done=0, total=1))
    report(Progress(stage="training", done=1, total=1))
    assert lines == ["training: 1 of 1"]
