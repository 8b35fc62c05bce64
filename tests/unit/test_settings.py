from __future__ import annotations

from pathlib import Path

import pytest

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.execution import Execution
from growlearn.settings import read_settings


def test_everything_lives_under_home_unless_named(tmp_path: Path) -> None:
    settings = read_settings({}, tmp_path)
    assert settings.home == tmp_path / ".growlearn"
    assert settings.database_url == f"sqlite:///{tmp_path}/.growlearn/growlearn.db"
    assert settings.artifacts_url == str(tmp_path / ".growlearn" / "artifacts")
    assert settings.mlflow_tracking_uri == f"sqlite:///{tmp_path}/.growlearn/mlflow.db"


def test_a_variable_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    (tmp_path / "growlearn.toml").write_text('home = "of-file"\nthreads = 3\nlease_s = 7.5\n')
    settings = read_settings({"GROWLEARN_HOME": "of-environment"}, tmp_path)
    assert (settings.home, settings.threads, settings.lease_s) == (tmp_path / "of-environment", 3, 7.5)


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert read_settings({"GROWLEARN_HOME": ""}, tmp_path).home == tmp_path / ".growlearn"


def test_a_misspelt_key_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "growlearn.toml").write_text('databse_url = "sqlite://"\n')
    with pytest.raises(GrowLearnError, match=r"databse_url.*growlearn\.toml.*did you mean 'database_url'"):
        read_settings({}, tmp_path)


def test_a_misspelt_variable_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(GrowLearnError, match=r"GROWLEARN_THREDS.*did you mean 'GROWLEARN_THREADS'"):
        read_settings({"GROWLEARN_THREDS": "2"}, tmp_path)


def test_the_protocols_are_a_list_or_names_with_commas(tmp_path: Path) -> None:
    assert read_settings({}, tmp_path).protocols == ("s3", "gs", "abfs")
    assert read_settings({"GROWLEARN_PROTOCOLS": "s3, SFTP,"}, tmp_path).protocols == ("s3", "sftp")
    (tmp_path / "growlearn.toml").write_text('protocols = ["memory"]\nartifacts_url = "memory://a"\n')
    assert read_settings({}, tmp_path).artifacts_url == "memory://a"
    with pytest.raises(GrowLearnError, match=r"artifacts_url in .*: protocol memory is not allowed here"):
        read_settings({"GROWLEARN_PROTOCOLS": "s3"}, tmp_path)
    (tmp_path / "growlearn.toml").write_text("protocols = [1]\n")
    with pytest.raises(GrowLearnError, match=r'give a list such as \["s3", "sftp"\]'):
        read_settings({}, tmp_path)


def test_the_limits_of_files_are_settings(tmp_path: Path) -> None:
    limits = read_settings(
        {"GROWLEARN_MAX_FILE_ROWS": "5", "GROWLEARN_MAX_ROW_BYTES": "6"}, tmp_path
    ).file_limits
    assert (limits.max_rows, limits.max_row_bytes, limits.max_bytes) == (5, 6, 16 * 2**30)


@pytest.mark.parametrize("line", ["threads = " + "9" * 5_000, "a = " + "[" * 3_000])
def test_a_settings_file_that_python_cannot_hold_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "growlearn.toml").write_text(line)
    with pytest.raises(GrowLearnError, match=r"growlearn\.toml is not TOML"):
        read_settings({}, tmp_path)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("THREADS", "0"), ("THREADS", "1.5"), ("LEASE_S", "soon"), ("LEASE_S", "inf"), ("POLL_S", "nan")],
)
def test_an_impossible_number_is_refused_by_name(variable: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(GrowLearnError, match=f"GROWLEARN_{variable} is '{value}'"):
        read_settings({f"GROWLEARN_{variable}": value}, tmp_path)


def test_a_way_of_execution_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    assert read_settings({}, tmp_path).execution is Execution.LOOP
    assert read_settings({"GROWLEARN_EXECUTION": "auto"}, tmp_path).execution is Execution.AUTO
    with pytest.raises(GrowLearnError, match=r"GROWLEARN_EXECUTION is 'fast' .*loop, stacked, workers, auto"):
        read_settings({"GROWLEARN_EXECUTION": "fast"}, tmp_path)


def test_a_device_is_named_and_a_misspelt_one_refused_with_the_names(tmp_path: Path) -> None:
    assert read_settings({}, tmp_path).device == "auto"
    assert read_settings({"GROWLEARN_DEVICE": "cuda:1"}, tmp_path).device == "cuda:1"
    with pytest.raises(GrowLearnError, match=r"GROWLEARN_DEVICE is 'gpu' .*auto, cpu, cuda, cuda:N, mps"):
        read_settings({"GROWLEARN_DEVICE": "gpu"}, tmp_path)


@pytest.mark.parametrize("content", [b"home = ", b"\xff\xfe"])
def test_a_broken_file_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "growlearn.toml").write_bytes(content)
    with pytest.raises(GrowLearnError, match=r"growlearn\.toml is not TOML"):
        read_settings({}, tmp_path)


def test_text_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "growlearn.toml").write_text("home = 3\n")
    with pytest.raises(GrowLearnError, match=r"home in .* must be text"):
        read_settings({}, tmp_path)


def test_a_variable_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    assert read_settings({"GROWLEARN_DEPLOY_COLOUR": "blue"}, tmp_path) == read_settings({}, tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/x", "host/x", "https://", "https://[::1/x", "https://host:port/x", "https://ann:pw@host/x",
        "https://host/a b", "https://höst/x", "file:///etc/passwd", "https://host/\r\nx",
    ],
)  # fmt: skip
def test_a_webhook_is_a_plain_web_address_and_is_not_shown(url: str, tmp_path: Path) -> None:
    with pytest.raises(GrowLearnError, match="GROWLEARN_WEBHOOK_URL is no web address") as caught:
        read_settings({"GROWLEARN_WEBHOOK_URL": url}, tmp_path)
    assert url == "https://" or url not in str(caught.value)
    good = read_settings(
        {"GROWLEARN_WEBHOOK_URL": "https://host/x", "GROWLEARN_WEBHOOK_SECRET": "s3"}, tmp_path
    )
    assert good.webhook_url == "https://host/x"
    assert "host/x" not in repr(good)
    assert "s3" not in repr(good).replace("'s3'", "")


def test_alerts_are_chosen_by_name(tmp_path: Path) -> None:
    (tmp_path / "growlearn.toml").write_text('webhook_events = ["drift", "failure"]')
    assert read_settings({}, tmp_path).webhook_events == ("drift", "failure")
    with pytest.raises(GrowLearnError, match="names 'drfit'") as caught:
        read_settings({"GROWLEARN_WEBHOOK_EVENTS": "drfit"}, tmp_path)
    assert caught.value.hint == "alerts are: drift, promotion, approval, rejection, failure, canary, silence"
    with pytest.raises(GrowLearnError, match="GROWLEARN_WEBHOOK_FORMAT is 'xml'"):
        read_settings({"GROWLEARN_WEBHOOK_FORMAT": "xml"}, tmp_path)


def test_an_engine_is_one_that_there_is(tmp_path: Path) -> None:
    assert read_settings({}, tmp_path).engine == "local"
    assert read_settings({"GROWLEARN_ENGINE": "ray", "GROWLEARN_RAY_GPUS": "0.5"}, tmp_path).ray_gpus == 0.5
    with pytest.raises(GrowLearnError, match=r"GROWLEARN_ENGINE is 'rai' \(give one of local, ray"):
        read_settings({"GROWLEARN_ENGINE": "rai"}, tmp_path)


def test_connections_are_a_table_or_json(tmp_path: Path) -> None:
    assert read_settings({}, tmp_path).connections == {}
    (tmp_path / "growlearn.toml").write_text('connections = {warehouse = "sqlite:////srv/w.db"}')
    assert read_settings({}, tmp_path).connections == {"warehouse": "sqlite:////srv/w.db"}
    environ = {"GROWLEARN_CONNECTIONS": '{"other-1": "postgresql://ann:geheim@db/o"}'}
    settings = read_settings(environ, tmp_path)
    assert settings.connections == {"other-1": "postgresql://ann:geheim@db/o"}
    assert "geheim" not in repr(settings)


@pytest.mark.parametrize("value", ["postgresql://ann:geheim@db/o", '["geheim"]', '{"a": 3}', "[" * 100_000])
def test_connections_that_are_none_are_told_without_an_address(tmp_path: Path, value: str) -> None:
    with pytest.raises(
        GrowLearnError, match=r"CONNECTIONS must give the URL of each database by a name"
    ) as told:
        read_settings({"GROWLEARN_CONNECTIONS": value}, tmp_path)
    assert "geheim" not in str(told.value)


def test_a_connection_has_a_plain_name(tmp_path: Path) -> None:
    with pytest.raises(GrowLearnError, match=r"CONNECTIONS has the name 'Big One' \(use lower-case"):
        read_settings({"GROWLEARN_CONNECTIONS": '{"Big One": "sqlite:///a.db"}'}, tmp_path)


def test_an_empty_text_of_the_file_counts_as_not_set(tmp_path: Path) -> None:
    default = read_settings({}, tmp_path)
    (tmp_path / "growlearn.toml").write_text('home = ""\nworker = ""\n')
    assert read_settings({}, tmp_path) == default


@pytest.mark.parametrize(
    ("variable", "value", "most"),
    [("API_PORT", "65536", "65535"), ("POLL_S", "1e300", "86400"), ("LEASE_S", "90000", "86400")],
)
def test_a_number_that_nothing_can_work_with_is_refused(
    variable: str, value: str, most: str, tmp_path: Path
) -> None:
    with pytest.raises(GrowLearnError, match=rf"GROWLEARN_{variable} is .* to {most}"):
        read_settings({f"GROWLEARN_{variable}": value}, tmp_path)


def test_a_settings_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "growlearn.toml").mkdir()
    with pytest.raises(GrowLearnError, match=r"cannot read .*growlearn\.toml: Is a directory"):
        read_settings({}, tmp_path)
