from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from typing import Any

import pytest

from growlearn.app.doctor.artifacts import artifacts
from growlearn.app.doctor.finding import FindingState
from growlearn.domain.delayed_labels import LabelJoinResult, PendingLabels
from growlearn.domain.errors import Unavailable
from growlearn.domain.stream import Alias
from growlearn.domain.window import IngestResult, SourceFile
from growlearn.registry.references import iter_used_digests


def test_everything_in_use_is_read_and_counted(installation: Any) -> None:
    installation.grow()
    [finding] = installation.findings(artifacts)
    assert finding.state is FindingState.OK
    assert finding.message.startswith(
        "4 artifacts in use, 0.0 MB, were read"
    )  # branch, head, two kinds of rows


@pytest.mark.parametrize(
    ("which", "where"),
    [
        ("branch", "version 1 of stream 'a', branches b1, sha256"),
        ("head", "version 1 of stream 'a', tasks task-1, sha256"),
        ("holdout", "task 'task-1' of stream 'a', holdout"),
        ("reference_rows", "task 'task-1' of stream 'a', reference_rows"),
    ],
)
def test_one_that_is_missing_or_altered_is_named_with_what_needs_it(
    which: str, where: str, installation: Any
) -> None:
    version = installation.grow()
    [task] = installation.store.tasks("a")
    digest = {
        "branch": version.manifest.branches[0].sha256,
        "head": task.head,
        "holdout": task.holdout,
        "reference_rows": task.reference_rows,
    }[which]
    path = installation.path_of(digest)

    path.write_bytes(path.read_bytes()[:-1] + b"?")
    [altered] = installation.findings(artifacts)
    path.unlink()
    [missing] = installation.findings(artifacts)

    assert altered.message == f"artifact {path} does not hold what was stored; needed by {where}"
    assert missing.message == f"artifact {path} is missing; needed by {where}"
    assert (missing.state, missing.hint) == (FindingState.ERROR, "bring that file back from a backup")


def test_a_manifest_that_was_changed_in_the_record_is_named(installation: Any) -> None:
    installation.grow()
    with sqlite3.connect(installation.settings.home / "growlearn.db") as connection:
        connection.execute("UPDATE growlearn_versions SET manifest = replace(manifest, ',1]', ',2]')")
    [finding] = installation.findings(artifacts)
    assert finding.state is FindingState.ERROR
    assert finding.message.startswith("the manifest of version 1 of stream 'a' was changed after")
    assert "growlearn fsck" in finding.hint


def test_the_challenger_counts_and_what_it_replaced_does_not(installation: Any) -> None:
    first, second = installation.grow(), installation.grow()
    installation.path_of(first.manifest.branches[0].sha256).unlink()
    assert [finding.state for finding in installation.findings(artifacts)] == [FindingState.OK]

    third = installation.grow(Alias.CHALLENGER)
    for version in (second, third):
        installation.path_of(version.manifest.branches[0].sha256).unlink()
    assert [finding.state for finding in installation.findings(artifacts)] == [
        FindingState.ERROR,
        FindingState.ERROR,
    ]


def test_rows_of_an_unfinished_window_count_until_it_ends(installation: Any) -> None:
    installation.path_of(installation.skip().snapshot).unlink()
    window = installation.arrive()
    installation.path_of(window.snapshot).unlink()
    [finding] = installation.findings(artifacts)
    assert finding.message.endswith("is missing; needed by window w2 of stream 'a', snapshot")


def test_labels_that_wait_for_their_rows_count(installation: Any) -> None:
    now = installation.clock.now()
    pending = PendingLabels(source="labels", content=installation.artifacts.put(b"labels"), labels=3, at=now)
    file = SourceFile(url="labels", fingerprint="1", size_bytes=1)
    ingested = IngestResult(
        stream="a", file=file, sha256=None, schema="0" * 16, rows=0, windows=(), bad_rows=(), at=now
    )
    installation.store.record_ingest(
        replace(ingested, label_join=LabelJoinResult(last_window=0, pending=(pending,)))
    )
    installation.path_of(pending.content).unlink()
    [finding] = installation.findings(artifacts)
    assert finding.message.endswith("is missing; needed by pending labels of stream 'a', content")


def test_rows_that_a_training_under_way_reads_count(installation: Any) -> None:
    plan = installation.train()
    installation.path_of(plan.validation).unlink()
    [finding] = installation.findings(artifacts)
    assert finding.message.endswith("is missing; needed by window w1 of stream 'a', plan, validation")


def test_labels_are_the_data_s_own_words_though_they_look_like_a_hash(installation: Any) -> None:
    version = installation.grow()
    referenced = dict(iter_used_digests(installation.store, installation.store.stream("a")))
    assert version.manifest.tasks[0].classes[0] == "0" * 64
    assert "0" * 64 not in referenced
    assert len(referenced) == 4


def test_a_folder_that_is_away_is_told_once(installation: Any) -> None:
    installation.grow()
    shutil.rmtree(installation.artifacts.folder)
    with pytest.raises(Unavailable, match="there is no such folder"):
        installation.findings(artifacts)
