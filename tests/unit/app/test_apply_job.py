from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from growlearn.adapters.memory.store import MemoryStore
from growlearn.app.apply_job import Allowed, apply_job, format_next_runs
from growlearn.domain.errors import JobError
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import HoldoutFiles, Job, RegistryConfig, Schedule, SourceConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.sql_source import SqlQuery, SqlSourceConfig
from growlearn.domain.window import IngestResult, SourceFile, Window, WindowState

AT = datetime(2026, 1, 1, tzinfo=UTC)
JOB = Job(
    name="a",
    source=SourceConfig(url="/data"),
    schema=Schema(inputs={"x": InputColumn(type=InputType.NUMBER), "y": InputColumn(type=InputType.NUMBER)}),
)


TASKS = replace(JOB, schema=replace(JOB.schema, task="task"))


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    apply_job(store, JOB)
    return store


def take_in(store: MemoryStore, state: WindowState, snapshot: str | None) -> None:
    window = Window(
        stream="a", number=1, state=state, source="f", discovered_at=AT, updated_at=AT, snapshot=snapshot
    )
    file = SourceFile(url="f", fingerprint="1", size_bytes=1)
    store.record_ingest(
        IngestResult(
            stream="a", file=file, sha256=None, schema="0" * 16, rows=1, windows=(window,), bad_rows=(), at=AT
        )
    )


CHANGES: dict[str, Callable[[Schema], Schema]] = {
    "column 'y' is no input any more": lambda schema: replace(schema, inputs={"x": schema.inputs["x"]}),
    "column 'y' was number and is category": lambda schema: replace(
        schema, inputs=schema.inputs | {"y": InputColumn(type=InputType.CATEGORY)}
    ),
    "column 'y' has another place among the inputs": lambda schema: replace(
        schema, inputs=dict(reversed(schema.inputs.items()))
    ),
    "the label was column 'label' and is column 'target'": lambda schema: replace(schema, label="target"),
    "the task was none and is column 'task'": lambda schema: replace(schema, task="task"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_schema_of_stored_rows_stays(change: str, store: MemoryStore) -> None:
    changed = replace(JOB, schema=CHANGES[change](JOB.schema))
    take_in(store, WindowState.ACCEPTED, "0" * 64)
    with pytest.raises(JobError, match=f"schema of stream 'a' cannot change, .*: {change}"):
        apply_job(store, changed)
    assert store.stream("a").job == JOB


def test_a_schema_by_which_every_file_was_quarantined_can_be_mended(store: MemoryStore) -> None:
    take_in(store, WindowState.QUARANTINED, None)
    changed = replace(JOB, schema=replace(JOB.schema, label="target"))
    assert apply_job(store, changed).stream.job == changed


def test_everything_else_may_change_at_any_time(store: MemoryStore) -> None:
    take_in(store, WindowState.ACCEPTED, "0" * 64)
    changed = replace(JOB, schedule=Schedule(every="1h"), source=SourceConfig(url="/elsewhere"))
    applied = apply_job(store, changed)
    assert (applied.created, applied.stream.job) == (False, changed)


def test_two_streams_never_share_a_registered_model(store: MemoryStore) -> None:
    with pytest.raises(JobError, match="'a' is the model of stream 'a'"):
        apply_job(store, replace(JOB, name="b", registry=RegistryConfig(model="a")))
    assert apply_job(store, replace(JOB, name="b")).created


@pytest.mark.parametrize(
    ("model", "key"),
    [
        (ModelConfig(embed_dim=128, num_heads=4), "embed_dim"),
        (ModelConfig(depth=2), "depth"),
        (ModelConfig(stem="patches"), "stem"),
    ],
)
def test_a_network_that_can_have_no_effect_any_more_is_refused(
    model: ModelConfig, key: str, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown = replace(store.stream("a"), parent_version=1)
    monkeypatch.setattr(store, "streams", lambda: [grown])
    with pytest.raises(JobError, match=f"model.{key} of stream 'a' cannot change any more: .*no effect"):
        apply_job(store, replace(JOB, model=model))
    assert (
        apply_job(store, replace(JOB, model=ModelConfig(max_branches=8))).stream.job.model.max_branches == 8
    )


def test_the_size_of_a_network_may_change_before_the_first_branch(store: MemoryStore) -> None:
    wide = ModelConfig(embed_dim=128, num_heads=4)
    assert apply_job(store, replace(JOB, model=wide)).stream.job.model == wide


@pytest.mark.parametrize("url", ["http://host/in", "reference://in", "filecache::s3://b/in"])
def test_a_file_system_that_is_not_allowed_is_refused(url: str) -> None:
    job = replace(JOB, source=SourceConfig(url=url))
    with pytest.raises(JobError, match="is not allowed here"):
        apply_job(MemoryStore(), job)
    with pytest.raises(JobError, match="is not allowed here"):
        apply_job(MemoryStore(), replace(TASKS, holdout=HoldoutFiles(url=url)))
    allowed = Allowed(protocols=("http", "reference", "filecache", "s3"))
    assert apply_job(MemoryStore(), job, allowed).created


def test_a_connection_that_the_settings_lack_is_refused() -> None:
    source = SqlSourceConfig(sql=SqlQuery(connection="warehouse", query="SELECT 1 AS id", key="id"))
    job = replace(JOB, source=source)
    with pytest.raises(JobError, match=r"'warehouse' is not among .*; there are other \(add it to"):
        apply_job(MemoryStore(), job, Allowed(connections=("other",)))
    assert apply_job(MemoryStore(), job, Allowed(connections=("warehouse",))).created


def test_the_next_due_times_name_weekday_and_zone() -> None:
    told = format_next_runs(replace(JOB, schedule=Schedule(cron="0 3 * * 0")))
    assert [time[:3] for time in told.split(", ")] == ["Sun"] * 3
    assert told.endswith(" 03:00:00 UTC")


def test_a_device_that_this_machine_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("growlearn.network.devices.list_devices", lambda: ["cpu"])
    job = replace(JOB, growth=GrowthConfig(device="cuda"))
    message = (
        r"growth.device is 'cuda', but this machine has no device but cpu "
        r"\(write one of auto, cpu, or apply the job on the machine that trains\)"
    )
    with pytest.raises(JobError, match=message):
        apply_job(MemoryStore(), job)
    monkeypatch.setattr("growlearn.network.devices.list_devices", lambda: ["cuda:0", "cpu"])
    assert apply_job(MemoryStore(), job).created
