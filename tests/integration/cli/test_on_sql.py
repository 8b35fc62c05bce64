"""A stream whose rows come from a database that the settings name."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

from tests.integration.cli.conftest import Place


def test_rows_of_a_query_are_taken_in_once(empty_place: Place) -> None:
    place = empty_place
    file = place.folder / "shop.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE orders (id integer, x real, y real, label integer)")
        rows = [(number, number / 7, number % 5, number % 2) for number in range(60)]
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    job = place.folder / "blobs.yaml"
    query = "sql: {connection: shop, query: SELECT * FROM orders, key: id}"
    lines = job.read_text().replace("type: folder, url: incoming, min_file_age_s: 0", query)
    job.write_text(f"{lines}windowing: {{rows: 1000}}\n")

    refused = place.growlearn("apply", "blobs.yaml")
    assert refused.code == 2
    assert "'shop' is not among the connections of this installation" in refused.err
    place.environment["GROWLEARN_CONNECTIONS"] = json.dumps({"shop": f"sqlite:///{file}"})
    assert place.growlearn("run", "blobs.yaml").code == 0
    assert place.growlearn("run", "blobs").code == 0
    (window,) = place.growlearn("windows", "blobs", "--json").json["windows"]
    found = (window["state"], window["rows"], window["source"])
    assert found == ("open", 60, "sql://shop/id/from the start")
