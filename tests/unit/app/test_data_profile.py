from __future__ import annotations

import io
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from growlearn.adapters.sources.folder import compile_pattern
from growlearn.app.data_profile import profile_data
from growlearn.app.job_template import render_job_file
from growlearn.app.jobfile import read_job
from growlearn.app.yaml_positions import parse_yaml
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import Job, RegistryConfig, Schedule, SourceConfig, WindowingConfig
from growlearn.domain.schema import InputColumn, InputType

NUMBER = InputColumn(type=InputType.NUMBER)
CATEGORY = InputColumn(type=InputType.CATEGORY)


def png(mode: str, size: tuple[int, int]) -> bytes:
    sink = io.BytesIO()
    Image.new(mode, size).save(sink, "PNG")
    return sink.getvalue()


def drafted(data: Path, folder: Path, label: str | None = None) -> Job:
    """What a user would get: looked at, written down, read again."""
    path = folder / "drafted.yaml"
    path.write_text(render_job_file("drafted", profile_data(data, label)), encoding="utf-8")
    return read_job(path, folder)


def folder_of(job: Job) -> SourceConfig:
    assert isinstance(job.source, SourceConfig)
    return job.source


def test_a_table_becomes_a_job_that_can_be_read(tmp_path: Path) -> None:
    data = tmp_path / "in"
    data.mkdir()
    table = pa.table(
        {"a": [1, 2], "b b": ["x", "y"], "when": [1.5, 2.5], "Label": ["p", "q"], "task": ["1", "2"]}
    )
    pq.write_table(table, data / "one.parquet")
    job = drafted(data, tmp_path)
    assert dict(job.schema.inputs) == {"a": NUMBER, "b b": CATEGORY, "when": NUMBER}
    assert (job.schema.label, job.schema.task) == ("Label", "task")
    source = folder_of(job)
    assert (source.url, source.pattern) == (str(data), "*.parquet")


def test_csv_columns_are_told_apart_and_the_last_is_the_label_where_no_name_says_so(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("height,colour,species\n1.5,red,a\n2.5,blue,b\n")
    job = drafted(tmp_path / "rows.csv", tmp_path)
    assert dict(job.schema.inputs) == {"height": NUMBER, "colour": CATEGORY}
    assert job.schema.label == "species"


@pytest.mark.parametrize(
    ("column", "shape"),
    [
        (pa.array([png("L", (6, 4))]), (1, 4, 6)),
        (pa.array([png("RGB", (6, 4))]), (3, 4, 6)),
        (pa.array([{"bytes": png("RGB", (5, 5)), "path": None}]), (3, 5, 5)),
        (pa.array([[0] * 64], pa.list_(pa.uint8(), 64)), (1, 8, 8)),
        (pa.array([[0.0] * 192]), (3, 8, 8)),
        (pa.array([[[0, 0, 0], [0, 0, 0]]]), (1, 2, 3)),
    ],
)
def test_images_are_recognised_with_their_shape(
    column: pa.Array, shape: tuple[int, int, int], tmp_path: Path
) -> None:
    pq.write_table(pa.table({"picture": column, "label": [0]}), tmp_path / "one.parquet")
    job = drafted(tmp_path / "one.parquet", tmp_path)
    assert job.schema.inputs["picture"] == InputColumn(type=InputType.IMAGE, shape=shape)


@pytest.mark.parametrize(
    ("column", "found", "patch"),
    [
        ([[5, 6, 7], [1000]], InputColumn(type=InputType.TOKENS, vocabulary=1024, length=3), 4),
        ([[-0.5] * 64] * 2, InputColumn(type=InputType.SERIES, shape=(64, 1)), 4),
        ([[[-0.5, 2.0]] * 9] * 2, InputColumn(type=InputType.SERIES, shape=(9, 2)), 1),
    ],
)
def test_token_ids_and_series_are_recognised(
    column: Any, found: InputColumn, patch: int, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"values": column, "label": [0, 1]}), tmp_path / "one.parquet")
    job = drafted(tmp_path / "one.parquet", tmp_path)
    assert job.schema.inputs["values"] == found
    assert job.model.patch_size == patch


def test_a_column_no_stem_reads_is_left_out_with_the_reason_beside_it(tmp_path: Path) -> None:
    table = pa.table({"x": [1.0], "blob": [b"not an image"], "odd": [[1, 2, 3]], "label": [0]})
    pq.write_table(table, tmp_path / "one.parquet")
    findings = profile_data(tmp_path / "one.parquet", None)
    assert list(findings.inputs) == ["x"]
    text = render_job_file("s", findings)
    assert '# "blob": its bytes are no PNG or JPEG' in text
    assert '# "odd": lists of 3 numbers are no square image' in text


def test_a_folder_of_class_folders_is_one_delivery_of_the_folder_above(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        (tmp_path / "pets" / name / "1.png").write_bytes(png("RGB", (9, 7)))
    job = drafted(tmp_path / "pets", tmp_path)
    source = folder_of(job)
    assert (source.type, source.url, source.pattern) == ("image-folder", str(tmp_path), "pets")
    assert job.schema.inputs["image"].shape == (3, 7, 9)


def test_neighbours_of_a_folder_of_class_folders_are_not_taken_for_deliveries(tmp_path: Path) -> None:
    (tmp_path / "my [best] pets" / "cat").mkdir(parents=True)
    (tmp_path / "my [best] pets" / "cat" / "1.png").write_bytes(png("L", (4, 4)))
    (tmp_path / "holidays").mkdir()
    (tmp_path / "holidays" / "2.png").write_bytes(png("L", (4, 4)))
    findings = profile_data(tmp_path / "my [best] pets", None)
    assert compile_pattern(findings.pattern).match("my [best] pets")
    assert not compile_pattern(findings.pattern).match("holidays")
    assert findings.notes == (
        'only my [best] pets is read; for more deliveries beside it set source.pattern to "*"',
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [("x,x,label\n1,2,0\n", r"column 'x' occurs more than once in .*rows\.csv \(rename"), ("\n", "rows.csv")],
)
def test_a_file_without_columns_or_with_one_twice_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(GrowLearnError, match=said):
        profile_data(tmp_path / "rows.csv", None)


def test_a_table_of_no_columns_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({}), tmp_path / "none.parquet")
    with pytest.raises(GrowLearnError, match=r"none\.parquet has no (columns|rows)"):
        profile_data(tmp_path / "none.parquet", None)


def test_a_label_that_is_not_there_is_refused_with_the_columns(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    with pytest.raises(GrowLearnError, match=r"no column 'c' \(its columns are a, b\)"):
        profile_data(tmp_path / "rows.csv", "c")


@pytest.mark.parametrize("name", ["absent", "empty", "broken.parquet", "flat"])
def test_nothing_to_go_by_is_said(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "1.png").write_bytes(png("L", (2, 2)))
    (tmp_path / "broken.parquet").write_text("no parquet")
    with pytest.raises(GrowLearnError, match=name):
        profile_data(tmp_path / name, None)


def numbers(rows: int, folder: Path) -> Path:
    pq.write_table(
        pa.table({"x": [0.5 * (i % 7) for i in range(rows)], "label": [i % 2 for i in range(rows)]}),
        folder / "n.parquet",
    )
    return folder / "n.parquet"


def test_small_windows_get_small_batches_and_more_epochs(tmp_path: Path) -> None:
    growth = drafted(numbers(400, tmp_path), tmp_path).growth
    assert (growth.epochs, growth.batch_size, growth.validation_fraction, growth.patience) == (
        60,
        32,
        0.2,
        15,
    )
    assert drafted(numbers(9, tmp_path), tmp_path).growth.epochs == 60
    growth = drafted(numbers(6400, tmp_path), tmp_path).growth
    assert (growth.epochs, growth.batch_size, growth.validation_fraction, growth.patience) == (
        20,
        "auto",
        0.1,
        5,
    )
    assert drafted(numbers(50_000, tmp_path), tmp_path).growth == GrowthConfig(epochs=6, patience=3)


def test_all_that_is_not_chosen_for_the_data_is_the_default(tmp_path: Path) -> None:
    job = drafted(numbers(400, tmp_path), tmp_path)
    assert job == Job(
        name="drafted",
        source=job.source,
        schema=job.schema,
        schedule=Schedule(every="5m"),
        windowing=WindowingConfig(by="file"),
        growth=job.growth,
        registry=RegistryConfig(model="drafted"),
    )


def test_every_section_that_is_active_by_default_is_shown_with_its_decisive_keys(tmp_path: Path) -> None:
    text = render_job_file("drafted", profile_data(numbers(400, tmp_path), None))
    shown = parse_yaml(text).lines.keys()
    off_by_default = {
        "class_weight", "hyperparameter_search", "pruning", "evaluation", "consolidation", "keep",
        "keep_versions", "serving", "silent_after",
    }  # fmt: skip
    needs_id_column = {"label_delay"}
    sections = {field.name for field in fields(Job)}
    assert {path[0] for path in shown} == sections - off_by_default - needs_id_column
    decisive = [
        ("drift", "action"),
        ("drift", "alpha"),
        ("drift", "decision_rule"),
        ("model", "max_lineage_length"),
        ("retraining_policy", "confirm_windows"),
        ("baseline_comparison", "baselines"),
        ("baseline_comparison", "min_accuracy_gain"),
        ("gates", "max_negative_flip_rate"),
        ("gates", "max_routed_accuracy_drop"),
        ("gates", "replace_task_after"),
        ("registry", "promote"),
    ]
    assert [path for path in decisive if path not in shown] == []


@pytest.mark.parametrize(("side", "patch"), [(8, 2), (28, 4), (32, 4), (64, 8), (224, 32)])
def test_an_image_is_cut_into_about_eight_tokens_a_side(side: int, patch: int, tmp_path: Path) -> None:
    pq.write_table(pa.table({"i": [png("L", (side, side))], "label": [0]}), tmp_path / "one.parquet")
    assert drafted(tmp_path / "one.parquet", tmp_path).model.patch_size == patch


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["a.csv", "b.csv"], "*.csv"),
        (["a.csv", "b.parquet"], "*"),
        (["a.csv", "in/b.csv"], "**/*.csv"),
        (["in/a.csv", "b.parquet"], "**/*"),
    ],
)
def test_files_of_every_kind_there_is_are_looked_at(names: list[str], pattern: str, tmp_path: Path) -> None:
    (tmp_path / "data" / "in").mkdir(parents=True)
    for name in names:
        (tmp_path / "data" / name).write_text("x,label\n1,0\n")
    if "b.parquet" in names:
        pq.write_table(pa.table({"x": [1], "label": [0]}), tmp_path / "data" / "b.parquet")
    assert folder_of(drafted(tmp_path / "data", tmp_path)).pattern == pattern


def test_a_guess_is_told_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("island,year,mass\n" + "a,1,0.5\nb,2,1.5\n" * 3)
    assert profile_data(tmp_path / "p.csv", None).notes == (
        "the label 'year' is a guess ('island' could be it too); name another with --label",
    )
    assert profile_data(tmp_path / "p.csv", "island").notes == ()


@pytest.mark.parametrize("mark", [";", "\t"])
def test_another_separator_than_a_comma_is_named(mark: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(f"a{mark}b{mark}label\n1{mark}2{mark}0\n")
    with pytest.raises(GrowLearnError, match=r"its columns are separated by .*; write it with commas"):
        profile_data(tmp_path / "p.csv", None)


def test_what_operating_systems_leave_beside_files_is_not_looked_at(tmp_path: Path) -> None:
    for name, content in (("photos/cat/1.png", png("L", (6, 4))), ("tables/1.csv", b"x,label\n1,0\n")):
        file = tmp_path / name
        (file.parent / "__MACOSX").mkdir(parents=True)
        file.write_bytes(content)
        file.with_name(f"._{file.name}").write_bytes(b"\0\5\x16\7")
        (file.parent / "__MACOSX" / file.name).write_bytes(b"\0\5\x16\7")
    assert drafted(tmp_path / "photos", tmp_path).schema.inputs["image"].shape == (1, 4, 6)
    assert folder_of(drafted(tmp_path / "tables", tmp_path)).pattern == "*.csv"


def test_a_column_in_the_names_of_folders_is_left_out_with_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "data" / "site=3" / "part-0.csv"
    file.parent.mkdir(parents=True)
    file.write_text("x,label\n1,0\n")
    excluded = profile_data(tmp_path / "data", None).excluded
    assert excluded == {"site": "only in the names of folders (site=3); write it into the files too"}


def test_large_images_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    (tmp_path / "pets" / "cat" / "1.png").write_bytes(png("RGB", (300, 300)))
    assert "resizing" in profile_data(tmp_path / "pets", None).notes[0]


def test_where_no_column_can_be_an_input_each_says_why(tmp_path: Path) -> None:
    table = {
        "Unnamed: 0": list(range(30)),
        "name": [f"person {number}" for number in range(30)],
        "blob": [b"GIF89a"] * 30,
        "task": ["a"] * 30,
        "label": [0, 1] * 15,
    }
    pq.write_table(pa.table(table), tmp_path / "rows.parquet")
    with pytest.raises(GrowLearnError) as refused:
        profile_data(tmp_path / "rows.parquet", None)
    assert refused.value.message == (
        f"{tmp_path / 'rows.parquet'} has no column that can be an input: "
        "'Unnamed: 0': the index that pandas wrote; "
        "'name': an identifier, different in every row; as schema.id_column it would let labels "
        "arrive later; "
        "'blob': its bytes are no PNG or JPEG; 'label': it is the label; 'task': it names the task"
    )
    assert "--label" in str(refused.value.hint)


def test_columns_that_are_no_inputs_are_left_out_and_told(tmp_path: Path) -> None:
    lines = [f"{i},A,{i % 5 + 0.5},{i % 2}" for i in range(40)]
    (tmp_path / "p.csv").write_text("\n".join(["order_id,shop,price,label", *lines]))
    profile = profile_data(tmp_path / "p.csv", None)
    reasons = {
        "order_id": "an identifier, different in every row; as schema.id_column it would let labels arrive "
        "later",
        "shop": "a constant, 'A' in each of the 40 rows read",
    }
    assert (dict(profile.inputs), profile.excluded) == ({"price": NUMBER}, reasons)
    assert profile.notes == tuple(f"column {name!r} is left out: {why}" for name, why in reasons.items())
    assert f'    # "shop": {reasons["shop"]}\n' in render_job_file("p", profile)


def test_a_value_that_changes_late_in_the_file_is_no_constant(tmp_path: Path) -> None:
    lines = [f"{i % 5 + 0.5},{int(i > 2900)},{i % 2}" for i in range(3000)]
    (tmp_path / "p.csv").write_text("\n".join(["price,sale,label", *lines]))
    assert list(profile_data(tmp_path / "p.csv", None).inputs) == ["price", "sale"]


def test_times_and_booleans_of_a_csv_become_a_job_that_can_be_read(tmp_path: Path) -> None:
    lines = [f"2013-01-{i % 28 + 1:02}T0{i % 9}:00:00Z,{i % 3 == 0},{i % 2}" for i in range(60)]
    (tmp_path / "p.csv").write_text("\n".join(["at,paid,label", *lines]))
    inputs = drafted(tmp_path / "p.csv", tmp_path).schema.inputs
    assert {name: spec.type for name, spec in inputs.items()} == {
        "at": InputType.DATETIME,
        "paid": InputType.BOOLEAN,
    }


def test_class_weights_are_proposed_where_a_class_is_rare(tmp_path: Path) -> None:
    def rendered(positives: int) -> str:
        labels = [int(i < positives) for i in range(200)]
        table = pa.table({"x": [i % 7 for i in range(200)], "label": labels})
        pq.write_table(table, tmp_path / "n.parquet")
        path = tmp_path / "n.parquet"
        assert drafted(path, tmp_path).schema.label == "label"
        return render_job_file("n", profile_data(path, None))

    assert '  label: "label"  # "1" is rare, 1.0% of the rows read: consider metric: average' in rendered(2)
    assert "is rare" not in rendered(40)


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (pa.array([png("L", (6, 4))] * 40), "from: timm, name: MODEL"),
        (pa.array([f"the {i}th of many long remarks" for i in range(40)]), "from: transformers, name: MODEL"),
        (pa.array([i + 0.5 for i in range(40)]), None),
    ],
)
def test_a_pretrained_encoder_is_mentioned_where_one_could_read_a_column(
    column: pa.Array, shown: str | None, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"x": column, "label": [0, 1] * 20}), tmp_path / "one.parquet")
    text = render_job_file("n", profile_data(tmp_path / "one.parquet", None))
    lines = [line for line in text.splitlines() if "encoder: {" in line]
    assert len(lines) == (shown is not None)
    assert drafted(tmp_path / "one.parquet", tmp_path).model.encoder is None
    if shown is not None:
        assert lines[0].startswith(f"# model: {{encoder: {{{shown}}}}}")


@pytest.mark.parametrize(("white", "pixel_max"), [(1.0, 1), (255.0, None)])
def test_a_job_says_that_one_is_white_where_it_is(
    white: float, pixel_max: int | None, tmp_path: Path
) -> None:
    table = pa.table({"pixels": [[0.0, white / 2, white, 0.0]] * 2, "label": [0, 1]})
    pq.write_table(table, tmp_path / "p.parquet")
    assert drafted(tmp_path / "p.parquet", tmp_path).schema.inputs["pixels"].pixel_max == pixel_max
