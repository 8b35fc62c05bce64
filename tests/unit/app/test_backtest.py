"""A backtest with a job file, a folder of files, and a database that is only read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from growlearn.adapters.engines.dry_run import DryRunEngine
from growlearn.app.backtest import BacktestRequest, BacktestResult, build_policy_names, run_backtest
from growlearn.app.backtest_plot import check_plot_path, plot_backtest, write_plot
from growlearn.app.backtest_view import backtest_view
from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.errors import GrowLearnError, JobError
from growlearn.domain.window import Verdict
from growlearn.settings import Settings, read_settings

JOB = """\
name: blobs
source: {type: folder, url: incoming, pattern: "*.parquet", min_file_age_s: 3600}
schema:
  inputs:
    x: {type: number}
    y: {type: number}
model: {embed_dim: 8, num_heads: 2}
growth: {epochs: 10, batch_size: 32, validation_fraction: 0.3}
drift: {alpha: 0.001}
holdout: {fraction: 0.3}
"""

Ask = Callable[..., BacktestResult]


def drop(folder: Path, name: str, regime: str, seed: int, rows: int = 160) -> None:
    """Two classes of points with their true regime beside them."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, rows)
    x, y = rng.normal(0, 0.5, rows) + 3 * label, rng.normal(0, 0.5, rows)
    if regime == "B":
        x, y = y + 6, x - 3
    folder.mkdir(exist_ok=True)
    table = {"x": x, "y": y, "label": label, "regime": [None, *[regime] * (rows - 1)]}
    pq.write_table(pa.table(table), folder / name)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a job file and a history A A B A."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blobs.yaml").write_text(JOB)
    for seed, regime in enumerate("AABA", 1):
        drop(tmp_path / "past", f"{seed}.parquet", regime, seed)
    return tmp_path


def settings_of(place: Path) -> Settings:
    return read_settings({}, place)


@pytest.fixture
def ask(place: Path) -> Ask:
    def run(**more: object) -> BacktestResult:
        wanted = {"job_file": Path("blobs.yaml"), "data": "past", **more}
        return run_backtest(BacktestRequest(**wanted), settings_of(place), lambda _: None)  # type: ignore[arg-type]

    return run


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder by its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_policies_stand_side_by_side_with_what_is_true(ask: Ask, place: Path) -> None:
    (place / "careful.yaml").write_text(JOB + "retraining_policy: {confirm_windows: 2}\n")
    before = tree(place)
    done = ask(comparison_files=(Path("careful.yaml"),), regime_column="regime")
    assert tree(place) == before  # no record is made by looking
    assert [replay.policy for replay in done.replays] == ["blobs", "careful", "never", "always", "periodic"]
    assert [replay.trainings for replay in done.replays] == [2, 1, 1, 4, 2]
    assert [replay.missed for replay in done.replays] == [0, 0, 1, 0, 0]
    assert [window.regime for window in done.replays[0].windows] == ["A", "A", "B", "A"]
    assert (done.started_from, done.cost_is_recorded, done.period) == (None, False, 2)
    assert done.seconds_per_row is not None
    assert 0 < done.seconds_per_row < 1
    view = json.loads(json.dumps(backtest_view(done), allow_nan=False))
    assert view["policies"][0]["mean_delay"] == 0
    assert (view["regime_column"], view["seconds_per_row_source"]) == ("regime", "measured here")


def test_without_truth_nothing_is_said_of_it(ask: Ask) -> None:
    (first, *_) = backtest_view(ask(period=3))["policies"]
    assert (first["changes"], first["missed"], first["false_alarms"]) == (None, None, None)
    assert (first["windows"], first["alarms"], first["trainings"]) == (4, 1, 2)


def test_one_file_may_be_a_whole_history(ask: Ask, place: Path) -> None:
    parts = [pq.read_table(place / "past" / f"{at}.parquet") for at in (1, 2, 3)]
    pq.write_table(pa.concat_tables(parts), place / "whole.parquet")
    (place / "blobs.yaml").write_text(JOB + "windowing: {rows: 150}\n")
    (job, *_) = ask(data="whole.parquet", regime_column="regime").replays
    assert [window.regime for window in job.windows] == ["A", "A", "B"]


def test_two_jobs_may_cut_the_same_history_differently(ask: Ask, place: Path) -> None:
    (place / "small.yaml").write_text(JOB + "windowing: {rows: 80}\n")
    job, small, *_ = ask(comparison_files=(Path("small.yaml"),)).replays
    assert (len(job.windows), len(small.windows)) == (4, 8)


def test_labels_that_came_late_are_there_and_those_that_never_came_are_waited_for(
    ask: Ask, place: Path
) -> None:
    (place / "blobs.yaml").write_text(JOB.replace("schema:\n", "schema:\n  id_column: id\n"))
    for seed, regime in enumerate("ABB", 1):
        file = place / "past" / f"{seed}.parquet"
        drop(place / "past", file.name, regime, seed)
        keyed = pq.read_table(file).append_column("id", [[f"{seed}-{row}" for row in range(160)]])
        pq.write_table(keyed if seed == 1 else keyed.drop_columns("label"), file)
        if seed == 3:
            pq.write_table(keyed.select(["id", "label"]), place / "past" / "4.parquet")
    (job, *_) = ask(regime_column="regime").replays
    first, waited, labelled = job.windows  # the fourth file has labels alone
    assert (waited.labelled, labelled.labelled) == (0, 160)
    assert (first.grown, waited.grown, labelled.grown) == (True, False, True)
    assert (waited.verdict, waited.task) == (Verdict.KNOWN_TASK, "task-2")  # judged anew once there was one
    assert [window.regime for window in job.windows] == ["A", "B", "B"]


def test_policies_of_one_name_are_told_apart_by_their_paths() -> None:
    paths = [Path("blobs.yaml"), Path("other/blobs.yaml"), Path("never.yaml"), Path("careful.yaml")]
    assert build_policy_names(paths) == ["blobs.yaml", "other/blobs.yaml", "never.yaml", "careful"]


def test_the_picture_has_a_row_a_policy(ask: Ask, place: Path) -> None:
    done = ask(regime_column="regime")
    (axes,) = plot_backtest(done).axes
    assert [label.get_text().split("\n")[0] for label in axes.get_yticklabels()] == [
        "blobs", "never", "always", "periodic",
    ]  # fmt: skip
    write_plot(done, place / "out.png")
    assert (place / "out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("path", "said"), [("out.jpg", "not a PNG file"), ("no/out.png", "does not exist")])
def test_a_picture_that_cannot_be_written_is_told_of_at_once(place: Path, path: str, said: str) -> None:
    with pytest.raises(GrowLearnError, match=said):
        check_plot_path(place / path)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"data": "nowhere"}, "nowhere does not exist"),
        ({"data": "empty"}, "holds no file that matches the source of blobs.yaml .*source.pattern"),
        ({"data": "odd"}, "none of the 1 files of odd can be used: .*'x' is missing.*does the schema"),
        ({"data": "past/1.parquet"}, "makes one window, .*windowing: {rows: 500}"),
        ({"regime_column": "regimes"}, "has no column 'regimes' .*did you mean 'regime'"),
        ({"regime_column": "x"}, "'x' is an input of the job"),
        ({"regime_column": "label"}, "'label' is the label of the job"),
    ],
)
def test_bad_input_is_named_with_its_cure(ask: Ask, place: Path, wanted: dict[str, str], said: str) -> None:
    (place / "empty").mkdir()
    (place / "odd").mkdir()
    pq.write_table(pa.table({"a": [1.0], "label": [1]}), place / "odd" / "1.parquet")
    with pytest.raises(GrowLearnError, match=said):
        ask(**wanted)


def test_a_history_without_a_whole_window_is_told_of(ask: Ask, place: Path) -> None:
    (place / "blobs.yaml").write_text(JOB + "windowing: {rows: 5000}\n")
    with pytest.raises(GrowLearnError, match="makes no whole window"):
        ask()


def test_a_policy_for_other_data_is_refused(ask: Ask, place: Path) -> None:
    (place / "other.yaml").write_text(JOB.replace("    y: {type: number}\n", ""))
    with pytest.raises(JobError, match=r"other.yaml has another schema than blobs.yaml"):
        ask(comparison_files=(Path("other.yaml"),))


def test_nothing_stands_in_for_a_consolidation(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = DryRunEngine(None)  # type: ignore[arg-type]
    plan: ConsolidationPlan = None  # type: ignore[assignment]
    with pytest.raises(GrowLearnError, match="cannot be replayed"):
        engine.consolidate(plan, lambda _: None)
