"""A model for scripts: learned, drifted, taken up again, and clear about what it cannot do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.base import clone

import growlearn
from growlearn import GrowingModel, Stream
from growlearn.domain.errors import GrowLearnError, JobError
from growlearn.domain.schema import Label
from growlearn.domain.window import Verdict, WindowState

TINY = {"model": {"size": "tiny"}, "growth": {"epochs": 2}}


def draw(rows: int, seed: int = 0, shift: float = 0.0) -> tuple[pd.DataFrame, npt.NDArray[np.str_]]:
    """Two numbers a row; the first one decides the class, or with a shift the second."""
    values = np.random.default_rng(seed).normal(size=(rows, 2)) + shift
    column = 1 if shift else 0
    return pd.DataFrame(values, columns=["width", "height"]), np.where(
        values[:, column] > shift, "up", "down"
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("library") / "home"


@pytest.fixture(scope="module")
def model(home: Path) -> GrowingModel:
    return GrowingModel(TINY, home).partial_fit(*draw(400))


def test_the_first_rows_are_learned(model: GrowingModel) -> None:
    window = model.windows_[0]
    assert (window.state, window.verdict) == (WindowState.PROMOTED, Verdict.FIRST)
    x, y = draw(200, seed=1)
    assert model.score(x, y) > 0.85
    assert model.predict(x).tolist() == [
        model.classes_[index] for index in model.predict_proba(x).argmax(axis=1)
    ]
    assert model.predict_proba(x).sum(axis=1) == pytest.approx(1.0)


def test_the_same_home_has_the_model_again_and_the_command_line_reads_it(
    model: GrowingModel, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, _ = draw(50, seed=2)
    again = GrowingModel(home=home)
    assert np.array_equal(again.predict_proba(x), model.predict_proba(x))
    monkeypatch.setenv("GROWLEARN_HOME", str(home))
    assert Stream("model").champion == 1


def test_rows_that_have_drifted_open_a_task_and_the_first_keeps_its_answers(model: GrowingModel) -> None:
    x, _ = draw(100, seed=3)
    drifted, labels = draw(900, seed=4, shift=8.0)
    before = model.stream_.predict(x, version=1)
    model.partial_fit(drifted, labels)
    window = model.windows_[-1]
    assert (window.state, window.verdict) == (WindowState.PROMOTED, Verdict.DRIFT)
    assert model.score(*draw(200, seed=5, shift=8.0)) > 0.8
    after = model.stream_.predict(x, version=2)
    of_first_task = after["task"] == before["task"]
    assert of_first_task.mean() > 0.9
    assert (after["prediction"] == before["prediction"])[of_first_task].all()
    matrix = model.stream_.matrix()
    assert matrix.accuracy[1][0] == matrix.accuracy[0][0]
    model.stream_.rollback()
    assert model.stream_.champion == 1


def test_rows_delivered_twice_are_refused(model: GrowingModel) -> None:
    with pytest.raises(GrowLearnError, match="already"):
        model.partial_fit(*draw(400))


def test_what_the_model_cannot_do_is_one_clear_error(model: GrowingModel) -> None:
    x, y = draw(20, seed=6)
    with pytest.raises(GrowLearnError, match="task"):
        model.predict(x, task="north")
    with pytest.raises(GrowLearnError, match="width"):
        model.predict(x.drop(columns="width"))
    with pytest.raises(GrowLearnError, match="label"):
        model.partial_fit(x.assign(label=1), y)
    with pytest.raises(GrowLearnError, match="partial_fit first"):
        GrowingModel().predict(x)
    with pytest.raises(GrowLearnError, match="nothing could be learned"):
        GrowingModel(TINY).partial_fit(x, y)


def test_keys_that_rows_give_or_that_no_job_has_are_refused() -> None:
    with pytest.raises(JobError, match="schema"):
        GrowingModel({"schema": {}}).partial_fit(*draw(20))
    with pytest.raises(JobError, match="metrik"):
        GrowingModel({"metrik": "roc_auc"}).partial_fit(*draw(20))


def test_columns_that_are_left_out_are_told() -> None:
    x, y = draw(20)
    with (
        pytest.warns(UserWarning, match="constant"),
        pytest.raises(GrowLearnError, match="nothing could be learned"),
    ):
        GrowingModel(TINY).partial_fit(pd.concat([x.assign(constant=1.0)] * 2), np.tile(y, 2)[:40])


def test_images_of_named_tasks_are_learned_and_asked_by_name() -> None:
    digits = np.random.default_rng(0).integers(0, 60, (240, 8, 8), dtype=np.uint8)
    labels = np.arange(240) % 2
    digits[labels == 1, :, :4] += 150
    model = GrowingModel(TINY).partial_fit(digits, labels, task="left")
    assert model.windows_[0].task == "left"
    assert (model.predict(digits[:40], task="left") == labels[:40]).mean() > 0.9
    with pytest.raises(GrowLearnError, match="right"):
        model.predict(digits[:4], task="right")


@pytest.mark.parametrize(
    ("of_tasks", "classes"),
    [
        ([(2, 10), (1, 2)], [2, 10, 1]),
        ([("late", "on time"), ("early", "late")], ["late", "on time", "early"]),
        ([(2, 10), ("10", "cat")], ["2", "10", "cat"]),
    ],
)
def test_classes_are_in_the_order_of_the_probabilities(
    of_tasks: list[tuple[Label, ...]],
    classes: list[Label],
    model: GrowingModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Task by task, each label once, also where one is an integer in one task and text in another."""
    version = model.stream_.versions[0]
    head = version.manifest.tasks[0]
    heads = tuple(replace(head, name=f"t{labels}", classes=labels) for labels in of_tasks)
    shown = replace(version, manifest=replace(version.manifest, tasks=heads))
    monkeypatch.setattr(Stream, "versions", property(lambda _: (shown,)))
    assert model.classes_.tolist() == classes


def test_scikit_learn_reads_its_parameters() -> None:
    model = GrowingModel(TINY)
    assert clone(model).get_params() == {"home": None, "job": TINY}


def test_the_package_has_nothing_else() -> None:
    with pytest.raises(AttributeError, match="Strem"):
        growlearn.Strem  # type: ignore[attr-defined] # noqa: B018


def test_a_stream_learns_from_its_job_file(tmp_path: Path) -> None:
    rows = draw(400)[0].assign(side=draw(400)[1])
    (tmp_path / "rows").mkdir()
    job = tmp_path / "sides.yaml"
    job.write_text(
        f"name: sides\nsource: {{type: folder, url: {tmp_path / 'rows'}, min_file_age_s: 0}}\n"
        "schema: {inputs: {width: {type: number}, height: {type: number}}, label: side}\n"
        "model: {size: tiny}\ngrowth: {epochs: 2}\n"
    )
    stream = Stream.create(job, tmp_path / "home")
    with pytest.raises(GrowLearnError, match="no champion"):
        stream.predict({"width": [1.0], "height": [0.0]})
    assert [window.state for window in stream.learn(rows)] == [WindowState.PROMOTED]
    answers = stream.predict({"width": [3.0, -3.0], "height": [0.0, 0.0]}, proba=True)
    assert answers["prediction"].tolist() == ["up", "down"]
    assert list(answers.columns[3:]) == ["probability_down", "probability_up"]
    assert stream.run() == ()
    with pytest.raises(GrowLearnError, match="challenger"):
        stream.promote()


def test_a_stream_reads_the_connections_of_its_home(tmp_path: Path) -> None:
    x, y = draw(400)
    database = tmp_path / "orders.db"
    with closing(sqlite3.connect(database)) as connection:
        x.assign(side=y, id=range(1, 401)).to_sql("orders", connection, index=False)
    home = tmp_path / "home"
    home.mkdir()
    (home / "growlearn.toml").write_text(f'connections = {{warehouse = "sqlite:///{database}"}}\n')
    job = tmp_path / "orders.yaml"
    job.write_text(
        "name: orders\nsource: {sql: {connection: warehouse, query: SELECT * FROM orders, key: id}}\n"
        "schema: {inputs: {width: {type: number}, height: {type: number}}, label: side}\n"
        "model: {size: tiny}\ngrowth: {epochs: 2}\n"
    )
    stream = Stream.create(job, home)
    assert [window.state for window in stream.run()] == [WindowState.PROMOTED]
    with pytest.raises(GrowLearnError, match="takes no rows"):
        stream.learn(x.assign(side=y))
