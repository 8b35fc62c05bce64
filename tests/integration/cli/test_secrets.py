"""No password of an address is printed, stored with a window, sent to MLflow or given as an argument."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from growlearn.adapters.engines.protocol import ChildWork
from growlearn.app.training_process import build_training_command
from growlearn.registry.json_codec import to_json

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Place

SECRET = "hunter2Zq"


def with_settings(place: Place, **settings: str) -> Place:
    variables = {f"GROWLEARN_{name.upper()}": value for name, value in settings.items()}
    return replace(place, environment=place.environment | variables)


DATABASES = [
    f"postgresql://ann:{SECRET}@127.0.0.1:1/x",
    f"postgresql://127.0.0.1:1/x?password={SECRET}&user=ann",
    f"postgresql://ann:a/{SECRET}@127.0.0.1:1/x",
    f"postgres//ann:{SECRET}@db",
    f"oracle://ann:{SECRET}@db/x",
]


@pytest.mark.parametrize("url", DATABASES)
def test_no_command_shows_the_password_of_a_database(empty_place: Place, url: str) -> None:
    place = with_settings(empty_place, database_url=url)
    for command in (("status",), ("db", "check"), ("db", "backup", "x"), ("fsck",)):
        done = place.growlearn(*command)
        assert done.code == 1
        assert SECRET not in done.out + done.err


@pytest.mark.parametrize(
    "settings",
    [
        {"database_url": DATABASES[1], "artifacts_url": f"nothing://KEY:{SECRET}@bucket/x"},
        {"mlflow_tracking_uri": f"http://ann:{SECRET}@127.0.0.1:1"},
        {"database_url": DATABASES[3], "mlflow_tracking_uri": f"http://127.0.0.1:1/?token={SECRET}"},
        {"database_url": DATABASES[0], "mlflow_tracking_uri": f"ftp://ann:{SECRET}@host"},
    ],
    ids=str,
)
def test_nor_does_the_doctor(empty_place: Place, settings: dict[str, str]) -> None:
    place = with_settings(empty_place, **settings)
    place = replace(place, environment=place.environment | {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"})
    done = place.growlearn("doctor", "--json")
    assert done.code == 1
    assert SECRET not in done.out + done.err


@pytest.mark.parametrize(
    "line",
    [
        f'database_url = ["postgresql://ann:{SECRET}@db/x"]',
        f'database_url = {{url = "postgresql://ann:{SECRET}@db/x"}}',
        f'database_url = {{password = "{SECRET}"}}',
        f'mlflow_tracking_uri = ["s3://KEY:{SECRET}@bucket", 3]',
        f'parallel_streams = "https://host/?token={SECRET}"',
        f'webhook_url = "ftp://host/{SECRET}"',
        f'webhook_url = ["https://host/{SECRET}"]',
        f'webhook_secret = ["{SECRET}"]',
    ],
)
def test_nor_does_the_complaint_about_a_settings_file(empty_place: Place, line: str) -> None:
    (empty_place.folder / "growlearn.toml").write_text(line)
    done = empty_place.growlearn("status")
    assert done.code == 1
    assert SECRET not in done.out + done.err


def test_the_source_of_a_job_is_shown_without_its_password(empty_place: Place) -> None:
    job = (empty_place.folder / "blobs.yaml").read_text()
    url = f"memory://in?token={SECRET}"
    (empty_place.folder / "growlearn.toml").write_text('protocols = ["memory"]\n')
    (empty_place.folder / "blobs.yaml").write_text(job.replace("url: incoming", f'url: "{url}"'))
    outputs = [
        empty_place.growlearn(*command)
        for command in (
            ("apply", "blobs.yaml"),
            ("run", "blobs"),
            ("status",),
            ("why", "blobs"),
            ("why", "blobs", "--json"),
        )
    ]
    assert outputs[0].code == 0, outputs[0].err
    assert "token=***" in outputs[0].out
    for done in outputs:
        assert SECRET not in done.out + done.err


def test_the_arguments_of_a_training_hold_no_address(tmp_path: Path) -> None:
    assert "://" not in " ".join(build_training_command(tmp_path, 1, "cpu"))


def test_a_training_reads_its_addresses_from_its_input(tmp_path: Path) -> None:
    """Here an address that cannot be opened: the answer comes back without its password."""
    addresses = json.dumps([f"nothing://KEY:{SECRET}@bucket/x"])
    command = build_training_command(tmp_path, 1, "cpu")
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdin.write(f"{addresses}\n{to_json(ChildWork(plans=()), ChildWork).decode()}\n")
        child.stdin.flush()  # it stays open, as a parent that lives keeps it
        answer, errors = child.stdout.readline(), child.stderr.read()
    assert child.returncode == 1
    assert "KEY:***@bucket" in json.loads(answer)["reason"]
    assert SECRET not in answer + errors


def test_a_crash_shows_its_traceback_without_passwords() -> None:
    code = (
        "import sys\n"
        "from growlearn.app import main\n"
        f"def crash(): raise RuntimeError('lost postgresql://ann:{SECRET}@db/x')\n"
        "main.app = crash\n"
        "main.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "RuntimeError: lost postgresql://ann:***@db/x" in done.stderr
    assert SECRET not in done.stderr.replace(code, "")


def test_everything_in_a_home_is_for_its_user_alone(grown: Any, copied: Place) -> None:
    exceptions = {"mlflow.db", "mlflow.db.lock"}  # these the tests themselves put there
    assert [path for path in grown.open_paths if path.name not in exceptions] == []
    done = copied.growlearn("predict", "blobs", "incoming/1.parquet", "--out", "p.csv")
    assert done.code == 0
    assert (copied.folder / "p.csv").stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    import os  # noqa: PLC0415 - for this alone

    current = os.umask(0o022)
    os.umask(current)
    return current


def test_a_new_home_is_for_its_user_alone(
    empty_place: Place, add_mlflow_store: Callable[[Path], None]
) -> None:
    assert empty_place.growlearn("apply", "blobs.yaml").code == 0
    home = empty_place.folder / ".growlearn"
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "growlearn.db").stat().st_mode & 0o777 == 0o600


def test_no_row_about_a_window_holds_a_password(empty_place: Place) -> None:
    """The address itself is in the job, which has to open it, and nowhere else."""
    job = (empty_place.folder / "blobs.yaml").read_text()
    url = f"memory://KEY:{SECRET}@in"
    (empty_place.folder / "growlearn.toml").write_text('protocols = ["memory"]\n')
    (empty_place.folder / "blobs.yaml").write_text(job.replace("url: incoming", f'url: "{url}"'))
    empty_place.growlearn("run", "blobs.yaml")
    with closing(sqlite3.connect(empty_place.folder / ".growlearn" / "growlearn.db")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {
            table
            for table in tables
            for row in database.execute(f"SELECT * FROM {table}")
            if any(SECRET in str(cell) for cell in row)
        }
    assert found <= {"growlearn_streams", "growlearn_decision_log"}
