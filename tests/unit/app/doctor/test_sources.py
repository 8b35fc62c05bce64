from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from growlearn.app.doctor.finding import FindingState
from growlearn.app.doctor.sources import sources
from growlearn.domain.process import ProcessKind, ProcessRecord


def test_a_source_is_listed_or_why_it_cannot_be_is_told(installation: Any, tmp_path: Path) -> None:
    job = installation.store.stream("a").job
    for name in ("b", "c"):
        source = replace(job.source, url=str(tmp_path / name), min_file_age_s=0)
        installation.store.apply(replace(job, name=name, source=source), installation.clock.now())
    installation.store.delete("a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "1.parquet").touch()

    there, missing = installation.findings(sources)

    message = f"stream 'b': 1 file ready in {tmp_path / 'b'}, 1 of them unread"
    assert (there.state, there.message) == (FindingState.WARNING, message)
    assert there.hint == "run: growlearn up, or growlearn run b"
    assert (missing.state, missing.message) == (
        FindingState.ERROR,
        f"stream 'c': source folder {tmp_path / 'c'} does not exist",
    )
    assert missing.hint == "create it, or correct source.url in the job file"


def test_unread_files_are_no_trouble_where_somebody_will_read_them(installation: Any, tmp_path: Path) -> None:
    now = installation.clock.now()
    job = installation.store.stream("a").job
    installation.store.apply(
        replace(job, source=replace(job.source, url=str(tmp_path), min_file_age_s=0)), now
    )
    (tmp_path / "1.parquet").touch()
    installation.store.record_heartbeat(
        ProcessRecord(
            id="up", kind=ProcessKind.UP, host="h", pid=1, version="0", started_at=now, heartbeat_at=now
        )
    )
    (finding,) = installation.findings(sources)
    assert finding.state is FindingState.OK
    assert finding.message.endswith(", 1 of them unread")
