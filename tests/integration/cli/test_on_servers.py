"""The same commands on a PostgreSQL server: prepared by hand, then nothing else differs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any


def test_a_postgresql_server_is_asked_to_be_prepared_and_then_serves_as_sqlite_does(
    place: Any, empty_postgres_url: str
) -> None:
    place = replace(place, environment=place.environment | {"GROWLEARN_DATABASE_URL": empty_postgres_url})
    unprepared = place.growlearn("status")
    assert (unprepared.code, "growlearn db upgrade" in unprepared.err) == (1, True)
    assert place.growlearn("db", "upgrade").code == 0
    assert place.growlearn("db", "check").code == 0

    place.drop("1.parquet", turned=False, seed=1)
    place.drop("2.parquet", turned=True, seed=2)
    done = place.growlearn("run", "blobs.yaml")
    assert done.code == 0, done.err
    versions = place.growlearn("versions", "blobs", "--json").json["versions"]
    assert [(v["version"], v["mlflow_version"], v["aliases"]) for v in versions] == [
        (1, "1", []),
        (2, "2", ["champion"]),
    ]
    assert place.growlearn("matrix", "blobs", "--json").json["forgetting"] == 0
    assert not (place.folder / ".growlearn" / "growlearn.db").exists()
