"""Homes and folders whose names hold what a URL, a chain or an escape would read as something else."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from growlearn.adapters.db.migrate import upgrade_database
from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.sources import open_source
from growlearn.app.doctor.context import CheckContext
from growlearn.app.doctor.database import database
from growlearn.app.doctor.disk import disk
from growlearn.app.jobfile import read_job
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.settings import Settings, read_settings
from tests.command_line import call
from tests.odd_names import LOOKALIKES, ODD_NAMES

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})


def _write_record(settings: Settings, stream: str) -> str:
    upgrade_database(settings.database_url)
    with open_db_store(settings.database_url) as store:
        job = Job(name=stream, source=SourceConfig(url="/in"), schema=SCHEMA)
        store.apply(job, ManualClock().now())
    return FileArtifacts(settings.artifacts_url).put(stream.encode())


def _require_record(settings: Settings, stream: str, digest: str) -> None:
    with open_db_store(settings.database_url) as store:
        assert [each.name for each in store.streams()] == [stream]
    assert FileArtifacts(settings.artifacts_url).get(digest) == stream.encode()
    context = CheckContext(settings=settings, clock=ManualClock())
    (finding,) = database(context)
    assert finding.message.startswith(f"sqlite:///{settings.home}/growlearn.db is sound")
    assert [each.state.value for each in disk(context)] == ["ok"]


def _tables(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        count: int = connection.execute("SELECT count(*) FROM growlearn_streams").fetchone()[0]
        return count


def _settings(folder: Path, how: str) -> Settings:
    """The same places, named in each way that the settings know."""
    if how == "working folder":
        folder.mkdir()
        return read_settings({}, folder)
    named = {"GROWLEARN_HOME": str(folder)}
    if how == "urls":
        named["GROWLEARN_DATABASE_URL"] = f"sqlite:///{folder}/growlearn.db"
        named["GROWLEARN_ARTIFACTS_URL"] = f"{folder}/artifacts"
    return read_settings(named, folder.parent)


@pytest.mark.parametrize("how", ["home", "urls", "working folder"])
@pytest.mark.parametrize("names", LOOKALIKES, ids=" and ".join)
def test_two_homes_that_differ_by_a_spelling_share_nothing(
    names: tuple[str, str], how: str, tmp_path: Path
) -> None:
    homes = {name: _settings(tmp_path / name, how) for name in names}
    digests = {name: _write_record(homes[name], f"s{index}") for index, name in enumerate(names)}

    for index, name in enumerate(names):
        _require_record(homes[name], f"s{index}", digests[name])
        assert homes[name].home.is_relative_to(tmp_path / name)
        assert _tables(homes[name].home / "growlearn.db") == 1
        assert (homes[name].home / "artifacts").is_dir()
    assert {path.name for path in tmp_path.iterdir()} == set(names)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_source_folder_is_read_where_it_lies(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name / name
    folder.mkdir(parents=True)
    (folder / f"{name}.csv").write_bytes(b"x,label\n1,a\n")
    job_file = tmp_path / "job.yaml"
    job_file.write_text(
        f"name: s\nsource: {{type: folder, url: '{name}/{name}', pattern: '*.csv', min_file_age_s: 0}}\n"
        "schema: {inputs: {x: {type: number}}}\n",
        encoding="utf-8",
    )
    job = read_job(job_file, tmp_path)
    assert job.source.url == str(folder)
    for url in (job.source.url, f"file://{folder}"):
        if "%" in name and url.startswith("file:"):
            continue  # refused, see tests/unit/domain/test_locations.py
        source = open_source(SourceConfig(url=url, min_file_age_s=0), ManualClock())
        (file,) = source.files()
        assert file.url == f"{folder}/{name}.csv"
        assert source.read(file) == {f"{name}.csv": b"x,label\n1,a\n"}


def test_a_stream_grows_and_answers_in_a_folder_of_an_odd_name(
    tmp_path: Path, add_mlflow_store: Callable[[Path], None]
) -> None:
    folder = tmp_path / "home%41 ?a=1#b::\u00fc"
    (folder / "in%20coming").mkdir(parents=True)
    add_mlflow_store(folder / ".growlearn")
    rows = "".join(f"{row % 7 + row / 100 + 50 * (row % 2)},{'ab'[row % 2]}\n" for row in range(200))
    (folder / "in%20coming" / "w#1.csv").write_text(f"x,label\n{rows}")
    (folder / "job.yaml").write_text(
        "name: odd\nsource: {type: folder, url: in%20coming, pattern: '*.csv', min_file_age_s: 0}\n"
        "schema: {inputs: {x: {type: number}}}\nmodel: {embed_dim: 8, num_heads: 2}\n"
        "growth: {epochs: 5, batch_size: 32, learning_rate: 0.02}\nholdout: {fraction: 0.3}\n"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GROWLEARN_")}
    environment |= {"GROWLEARN_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "200"}

    run = call(folder, environment, ("run", "job.yaml"))
    assert run.code == 0, run.err
    assert len(call(folder, environment, ("versions", "odd", "--json")).json["versions"]) == 1
    predict = ("predict", "odd", "in%20coming/w#1.csv", "--out", "out%20put/p.csv")
    assert call(folder, environment, predict).code == 0
    assert (folder / "out%20put" / "p.csv").read_text().count("\n") == 201
    findings = call(folder, environment, ("doctor", "--json")).json["findings"]
    assert [each for each in findings if each["state"] == "error"] == []
    assert {path.name for path in tmp_path.iterdir()} == {folder.name}
    assert list((folder / ".growlearn" / "mlartifacts" / "odd").rglob("MLmodel"))
