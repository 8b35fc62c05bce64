"""A stream whose job lets old files go: what is left still predicts, grows and says what is gone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Place


def files_of(place: Place) -> list[Path]:
    return [path for path in (place.folder / ".growlearn" / "artifacts").rglob("*") if path.is_file()]


def let_go(place: Place, keys: str) -> None:
    """Two days later, under a job with these keys."""
    for path in files_of(place):
        os.utime(path, (path.stat().st_mtime - 2 * 86400,) * 2)
    job = (place.folder / "blobs.yaml").read_text()
    (place.folder / "blobs.yaml").write_text(f"{job}{keys}\n")
    assert place.growlearn("apply", "blobs.yaml").code == 0


def test_what_is_left_predicts_and_grows_and_what_is_gone_is_told(copied: Place) -> None:
    before = len(files_of(copied))
    none = copied.growlearn("retention", "--apply")
    assert (none.code, none.out) == (0, "no job has keep or keep_versions: nothing is ever removed\n")

    let_go(copied, "keep_versions: 1")
    planned = copied.growlearn("retention", "--json").json
    assert (planned["applied"], len(files_of(copied))) == (False, before)
    [stream] = planned["streams"]
    assert (stream["kept_versions"], stream["expired_versions"]) == ([2], [1])
    assert len(stream["files"]) > 3
    done = copied.growlearn("retention", "blobs", "--apply")
    assert f"{len(stream['files'])} files removed" in done.out, done.out
    assert len(files_of(copied)) == before - len(stream["files"])

    checked = copied.growlearn("fsck", "--json")
    assert (checked.code, checked.json["removed"]) == (0, len(stream["files"])), checked.json["damage"]
    assert "removed by retention" in copied.growlearn("why", "blobs", "1").out
    assert "removed by retention" not in copied.growlearn("why", "blobs", "2").out
    first, second = copied.growlearn("versions", "blobs", "--json").json["versions"]
    assert (first["removed_at"] is None, second["removed_at"]) == (False, None)
    refused = copied.growlearn("rollback", "blobs")
    assert refused.code == 1
    assert copied.growlearn("status", "--json").json["streams"][0]["champion"] == 2

    assert copied.growlearn("predict", "blobs", "incoming/1.parquet", "--out", "p.csv").code == 0
    assert copied.growlearn("rollback", "blobs", "2").code == 1, "it is the champion already"
    for file in (copied.folder / "incoming").iterdir():
        file.unlink()
    copied.drop("6.parquet", turned=True, seed=6)
    run = copied.growlearn("run", "blobs")
    assert (run.code, "w6" in run.out) == (0, True), run.err
    assert copied.growlearn("fsck").code == 0


def test_a_stream_that_is_not_there_is_named(empty_place: Place) -> None:
    done = empty_place.growlearn("retention", "nobody")
    assert (done.code, "there is no stream 'nobody'" in done.err) == (1, True)
