from __future__ import annotations

from pathlib import Path

import pytest

from growlearn.app.jobfile import read_job
from growlearn.domain.errors import JobError
from growlearn.domain.job import HoldoutFiles, HoldoutFraction, Job
from growlearn.domain.sql_source import SqlQuery, SqlSourceConfig

JOB = """\
name: sales
source: {type: folder, url: data/incoming}
schema:
  inputs:
    x: {type: number}
    picture: {type: image, shape: [1, 8, 8]}
  label: label
"""


def read(text: str, folder: Path) -> Job:
    path = folder / "job.yaml"
    path.write_text(text, encoding="utf-8")
    return read_job(path, folder)


def refusal(text: str, folder: Path) -> str:
    with pytest.raises(JobError) as caught:
        read(text, folder)
    return str(caught.value)


def test_words_and_numbers_are_those_of_yaml_1_1(tmp_path: Path) -> None:
    job = read(JOB + "windowing: {rows: 0100}\nevaluation: {single_task_baseline: on}\n", tmp_path)
    assert (job.windowing.rows, job.evaluation.single_task_baseline) == (64, True)


def test_every_kind_of_column_may_be_required(tmp_path: Path) -> None:
    kinds = ("number", "category", "boolean", "datetime")
    lines = "".join(f"    {kind}: {{type: {kind}, required: true}}\n" for kind in kinds)
    inputs = read(JOB.replace("    x: {type: number}\n", lines), tmp_path).schema.inputs
    assert [inputs[kind].required for kind in (*kinds, "picture")] == [True] * 4 + [False]


def test_defaults_fill_all_but_name_source_and_schema(tmp_path: Path) -> None:
    job = read(JOB, tmp_path)
    assert (job.name, job.model.embed_dim, job.registered_model) == ("sales", 64, "sales")
    assert job.holdout == HoldoutFraction(fraction=0.15)


@pytest.mark.parametrize(
    ("added", "line", "said"),
    [
        ("modle: {}", 8, "modle: no such key; did you mean 'model'?"),
        ("model: {embed_dmi: 8}", 8, "model.embed_dmi: no such key; did you mean 'embed_dim'?"),
        (
            "growth:\n  epochs: 3\n  batchsize: 4",
            10,
            "growth.batchsize: no such key; did you mean 'batch_size'?",
        ),
        ("epochs: 3", 8, "epochs: no such key; did you mean 'growth.epochs'?"),
        ("zzz: 3", 8, "zzz: no such key; keys here are name, source"),
        ("model: {embed_dim: wide}", 8, "model.embed_dim: must be a whole number, not 'wide'"),
        ("model: {embed_dim: 63}", 8, "model.embed_dim: embed_dim 63 must be a multiple of num_heads 4"),
        ("model: 5", 8, "model: must be a section with keys of its own, not 5"),
        (
            "growth: {windowing: {rows: 3}}",
            8,
            "growth.windowing: no such key here; 'windowing' stands at the top of the file, in no section",
        ),
        ("metric: roc_acu", 8, "not 'roc_acu'; did you mean 'roc_auc'?"),
        ("class_weight: balancd", 8, "class_weight: must be 'balanced', not 'balancd'"),
        ("class_weight: {1: 5.0}", 8, "class_weight.1: the name 1 must be text; put it in quotes"),
        ("class_weight: {a: many}", 8, "class_weight.a: must be a number, not 'many'"),
        ("class_weight: {a: -1.0}", 8, "class_weight of 'a' must be a number above 0, not -1.0"),
        (
            "drift:\n  detectors: [output-sk]",
            9,
            "drift.detectors[0]: 'output-sk' is unknown; did you mean 'output-ks'",
        ),
        ("drift: {detectors: output-ks}", 8, "drift.detectors: must be a list, not 'output-ks'"),
        ("drift: {alpha: 2}", 8, "drift.alpha: alpha 2.0 must lie between 0 and 1"),
        ("holdout: {fraction: 0.95}", 8, "holdout.fraction: fraction 0.95 must lie between 0 and 0.9"),
        ("holdout: most", 8, "holdout: must be a section with keys of its own, not 'most'"),
        ("holdout: {urll: x}", 8, "holdout.urll: no such key; did you mean 'url'?"),
        ("holdout: {pattern: x}", 8, "holdout.url: must be given"),
        (
            "holdout: {fraction: 0.3, url: x}",
            8,
            "holdout.url: cannot be given together with 'fraction'",
        ),
        ("holdout: {url: x}", 8, "holdout rows of their own need a task column"),
        ("retain: som", 8, "retain: must be 'none' or 'all', not 'som'"),
        ("retain: {per_clas: 3}", 8, "retain.per_clas: no such key; did you mean 'per_class'?"),
        ("consolidation: {}", 8, "consolidation: consolidation needs rows of every task: set retain"),
        (
            "consolidation: {target_branch: 2}",
            8,
            "consolidation.target_branch: no such key; did you mean 'target_branches'?",
        ),
        ("schedule: {every: soon}", 8, "schedule.every: 'soon' is not a duration"),
        ("schedule: {every: 5}", 8, "schedule.every: must be text, not 5; put it in quotes"),
        ("schedule: {every: 5m, cron: 0 3 * * *}", 8, "schedule.every: give every or cron, not both"),
        ("schedule: {cron: 0 3 * * 8}", 8, "schedule.cron: cron '0 3 * * 8': '8' is not a valid weekday"),
        ("schedule: {cron: 0 0 31 2 *}", 8, "schedule.cron: cron '0 0 31 2 *' never comes due"),
        ("schedule: {cron: 0 3 * *}", 8, "schedule.cron: '0 3 * *' is not a crontab line of five fields"),
        ("registry: {promote: autom}", 8, "registry.promote: must be 'auto' or 'manual', not 'autom'"),
        ("windowing: {rows: 0}", 8, "windowing.rows: rows must be 1 or more"),
        ("serving: {request_log: {}}", 8, "serving: serving.request_log needs schema.id_column"),
        ("serving: {request_log: {sampel: 1}}", 8, "request_log.sampel: no such key; did you mean 'sample'?"),
        ("name: again", 8, "name: given twice, first on line 1"),
    ],
)
def test_a_misspelt_or_impossible_key_names_line_key_and_cure(
    added: str, line: int, said: str, tmp_path: Path
) -> None:
    told = refusal(JOB + added, tmp_path)
    assert f"job.yaml, line {line}: " in told
    assert said in told


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("type: folder", "type: foldre", "line 2: source.type: 'foldre' is unknown; did you mean 'folder'?"),
        (
            "type: number",
            "type: nubmer",
            "line 5: schema.inputs.x.type: must be 'image', 'number', 'category', 'tokens', 'series', "
            "'boolean', 'datetime' or 'text'",
        ),
        ("type: number", "typ: number", "line 5: schema.inputs.x.typ: no such key; did you mean 'type'?"),
        ("x: {", "7: {", "line 5: schema.inputs.7: the name 7 must be text; put it in quotes"),
        (", shape: [1, 8, 8]", "", "line 6: schema.inputs.picture: an image needs shape"),
        ("[1, 8, 8]", "[1, 8]", "line 6: schema.inputs.picture.shape: shape [1, 8] must be [1 or 3, height"),
        (
            "type: number",
            "type: tokens",
            "line 5: schema.inputs.x: a column of tokens needs vocabulary: ids run from 0",
        ),
        (
            "type: number",
            "type: tokens, vocabulary: 9",
            "line 5: schema.inputs.x: a column of tokens needs length: tokens",
        ),
        (
            "type: number",
            "type: tokens, vocabulary: nine, length: 3",
            "line 5: schema.inputs.x.vocabulary: must be a whole number, not 'nine'",
        ),
        (
            "type: number",
            "type: tokens, vocab: 9",
            "schema.inputs.x.vocab: no such key; did you mean 'vocabulary'",
        ),
        (
            "type: number",
            "type: series, shape: [3]",
            "line 5: schema.inputs.x.shape: shape [3] must be [steps, channels]",
        ),
        ("type: number", "type: series, shape: 3", "line 5: schema.inputs.x.shape: must be a list, not 3"),
        (
            "type: number",
            "type: series, shape: [3, 1], length: 4",
            "line 5: schema.inputs.x.length: length is for tokens and text; this input is a series",
        ),
        ("label: label", "label: x", "line 7: schema.label: column 'x' is an input and the label"),
        ("label: label", "label: no", "line 7: schema.label: must be text, not False; put it in quotes"),
        ("name: sales", "name: Sales Data", "line 1: name: name 'Sales Data' must be lower-case"),
        ("name: sales\n", "", "line 1: name: must be given"),
        ("url: data/incoming", "url: ' '", "line 2: source.url: url must name a folder"),
    ],
)
def test_what_is_wrong_inside_the_wanted_keys_is_named_too(
    before: str, after: str, said: str, tmp_path: Path
) -> None:
    assert said in refusal(JOB.replace(before, after), tmp_path)


def test_several_problems_are_all_listed_in_order(tmp_path: Path) -> None:
    told = refusal(JOB + "modle: {}\ngates: {mn_gain: 1}\ndrift: {alpha: x}\n", tmp_path)
    lines = told.splitlines()
    assert lines[0].endswith("has 3 problems:")
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["line 8", "line 9", "line 10"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: a job file is a mapping"),
        ("- a\n- b\n", "line 1: a job file is a mapping"),
        ("name: [unclosed\n", "not YAML"),
        ("name: a\n  bad: indent\n", "line 2: not YAML"),
        ("name: !!python/object:os.system x\n", "not YAML"),
        ("a: &loop [*loop]\n", "aliases"),
    ],
)
def test_what_is_no_job_file_at_all_is_said_so(text: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(text, tmp_path)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"cannot read .*absent\.yaml: No such file"):
        read_job(tmp_path / "absent.yaml", tmp_path)
    (tmp_path / "data.yaml").write_bytes(b"PAR1\xff\xfe\x00")
    with pytest.raises(JobError, match="is not text"):
        read_job(tmp_path / "data.yaml", tmp_path)


def test_local_folders_are_made_absolute_and_urls_stay(tmp_path: Path) -> None:
    tasks = JOB + "  task: task\nholdout: {url: ../test}\n"
    job = read(tasks, tmp_path)
    assert job.source.url == str(tmp_path / "data" / "incoming")
    assert isinstance(job.holdout, HoldoutFiles)
    assert job.holdout.url == str(tmp_path.parent / "test")
    assert read(JOB.replace("data/incoming", "s3://bucket/in"), tmp_path).source.url == "s3://bucket/in"


@pytest.mark.parametrize("name", ["digits", "fashion_mnist"])
def test_the_job_files_of_this_repository_are_sound(name: str, tmp_path: Path) -> None:
    job = read_job(Path(__file__).parents[3] / "jobs" / f"{name}.yaml", tmp_path)
    assert job.registered_model == name.replace("_", "-")


LOGGING = """\
  id_column: id
windowing: {rows: 10}
serving:
  request_log: {sample: 0.5}
"""


def test_answered_rows_are_logged_where_the_source_takes_their_file(tmp_path: Path) -> None:
    log = read(JOB + LOGGING, tmp_path).serving.request_log
    assert log is not None
    assert (log.sample, log.flush_rows, log.flush_every_s) == (0.5, 1000, 60.0)
    narrow = JOB.replace("url: data/incoming", 'url: data/incoming, pattern: "*.csv"')
    told = refusal(narrow + LOGGING, tmp_path)
    assert "line 11: serving.request_log: the source takes files '*.csv'; none of them ends in .par" in told


SQL_JOB = JOB.replace(
    "source: {type: folder, url: data/incoming}",
    "source: {sql: {connection: warehouse, query: SELECT * FROM orders, key: id}}",
)


def test_a_source_may_be_a_query(tmp_path: Path) -> None:
    source = read(SQL_JOB, tmp_path).source
    assert source == SqlSourceConfig(
        sql=SqlQuery(connection="warehouse", query="SELECT * FROM orders", key="id")
    )
    assert source.url == "sql://warehouse/id"


@pytest.mark.parametrize(
    ("text", "changed", "said"),
    [
        ("connection: warehouse", "connection: 'postgresql://ann:geheim@db/o'", "source.sql.connection"),
        ("key: id", "kee: id", "source.sql.kee: no such key; did you mean 'key'?"),
        ("key: id", "key: id, batch_rows: 0", "source.sql.batch_rows: batch_rows 0 must be 1 or more"),
        ("key: id", "key: id, lag: soon", "is not a duration"),
        ("key: id", "key: id, time_column: at", "time_column 'at' decides nothing without a lag"),
        ("SELECT * FROM orders", "' '", "source.sql.query: query must be a SELECT"),
        ("sql: {", "url: in, sql: {", "cannot be given together with"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_meant_is_told(tmp_path: Path, text: str, changed: str, said: str) -> None:
    told = refusal(SQL_JOB.replace(text, changed), tmp_path)
    assert said in told
    assert "geheim" not in told
