"""A stream whose rows come from S3, in a home whose files lie there."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow.parquet as pq

from tests.integration.cli.conftest import Place
from tests.s3_server import Bucket


def test_a_first_window_is_grown_promoted_and_answers(
    bucket: Bucket, make_place: Callable[[str], Place]
) -> None:
    place = make_place("s3")
    place.environment["GROWLEARN_ARTIFACTS_URL"] = f"{bucket.url}/home"
    job = place.folder / "blobs.yaml"
    job.write_text(job.read_text().replace("url: incoming", f"url: '{bucket.url}/in'"))
    place.drop("1.parquet", turned=False, seed=1)
    rows = place.folder / "incoming" / "1.parquet"
    url = f"{bucket.url}/in/1.parquet"
    bucket.put("in/1.parquet", rows.read_bytes())

    done = place.growlearn("run", "blobs.yaml")
    assert done.code == 0, done.out + done.err
    (window,) = place.growlearn("windows", "blobs", "--json").json["windows"]
    assert (window["state"], window["rows"], window["source"]) == ("promoted", 240, url)
    (status,) = place.growlearn("status", "--json").json["streams"]
    assert (status["champion"], status["pending"]) == (1, 0)
    assert not (place.folder / ".growlearn" / "artifacts").exists()

    assert place.growlearn("predict", "blobs", str(rows), "--out", "answers.parquet").code == 0
    assert pq.read_table(place.folder / "answers.parquet").num_rows == 240
    checked = place.growlearn("fsck", "--json")
    assert (checked.code, checked.json["damage"]) == (0, []), checked.out
    assert place.growlearn("run", "blobs").code == 0  # nothing new
    assert len(place.growlearn("windows", "blobs", "--json").json["windows"]) == 1
